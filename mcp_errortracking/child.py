"""The start of a child process that runs a module of this package, and no code from the working folder.

Python puts the working folder on the module path for `-m`, and that folder may be an unknown checkout. A child runs in
isolated mode, in a folder of this package, with the module path of its parent and without the parent's secrets.
"""

import json
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
"""The working folder of a child."""

_START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
_KEPT = (
    *("HOME", "USERPROFILE", "PATH", "SYSTEMROOT", "LOCALAPPDATA", "TEMP", "TMP", "TMPDIR"),
    *("XDG_CACHE_HOME", "XDG_STATE_HOME"),
    *("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this package in isolated mode.

    Isolated mode ignores PYTHONPATH and the user's site-packages, so the module path is passed on. The folder of this
    package comes last: a run from its source tree needs it, and there it cannot shadow anything.
    """
    path = [entry for entry in sys.path if os.path.isabs(entry)]
    if str(FOLDER.parent) not in path:
        path.append(str(FOLDER.parent))
    return [os.path.abspath(sys.executable), "-I", "-c", _START, json.dumps(path), module, *arguments]


def environment() -> dict[str, str]:
    """Return the variables that a child needs to find its files. None of them holds a key or a token."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}
