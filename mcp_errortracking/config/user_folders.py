"""The user's folders for what a later start may use."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_NAME = "mcp_errortracking"


def cache_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path | None:
    """Return this server's folder for cached files, which may not exist; None if the user has no home."""
    environ = os.environ if environ is None else environ
    return _folder(environ, platform, "XDG_CACHE_HOME", ".cache", "Library/Caches")


def state_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path | None:
    """Return this server's folder for files that are worth keeping, which may not exist; None without a home."""
    environ = os.environ if environ is None else environ
    return _folder(environ, platform, "XDG_STATE_HOME", ".local/state", "Library/Application Support")


def home_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path | None:
    """Return the user's home; None if it is not known.

    On Windows that is USERPROFILE: a HOME is set there by some shells only, and may lead elsewhere.
    """
    environ = os.environ if environ is None else environ
    if platform == "win32":
        named = environ.get("USERPROFILE") or environ.get("HOMEDRIVE", "") + environ.get("HOMEPATH", "")
        return Path(named) if named else None
    if named := environ.get("HOME"):
        return Path(named)
    try:
        return Path.home()
    except RuntimeError:  # a container's user without an entry
        return None


def _folder(environ: Mapping[str, str], platform: str, variable: str, below: str, on_mac: str) -> Path | None:
    if environ.get(variable) == os.devnull:  # the user wants none
        return None
    if platform == "win32":
        parent = _absolute(environ.get("LOCALAPPDATA")) or _absolute(environ.get("USERPROFILE"), "AppData/Local")
    elif platform == "darwin":
        parent = _absolute(environ.get("HOME"), on_mac)
    else:
        parent = _absolute(environ.get(variable)) or _absolute(environ.get("HOME"), below)
    return parent and parent / _NAME


def _absolute(folder: str | None, below: str = "") -> Path | None:
    """Return a folder below another one, or None; a home must exist."""
    if not folder or not Path(folder).is_absolute() or (below and not Path(folder).is_dir()):
        return None
    return Path(folder, below)
