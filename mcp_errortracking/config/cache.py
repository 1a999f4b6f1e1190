"""The user's folder for what a later start may use and can do without."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path | None:
    """Return this server's folder for cached files, which may not exist; None if the user has no home."""
    environ = os.environ if environ is None else environ
    if platform == "win32":
        parent = _absolute(environ.get("LOCALAPPDATA"))
    elif platform == "darwin":
        parent = _absolute(environ.get("HOME"), "Library/Caches")
    else:
        parent = _absolute(environ.get("XDG_CACHE_HOME")) or _absolute(environ.get("HOME"), ".cache")
    return parent and parent / "mcp_errortracking"


def _absolute(folder: str | None, below: str = "") -> Path | None:
    """Return a folder below another one, or None; a home must exist."""
    if not folder or not Path(folder).is_absolute() or (below and not Path(folder).is_dir()):
        return None
    return Path(folder, below)
