"""The SQLite file of the journal, which only its user may read and two processes may write."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar
from weakref import finalize

from pydantic import ValidationError

_T = TypeVar("_T")

VERSION = 1
DAMAGED = "the file is damaged; move it away to begin another"
_PAGE = 4096
_BUSY_SECONDS = 1.0

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
_READ_ONLY = "its folder or file system is read-only"
_REASONS = {
    "SQLITE_BUSY": "another process holds it locked",
    "SQLITE_FULL": "it or the disk is full",
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": "the file is not a journal; move it away to begin another",
    "SQLITE_READONLY": "it cannot be written",
    "SQLITE_CANTOPEN": "it cannot be opened",
}


class JournalError(Exception):
    """The journal cannot be read or written; the text says why, as a part of a sentence."""


class Database:
    """The file at `path`, which is made when first needed.

    Args:
        max_bytes: size that the file does not exceed.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def exists(self) -> bool:
        """Return True if the file exists.

        Raises:
            JournalError: its folder cannot be read.
        """
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise JournalError(_reason(error, "read")) from None
        return True

    def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run work that changes nothing, also on a file that cannot be written.

        Raises:
            JournalError: the file cannot be read.
        """
        return self._unchanging(work) if self._is_frozen() else self.transaction(work)

    def transaction(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run work in an immediate transaction, so that two processes never deadlock in one.

        Raises:
            JournalError: the file cannot be read or written.
        """
        with self._lock:
            try:
                connection = self._connection or self._open()
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

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _is_frozen(self) -> bool:
        """True if the folder cannot be written, and no other process left changes that are not in the file yet."""
        if self._connection is not None or os.access(self.path.parent, os.W_OK):
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
            connection.execute(f"PRAGMA max_page_count = {self.max_bytes // _PAGE}")
            if version < VERSION:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        except BaseException:
            connection.close()
            raise
        finalize(self, connection.close)  # Python 3.13 warns of a connection that nobody closes
        self._connection = connection
        return connection


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


def _reason(error: Exception, action: str = "written") -> str:
    if isinstance(error, sqlite3.Error):
        name = "_".join(error.sqlite_errorname.split("_")[:2]) if getattr(error, "sqlite_errorname", None) else ""
        return _REASONS.get(name, "SQLite cannot use it")
    if isinstance(error, OSError):
        return f"it cannot be {action} ({error.strerror or type(error).__name__})"
    return DAMAGED if isinstance(error, json.JSONDecodeError | ValidationError) else str(error)
