"""The file in which `posthog-cli login` keeps its credentials: `{"host": ..., "token": ..., "env_id": ...}`."""

import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from mcp_errortracking.config.user_folders import home_folder
from mcp_errortracking.system.regular_file import read_regular
from mcp_errortracking.system.replaced_file import is_writable, replace_file

logger = logging.getLogger(__name__)

_MOST_BYTES = 64 * 1024


def credentials_file(environ: Mapping[str, str], home: Path | None = None, platform: str = sys.platform) -> Path:
    """Return the path of the file, which may not exist.

    Args:
        home: the user's home folder, if not the one of the environment.
    """
    own = environ.get("POSTHOG_HOME")
    if own and home is None:
        return Path(own) / "credentials.json"
    home = home or home_folder(environ, platform) or Path(os.sep)  # where container runtimes put a user without a home
    return home / ".posthog" / "credentials.json"


def read_credentials(path: Path) -> dict[str, Any] | None:
    """Return the fields of the file; None if it does not exist, or holds no credentials, which is logged."""
    try:
        content = read_regular(path, _MOST_BYTES).decode("utf-8")
        readable_by_others = path.stat().st_mode & 0o077
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("the credentials of posthog-cli in %s cannot be read (%s)", path, type(error).__name__)
        return None
    fields = _fields(content)
    token = fields.get("token")
    if not isinstance(token, str) or not token.strip():
        logger.warning("%s holds no credentials of posthog-cli; log in again with: posthog-cli login", path)
        return None
    if readable_by_others and os.name == "posix":
        logger.warning("%s can be read by others on this machine; fix with: chmod 600 %s", path, path)
    return fields


def write_credentials(path: Path, host: str, key: str, project: str) -> None:
    """Replace the file, readable only by the user.

    Raises:
        OSError: it was not written.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    content = json.dumps({"host": host, "token": key, "env_id": project})
    replace_file(path, content.encode(), mode=0o600)


def can_write(path: Path) -> bool:
    """True if the file can be written. The home folder is not created."""
    return path.parent.parent.is_dir() and is_writable(path.parent) and (path.is_file() or not path.exists())


def _fields(content: str) -> dict[str, Any]:
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}
