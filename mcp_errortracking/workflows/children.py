"""What the programs that a workflow starts are given of our own environment."""

import os

_KEPT = (
    *("HOME", "PATH", "XDG_CONFIG_HOME"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME"),
    *("SYSTEMROOT", "USERPROFILE", "TEMP", "TMP", "TMPDIR"),
)


def environment(**more: str) -> dict[str, str]:
    """What they need to be found and to find their files, and `more`; the API key is not their business."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | more
