"""The sandbox's own storage: JSON documents in SQLite."""

import json
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import finalize

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    project INTEGER,
    id TEXT NOT NULL,
    name TEXT,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS of_project_by_name ON documents (kind, project, name, id);
"""
_NAMED_BY = {"symbol_set": "ref", "fingerprint": "fingerprint", "release": "hash_id", "event": "timestamp"}
_UNCHANGING = frozenset({"event", "exception"})

Document = dict[str, Any]


class Store:
    """Documents by kind and id, each of one project or of none.

    Several processes may use one file: a write locks the database from its first read to its commit, so two writers
    never lose each other's changes.

    Events are kept decoded, since a query reads thousands of them: callers must not change them.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Open the file, or a database in memory.

        Raises:
            sqlite3.Error: the file is not a database, is damaged, or cannot be used.
        """
        self._db = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False, timeout=30)
        finalize(self, self._db.close)  # Python 3.13 warns of a connection that nobody closes
        if file is not None:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._check()
        self._db.executescript(_SCHEMA)
        self._depth = 0
        self._decoded = dict[int, Document]()

    def _check(self) -> None:
        """
        Raises:
            sqlite3.DatabaseError: the file is damaged.
        """
        found = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError("database disk image is malformed")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit all changes or none; a transaction inside another is part of it."""
        if self._depth:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        else:
            try:
                self._db.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
        finally:
            self._depth -= 1

    def _roll_back(self) -> None:
        self._decoded.clear()
        if self._db.in_transaction:  # where the disk is full or damaged, SQLite has done so itself
            self._db.execute("ROLLBACK")

    def add(self, kind: str, project: int | None, document: Document) -> None:
        """Store a new document under its `id`.

        Raises:
            sqlite3.IntegrityError: the id is taken.
        """
        self._db.execute(
            "INSERT INTO documents (kind, project, id, name, body) VALUES (?, ?, ?, ?, ?)",
            (kind, project, str(document["id"]), _name(kind, document), json.dumps(document)),
        )

    def add_all(self, kind: str, project: int | None, documents: Iterable[Document]) -> None:
        """Store many new documents."""
        rows = ((kind, project, document["id"], _name(kind, document), json.dumps(document)) for document in documents)
        self._db.executemany("INSERT INTO documents (kind, project, id, name, body) VALUES (?, ?, ?, ?, ?)", rows)

    def put(self, kind: str, document: Document) -> None:
        """Replace the document with that `id`."""
        self._db.execute(
            "UPDATE documents SET body = ?, name = ? WHERE kind = ? AND id = ?",
            (json.dumps(document), _name(kind, document), kind, str(document["id"])),
        )

    def get(self, kind: str, project: int | None, document_id: object) -> Document | None:
        """Return a document of that project (None: of any)."""
        row = self._db.execute(
            "SELECT body FROM documents WHERE kind = :kind AND id = :id AND (:project IS NULL OR project = :project)",
            {"kind": kind, "id": str(document_id).lower(), "project": project},
        ).fetchone()
        return json.loads(row[0]) if row else None

    def find(self, kind: str, project: int, name: str) -> Document | None:
        """Return the first document of that name: a symbol set's ref, a fingerprint's text, a release's hash id."""
        row = self._db.execute(
            "SELECT body FROM documents WHERE kind = ? AND project = ? AND name = ? ORDER BY number",
            (kind, project, name),
        ).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str, project: int | None = None) -> list[Document]:
        """Return the documents of a project (None: of all), in the order they were stored."""
        condition = "(:project IS NULL OR project = :project) ORDER BY number"
        return self._select(kind, condition, project=project)

    def within(self, kind: str, project: int, first: str, last: str) -> list[Document]:
        """Return the documents with names between two, both included, in the order of names: events of a time range."""
        condition = "project = :project AND name BETWEEN :first AND :last ORDER BY name, id"
        return self._select(kind, condition, project=project, first=first, last=last)

    def _select(self, kind: str, condition: str, **values: object) -> list[Document]:
        chosen, values = f"FROM documents WHERE kind = :kind AND {condition}", {"kind": kind, **values}
        if kind not in _UNCHANGING:
            return [json.loads(body) for (body,) in self._db.execute(f"SELECT body {chosen}", values)]
        numbers = self._db.execute(f"SELECT number {chosen}", values).fetchall()
        if any(number not in self._decoded for (number,) in numbers):
            numbers = list[tuple[int]]()
            for number, body in self._db.execute(f"SELECT number, body {chosen}", values):
                numbers.append((number,))
                if number not in self._decoded:
                    self._decoded[number] = json.loads(body)
        return [self._decoded[number] for (number,) in numbers]

    def remove(self, kind: str, project: int | None, document_id: object) -> bool:
        """Delete a document; return True if it existed."""
        done = self._db.execute(
            "DELETE FROM documents WHERE kind = :kind AND id = :id AND (:project IS NULL OR project = :project)",
            {"kind": kind, "id": str(document_id).lower(), "project": project},
        )
        return done.rowcount > 0

    def clear(self) -> None:
        """Delete every document; settings stay."""
        self._decoded.clear()
        self._db.execute("DELETE FROM documents WHERE kind <> 'setting'")

    def version(self) -> tuple[int, int]:
        """Return numbers that differ after a change, of this process or of another."""
        return self._db.total_changes, self._db.execute("PRAGMA data_version").fetchone()[0]

    def setting(self, name: str, default: str) -> str:
        """Return a value that is kept with the data; the default is stored at first use."""
        with self.transaction():
            found = self.get("setting", None, name)
            if found is None:
                found = {"id": name, "value": default}
                self.add("setting", None, found)
            return found["value"]


def _name(kind: str, document: Document) -> str | None:
    return document[_NAMED_BY[kind]] if kind in _NAMED_BY else None
