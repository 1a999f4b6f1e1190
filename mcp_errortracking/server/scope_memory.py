"""The scopes of a key, kept across starts: a list of tools need not wait for PostHog's answer about the key."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from mcp_errortracking.posthog_keys import digest_of
from mcp_errortracking.system.replacement import replace

_DAYS = 30
_MOST_KEYS = 20
_MOST_BYTES = 1_000_000
_DAY = 24 * 3600.0


class ScopeMemory:
    """The scopes of one key at one host, in a file that holds a hash of both. The key itself is not stored.

    Everything here is optional: a file that cannot be read or written is as one that does not exist.
    """

    def __init__(self, folder: Path, host: str, key: str) -> None:
        """
        Args:
            folder: for the file. It is created if it does not exist.
        """
        self._file = folder / "key_scopes.json"
        self._id = digest_of(host, key)
        self.scopes = self._load()
        """Those that an earlier start saw; None if they are not known, or have not been confirmed for a month."""

    def _load(self) -> frozenset[str] | None:
        row = self._rows().get(self._id)
        if row is None or not 0 <= time.time() - row["time"] < _DAYS * _DAY:
            return None
        return frozenset(row["scopes"])

    def save(self, scopes: frozenset[str]) -> None:
        """Remember the scopes for the next start."""
        rows = self._rows() | {self._id: {"scopes": sorted(scopes), "time": time.time()}}
        newest = sorted(rows.items(), key=lambda row: row[1]["time"], reverse=True)[:_MOST_KEYS]
        other = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                other.unlink()
            try:
                with open(os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                    json.dump(dict(newest), file)
                replace(other, self._file)
            except BaseException:
                other.unlink(missing_ok=True)
                raise

    def _rows(self) -> dict[str, dict[str, Any]]:
        """Return the rows of the file that are as `save` writes them."""
        try:
            if not self._file.is_file():  # a pipe could be waited for without end
                return {}
            with self._file.open("rb") as file:
                content: Any = json.loads(file.read(_MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        rows = cast("dict[str, Any]", content).items() if isinstance(content, dict) else ()
        return {name: row for name, row in rows if _is_row(row)}


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict):
        return False
    scopes, when = (cast("dict[str, Any]", row).get(name) for name in ("scopes", "time"))
    return (
        isinstance(when, float)
        and 0 <= when <= time.time()
        and isinstance(scopes, list)
        and all(isinstance(scope, str) for scope in cast("list[Any]", scopes))
    )
