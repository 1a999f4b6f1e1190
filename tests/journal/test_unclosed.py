"""Databases that nobody closes, of which Python 3.13 warns."""

import gc
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_errortracking.journal.change import Call, Write
from mcp_errortracking.journal.store import Journal
from mcp_errortracking.sandbox.store import Store


def opened_journal(path: Path) -> sqlite3.Connection:
    journal = Journal(path)
    journal.begin(Write(Call("a-tool", {}), "h", "1"))
    assert journal._database._connection is not None
    return journal._database._connection


def opened_store(path: Path) -> sqlite3.Connection:
    return Store(path)._db


@pytest.mark.parametrize("opened", [opened_journal, opened_store])
def test_a_database_is_closed_with_its_owner(opened: Callable[[Path], sqlite3.Connection], tmp_path: Path) -> None:
    connection = opened(tmp_path / "file.db")
    gc.collect()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
