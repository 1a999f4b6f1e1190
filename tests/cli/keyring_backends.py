"""Backends of the package `keyring` for tests, named by PYTHON_KEYRING_BACKEND: a JSON file, and failures."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class FileBackend(KeyringBackend):
    """Keeps its entries in the file that the variable TEST_KEYRING names."""

    priority = 5  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    name = "test"  # pyright: ignore[reportAssignmentType]

    def _entries(self) -> dict[str, str]:
        file = Path(os.environ["TEST_KEYRING"])
        return json.loads(file.read_text("utf-8")) if file.exists() else {}

    def _write(self, entries: dict[str, str]) -> None:
        Path(os.environ["TEST_KEYRING"]).write_text(json.dumps(entries), "utf-8")

    def get_password(self, service: str, username: str) -> str | None:
        return self._entries().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write(self._entries() | {f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        entries = self._entries()
        del entries[f"{service}/{username}"]
        self._write(entries)


class LockedBackend(FileBackend):
    """A keyring that is locked."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("Failed to unlock the collection!")


class LosingBackend(FileBackend):
    """A keyring that takes the check, and fails when a key is stored."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if username != "check":
            raise KeyringLocked("Failed to unlock the collection!")
        super().set_password(service, username, password)
