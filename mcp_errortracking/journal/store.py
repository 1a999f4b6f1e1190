"""The store of the journal: an SQLite file of the user, bounded in size and age, which two processes may write.

A write is recorded by `begin` before it is sent, and by `end` after it. Keys of PostHog are redacted in every text.
"""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast
from weakref import finalize

from pydantic import TypeAdapter, ValidationError

from mcp_errortracking.journal.change import Change, End, Write
from mcp_errortracking.journal.process import has_ended, this_process
from mcp_errortracking.posthog_keys import redact

_T = TypeVar("_T")

VERSION = 1
MAX_CHANGES = 1_000
"""Of one owner."""
MAX_BYTES = 32 * 1024 * 1024
MAX_AGE = 90 * 24 * 3600.0
_MAX_VALUE = 256 * 1024
"""Characters of one recorded value; a larger one is left out, and the change cannot be undone."""
_PAGE = 4096
_BUSY_SECONDS = 1.0
_UNDER_WAY = 600.0
"""Seconds for which an undo without an end is taken to run, unless its process is known to have ended."""
_MOST_OF_A_CHANGE = 2 * 1024 * 1024
"""Characters of all values of a change: a larger size in the file is not one that was written here."""
_SIZE = f"""
CASE WHEN typeof(size) = 'integer' AND size BETWEEN 0 AND {_MOST_OF_A_CHANGE} THEN size ELSE {_MOST_OF_A_CHANGE} END
"""

