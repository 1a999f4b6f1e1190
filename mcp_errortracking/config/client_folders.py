"""The folders below which MCP clients keep their configuration."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Literal

from mcp_errortracking.config.user_folders import home_folder


@dataclass(frozen=True, slots=True)
class ClientFolders:
    """The system, the user's home, and the folders that replace `~/.config` and `%APPDATA%`."""

    platform: Literal["linux", "macos", "windows"]
    home: Path
    config: Path
    appdata: Path

    def resolve(self, shown: str) -> Path:
        """Return the path that a text like `~/.config/zed/settings.json` means for this user."""
        for prefix, folder in (("%APPDATA%", self.appdata), ("%USERPROFILE%", self.home)):
            if shown.startswith(prefix):
                return folder.joinpath(*PureWindowsPath(shown[len(prefix) + 1 :]).parts)
        if self.platform == "linux" and shown.startswith("~/.config/"):
            return self.config / shown.removeprefix("~/.config/")
        return self.home / shown.removeprefix("~/")

    def has_client(self, file: Path) -> bool:
        """True if the client whose file this is seems to be installed: its own folder exists."""
        shared = (
            self.home,
            self.config,
            self.appdata,
            self.home / ".config",
            self.home / "Library/Application Support",
        )
        return any(folder.is_dir() and folder not in shared for folder in (file.parent, file.parent.parent))


def client_folders(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> ClientFolders:
    """Return the folders of the user."""
    environ = os.environ if environ is None else environ
    system = "macos" if platform == "darwin" else "windows" if platform == "win32" else "linux"
    home = home_folder(environ, platform) or Path(os.sep)
    return ClientFolders(
        system,
        home,
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config"),
        Path(environ.get("APPDATA") or home / "AppData" / "Roaming"),
    )
