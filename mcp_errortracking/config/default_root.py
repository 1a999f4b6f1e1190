"""The folder that tools may read and write if none is named: the current one, unless it holds no project.

Desktop programs start their servers in their own folder, in a folder of the system or in the user's home.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath

from mcp_errortracking.config.user_folders import home_folder

_OF_WINDOWS = (
    *("SYSTEMROOT", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432"),
    *("APPDATA", "LOCALAPPDATA"),
)
"""Variables that name folders of the system and of programs."""
_OF_MAC = ("/Applications", "/Library", "/System", "/private/etc")
_OF_UNIX = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys")
_OF_UNIX_USR = ("/usr/bin", "/usr/lib", "/usr/libexec", "/usr/sbin", "/usr/share")  # /usr/src/app is a project's

_OURS = Path(__file__).resolve().parents[2]
"""The folder that holds this package."""


def default_root(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the current folder; None if it is gone, or is not one for a project."""
    environ = os.environ if environ is None else environ
    try:
        here = Path.cwd()
    except OSError:
        return None
    if is_system_folder(here, environ, sys.platform) or is_own_folder(here, _OURS):
        return None
    home = home_folder(environ)
    return None if home is not None and home.resolve().is_relative_to(here) else here


def is_system_folder(here: PurePath, environ: Mapping[str, str], platform: str) -> bool:
    """True for the whole disk, and for folders of the system or of installed programs and those below them."""
    if here == type(here)(here.anchor):
        return True
    if platform == "win32":
        folders = [environ[name] for name in _OF_WINDOWS if environ.get(name)]
    else:
        folders = [*_OF_UNIX, *_OF_UNIX_USR, *(_OF_MAC if platform == "darwin" else ())]
    return any(here.is_relative_to(folder) for folder in folders)


def is_own_folder(here: Path, ours: Path) -> bool:
    """True in the folder that this package was installed or unpacked to, as a desktop bundle is.

    A git checkout of this project is a project like any other.
    """
    return here.is_relative_to(ours) and not (ours / ".git").exists()