_OLDEST = f"SELECT id, {_SIZE} FROM changes ORDER BY id LIMIT 1"  # noqa: S608 a constant
_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    began REAL NOT NULL,
    ended REAL,
    state TEXT NOT NULL,
    size INTEGER NOT NULL,
    undoes INTEGER,
    write TEXT NOT NULL,
    finish TEXT
);
CREATE INDEX IF NOT EXISTS changes_of_owner ON changes (owner, id);
CREATE INDEX IF NOT EXISTS changes_undone ON changes (undoes) WHERE undoes IS NOT NULL;
"""
_LATEST = """
SELECT id, began, ended, state, undoes, write, finish FROM changes
WHERE owner = ? AND id < ? ORDER BY id DESC LIMIT ?
"""

_DAMAGED = "the file is damaged; move it away to begin another"
_READ_ONLY = "its folder or file system is read-only"
_REASONS = {
    "SQLITE_BUSY": "another process holds it locked",
    "SQLITE_FULL": "it or the disk is full",
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": "the file is not a journal; move it away to begin another",
    "SQLITE_READONLY": "it cannot be written",
    "SQLITE_CANTOPEN": "it cannot be opened",
}


class JournalError(Exception):
    """The journal cannot be read or written; the text says why, as a part of a sentence."""


class AlreadyUndoneError(Exception):
    """Another call took the change back, or is about to."""

    def __init__(self, by: int) -> None:
        super().__init__(f"change {by} takes it back")
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
        self.path = path
        self._owner, self._max_bytes, self._clock = owner, max_bytes, clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file = self
        """The journal that holds the connection to the file."""

    def of(self, owner: str) -> "Journal":
        """Return the changes of another owner in the same file, over the same connection."""
        other = Journal(self.path, owner=owner, max_bytes=self._max_bytes, clock=self._clock)
        other._file = self._file
        return other

    def begin(self, write: Write) -> int:
        """Record a write that is about to be sent, and return its id.

        Raises:
            JournalError: it was not recorded.
            AlreadyUndoneError: it undoes a change that another write undid, or is about to undo.
        """
        values = {
            "tool": write.call.tool,
            "arguments": _bounded(write.call.arguments),
            "host": write.host,
            "project": write.project,
            "before": _bounded(write.before),
            "undo": write.undo,
            "process": this_process() if write.undoes is not None else "",
        }
        text = _dump(values)

        def insert(connection: sqlite3.Connection) -> int:
            if write.undoes is not None:
                self._check_undo(connection, write.undoes)
            self._prune(connection, len(text))
            row = (self._owner, self._clock(), "unknown", len(text), write.undoes, text)
            cursor = connection.execute(
                "INSERT INTO changes (owner, began, state, size, undoes, write) VALUES (?, ?, ?, ?, ?, ?)", row
            )
            return cast("int", cursor.lastrowid)

        return self._transaction(insert)

    def end(self, change: int, end: End) -> None:
        """Record the end of a write.

        Raises:
            JournalError: it was not recorded: the change stays unknown.
        """
        inverse = None
        if end.inverse is not None:
            arguments = _bounded(end.inverse.arguments)
            if arguments == end.inverse.arguments:  # neither too large nor with a key that would be lost
                inverse = {"tool": end.inverse.tool, "arguments": arguments}
        values = {
            "sent": _bounded(list(end.sent)),
            "after": _bounded(end.after),
            "inverse": inverse,
            "undo": end.undo if inverse is not None else "none",
            "status": end.status,
            "error": redact(end.error),
            "maybe_applied": end.maybe_applied,
            "loss": end.loss,
        }
        text = _dump(values)

        def update(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE changes SET ended = ?, state = ?, size = size + ?, finish = ? WHERE id = ? AND owner = ?",
                (self._clock(), end.state, len(text), text, change, self._owner),
            )

        self._transaction(update)

    def latest(self, limit: int, *, before: int | None = None) -> list[Change]:
        """Return the latest changes, newest first; `before`: only those with a lower id.

        Raises:
            JournalError: the file cannot be read.
        """
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise JournalError(_reason(error, "read")) from None
        upper = 2**62 if before is None else before

        def read(connection: sqlite3.Connection) -> list[Change]:
            rows = connection.execute(_LATEST, (self._owner, upper, limit)).fetchall()
            return [_change(row, connection) for row in rows]

        return self._unchanging(read) if self._is_frozen() else self._transaction(read)

    def find(self, change: int) -> Change | None:
        """Return one change; None if the journal does not hold it for this owner.

        Raises:
            JournalError: the file cannot be read.
        """
        found = self.latest(1, before=change + 1)
        return found[0] if found and found[0].id == change else None

    def close(self) -> None:
        """Close the file."""
        with self._file._lock:
            if self._file._connection is not None:
                self._file._connection.close()
                self._file._connection = None

    def _transaction(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run work in an immediate transaction, so that two processes never deadlock in one.

        Raises:
            JournalError: the file cannot be read or written.
        """
        with self._file._lock:
            try:
                connection = self._file._connection or self._file._open()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    result = work(connection)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError, ValueError) as error:
                is_sqlite = isinstance(error, sqlite3.Error)
                raise JournalError(_READ_ONLY if is_sqlite and self._is_frozen() else _reason(error)) from None
            return result

    def _is_frozen(self) -> bool:
        """True if the folder cannot be written, and no other process left changes that are not in the file yet."""
        if self._file._connection is not None or os.access(self.path.parent, os.W_OK):
            return False
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size == 0
        except OSError:
            return True

    def _unchanging(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read a file that cannot be written, for which SQLite would make others beside it.

        Raises:
            JournalError: the file cannot be read.
        """
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
                _check_version(connection)
                return read(connection)
        except (sqlite3.Error, OSError, ValueError) as error:
            raise JournalError(_reason(error, "read")) from None

    def _open(self) -> sqlite3.Connection:
        """Open the file, which only its user may read; make it and its folder if they are missing."""
        if not self.path.parent.is_dir():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.path.exists():
            target = self.path.resolve()  # a link may lead to a file that does not exist yet
            with suppress(FileExistsError):  # made by another process meanwhile
                os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=16
        )
        try:
            version = _check_version(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing, a power cut may
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(f"PRAGMA max_page_count = {self._max_bytes // _PAGE}")
            if version < VERSION:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        except BaseException:
            connection.close()
            raise
        finalize(self, connection.close)  # Python 3.13 warns of a connection that nobody closes
        self._connection = connection
        return connection

    def _check_undo(self, connection: sqlite3.Connection, change: int) -> None:
        """Refuse a second undo, in the transaction that records it: two calls may undo a change at once."""
        rows = connection.execute(
            "SELECT id, state, write FROM changes "
            "WHERE undoes = ? AND (state = 'done' OR (state = 'unknown' AND began > ?))",
            (change, self._clock() - _UNDER_WAY),
        )
        for other, state, written in rows.fetchall():
            if state == "done" or not has_ended(_facts(written).get("process")):
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
        while size and size + incoming > self._max_bytes // 2:
            oldest, freed = connection.execute(_OLDEST).fetchone()
            connection.execute("DELETE FROM changes WHERE id = ?", (oldest,))
            size -= freed


def _check_version(connection: sqlite3.Connection) -> int:
    """Return the version of a file.

    Raises:
        ValueError: a newer version of this package wrote it.
    """
    with closing(connection.execute("PRAGMA user_version")) as rows:
        version: int = rows.fetchone()[0]
    if version > VERSION:
        raise ValueError("a newer version of mcp-errortracking wrote it; upgrade this one")
    return version


def _change(row: Sequence[Any], connection: sqlite3.Connection) -> Change:
    """Return the change in a row.

    Raises:
        ValueError: the row is not one that this module wrote.
    """
    identity, began, ended, state, undoes, written, finish = row
    values = _facts(written)
    write: dict[str, Any] = {
        "call": {"tool": values.get("tool"), "arguments": values.get("arguments") or {}},
        "undoes": undoes,
        **{name: values.get(name) for name in ("host", "project", "before", "undo")},
    }
    end: dict[str, Any] | None = None
    if finish is not None:
        facts = _facts(finish)
        sent = facts.get("sent") or ()
        end = {**facts, "state": state, "sent": tuple(cast("list[Any]", sent)) if isinstance(sent, list) else sent}
    undone = connection.execute("SELECT id FROM changes WHERE undoes = ? AND state = 'done' ORDER BY id", (identity,))
    fields: dict[str, Any] = {
        "id": identity,
        "write": write,
        "state": state,
        "began": began,
        "ended": ended,
        "end": end,
    }
    return _changes().validate_python({**fields, "undone_by": tuple(one for (one,) in undone.fetchall())})


@cache
def _changes() -> TypeAdapter[Change]:
    return TypeAdapter(Change)


def _facts(text: Any) -> dict[str, Any]:
    """Return the JSON object in a column.

    Raises:
        ValueError: there is none.
    """
    try:
        facts = json.loads(text) if isinstance(text, str) else None
    except RecursionError:
        facts = None
    if not isinstance(facts, dict):
        raise ValueError(_DAMAGED)
    return cast("dict[str, Any]", facts)


def _bounded(value: Any) -> Any:
    """Return a value without keys; None in place of one that is too large or too deep."""
    try:
        clean = _without_keys(value)
        return None if value is None or len(_dump(clean)) > _MAX_VALUE else clean
    except RecursionError:
        return None


def _without_keys(value: Any) -> Any:
    """Return a JSON value with `[key]` in place of each key in it.

    Each text is redacted before it is escaped: escapes put letters in front of a key, where it would not be recognized.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {redact(str(name)): _without_keys(item) for name, item in fields.items()}
    if isinstance(value, list | tuple):
        return [_without_keys(item) for item in cast("Sequence[Any]", value)]
    return value


def _dump(value: Any) -> str:
    return json.dumps(value, default=str)


def _reason(error: Exception, action: str = "written") -> str:
    if isinstance(error, sqlite3.Error):
        name = "_".join(error.sqlite_errorname.split("_")[:2]) if getattr(error, "sqlite_errorname", None) else ""
        return _REASONS.get(name, "SQLite cannot use it")
    if isinstance(error, OSError):
        return f"it cannot be {action} ({error.strerror or type(error).__name__})"
    return _DAMAGED if isinstance(error, json.JSONDecodeError | ValidationError) else str(error)
