"""The changes of one owner in the journal's file, bounded in size and age.

A write is recorded by `begin` before it is sent, and by `end` after it.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from mcp_errortracking.journal.change import Change, End, Write
from mcp_errortracking.journal.database import Database
from mcp_errortracking.journal.process import has_ended
from mcp_errortracking.journal.rows import change_of, process_of, text_of_end, text_of_write

MAX_CHANGES = 1_000
"""Of one owner."""
MAX_BYTES = 32 * 1024 * 1024
MAX_AGE = 90 * 24 * 3600.0
_UNDER_WAY = 600.0
"""Seconds for which an undo without an end is taken to run, unless its process is known to have ended."""
_MOST_OF_A_CHANGE = 2 * 1024 * 1024
"""Characters of all values of a change: a larger size in the file is not one that was written here."""
_SIZE = f"""
CASE WHEN typeof(size) = 'integer' AND size BETWEEN 0 AND {_MOST_OF_A_CHANGE} THEN size ELSE {_MOST_OF_A_CHANGE} END
"""

_OLDEST = f"SELECT id, {_SIZE} FROM changes ORDER BY id LIMIT 1"  # noqa: S608 a constant
_LATEST = """
SELECT id, began, ended, state, undoes, write, finish FROM changes
WHERE owner = ? AND id < ? ORDER BY id DESC LIMIT ?
"""


class AlreadyUndoneError(Exception):
    """Another call undid the change, or is about to."""

    def __init__(self, by: int) -> None:
        super().__init__(f"change {by} undoes it")
        self.by = by


class Journal:
    """The changes of one owner in the file at `path`, which is made when first needed.

    Args:
        owner: distinguishes callers in a shared file; contains no secret.
        max_bytes: size that the file does not exceed.
        clock: seconds since 1970.
    """

    def __init__(
        self, path: Path, *, owner: str = "", max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = Database(path, max_bytes)
        self._owner, self._clock = owner, clock

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def of(self, owner: str) -> "Journal":
        """Return the changes of another owner in the same file, over the same connection."""
        other = Journal(self.path, owner=owner, clock=self._clock)
        other._database = self._database
        return other

    def begin(self, write: Write) -> int:
        """Record a write that is about to be sent, and return its id.

        Raises:
            JournalError: it was not recorded.
            AlreadyUndoneError: it undoes a change that another write undid, or is about to undo.
        """
        text = text_of_write(write)

        def insert(connection: sqlite3.Connection) -> int:
            if write.undoes is not None:
                self._check_undo(connection, write.undoes)
            self._prune(connection, len(text))
            row = (self._owner, self._clock(), "unknown", len(text), write.undoes, text)
            cursor = connection.execute(
                "INSERT INTO changes (owner, began, state, size, undoes, write) VALUES (?, ?, ?, ?, ?, ?)", row
            )
            return cast("int", cursor.lastrowid)

        return self._database.transaction(insert)

    def end(self, change: int, end: End) -> None:
        """Record the end of a write.

        Raises:
            JournalError: it was not recorded: the change stays unknown.
        """
        text = text_of_end(end)

        def update(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE changes SET ended = ?, state = ?, size = size + ?, finish = ? WHERE id = ? AND owner = ?",
                (self._clock(), end.state, len(text), text, change, self._owner),
            )

        self._database.transaction(update)

    def latest(self, limit: int, *, before: int | None = None) -> list[Change]:
        """Return the latest changes, newest first; `before`: only those with a lower id.

        Raises:
            JournalError: the file cannot be read.
        """
        if not self._database.exists():
            return []
        upper = 2**62 if before is None else before

        def read(connection: sqlite3.Connection) -> list[Change]:
            rows = connection.execute(_LATEST, (self._owner, upper, limit)).fetchall()
            return [change_of(row, _undone_by(connection, row[0])) for row in rows]

        return self._database.read(read)

    def find(self, change: int) -> Change | None:
        """Return one change; None if the journal does not hold it for this owner.

        Raises:
            JournalError: the file cannot be read.
        """
        found = self.latest(1, before=change + 1)
        return found[0] if found and found[0].id == change else None

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _check_undo(self, connection: sqlite3.Connection, change: int) -> None:
        """Refuse a second undo, in the transaction that records it: two calls may undo a change at once."""
        rows = connection.execute(
            "SELECT id, state, write FROM changes "
            "WHERE undoes = ? AND (state = 'done' OR (state = 'unknown' AND began > ?))",
            (change, self._clock() - _UNDER_WAY),
        )
        for other, state, written in rows.fetchall():
            if state == "done" or not has_ended(process_of(written)):
                raise AlreadyUndoneError(other)

    def _prune(self, connection: sqlite3.Connection, incoming: int) -> None:
        """Delete changes that are too old, and the oldest ones of an owner with too many or of a file too large."""
        connection.execute("DELETE FROM changes WHERE began < ?", (self._clock() - MAX_AGE,))
        connection.execute(
            "DELETE FROM changes WHERE owner = ? AND id NOT IN "
            "(SELECT id FROM changes WHERE owner = ? ORDER BY id DESC LIMIT ?)",
            (self._owner, self._owner, MAX_CHANGES - 1),
        )
        (size,) = connection.execute(f"SELECT coalesce(sum({_SIZE}), 0) FROM changes").fetchone()  # noqa: S608 a constant
        # Half of the file: pages are not full, and the end of a write needs room too.
        while size and size + incoming > self._database.max_bytes // 2:
            oldest, freed = connection.execute(_OLDEST).fetchone()
            connection.execute("DELETE FROM changes WHERE id = ?", (oldest,))
            size -= freed


def _undone_by(connection: sqlite3.Connection, change: int) -> Sequence[int]:
    rows = connection.execute("SELECT id FROM changes WHERE undoes = ? AND state = 'done' ORDER BY id", (change,))
    return [undo for (undo,) in rows.fetchall()]
