"""The store of the journal, on real files and with real processes."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.journal.change import Call, End, Write
from mcp_errortracking.journal.database import VERSION, JournalError
from mcp_errortracking.journal.store import MAX_AGE, MAX_CHANGES, AlreadyUndoneError, Journal

KEY = "phx_0123456789abcdefghij"
ISSUE = "11111111-1111-4111-8111-111111111111"
UPDATE = Write(
    Call("error-tracking-issues-partial-update", {"id": ISSUE, "status": "resolved"}),
    "https://us.posthog.com",
    "1",
    {"id": ISSUE, "status": "active"},
    "exact",
)
UPDATED = End(
    "done",
    ({"method": "PATCH", "path": f"error_tracking/issues/{ISSUE}/", "json": {"status": "resolved"}},),
    {"id": ISSUE, "status": "resolved"},
    Call("error-tracking-issues-partial-update", {"id": ISSUE, "status": "active"}),
    "exact",
)
_WRITER = """
import sys
from pathlib import Path
from mcp_errortracking.journal.change import Call, End, Write
from mcp_errortracking.journal.store import Journal

journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    change = journal.begin(Write(Call("a-tool", {"writer": sys.argv[3], "number": number}), "h", "1"))
    if sys.argv[4] == "end":
        journal.end(change, End("done"))
print("written", flush=True)
sys.stdin.read()
"""


def _writer(path: Path, count: int, name: str, last: str = "end") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(count), name, last],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _bytes_of(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_change_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    now = 1000.0
    journal = Journal(tmp_path / "changes.db", clock=lambda: now)
    change = journal.begin(UPDATE)
    now += 2.5
    [begun] = journal.latest(10)
    assert (begun.id, begun.state, begun.write, begun.end, begun.ended) == (change, "unknown", UPDATE, None, None)
    journal.end(change, UPDATED)
    [done] = Journal(tmp_path / "changes.db").latest(10)
    assert (done.state, done.write, done.end) == ("done", UPDATE, UPDATED)
    assert (done.began, done.ended) == (1000.0, 1002.5)


def test_failure_says_if_it_may_have_been_applied(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "changes.db")
    failure = End("failed", status=502, error="PostHog's proxy gave no answer.", maybe_applied=True)
    journal.end(journal.begin(UPDATE), failure)
    [change] = journal.latest(1)
    assert change.state == "failed"
    assert change.end == failure


def test_undo_is_listed_with_the_change_that_it_takes_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "changes.db")
    first = journal.begin(UPDATE)
    journal.end(first, UPDATED)
    undo = journal.begin(Write(Call("a-tool", {}), "h", "1", undoes=first))
    found = journal.find(first)
    assert found is not None
    assert found.undone_by == ()  # the undo has not arrived
    journal.end(undo, End("done"))
    found, undoing = journal.find(first), journal.find(undo)
    assert found is not None
    assert undoing is not None
    assert (found.undone_by, undoing.write.undoes) == ((undo,), first)


def test_changes_are_listed_newest_first_and_in_pages(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "changes.db")
    ids = [journal.begin(UPDATE) for _ in range(5)]
    assert [change.id for change in journal.latest(2)] == [ids[4], ids[3]]
    assert [change.id for change in journal.latest(9, before=ids[2])] == [ids[1], ids[0]]
    assert journal.find(ids[4] + 1) is None


def test_reading_makes_no_file(tmp_path: Path) -> None:
    assert Journal(tmp_path / "below" / "changes.db").latest(10) == []
    assert list(tmp_path.iterdir()) == []


def test_owners_do_not_see_each_other(tmp_path: Path) -> None:
    one, other = (Journal(tmp_path / "changes.db", owner=owner) for owner in ("a", "b"))
    change = one.begin(UPDATE)
    other.end(change, UPDATED)
    assert other.latest(10) == []
    assert other.find(change) is None
    [own] = one.latest(10)
    assert own.state == "unknown"


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_file_and_folder_are_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "state" / "changes.db"
    journal = Journal(path)  # SQLite deletes the files beside it when it is closed
    old = os.umask(0)
    try:
        journal.begin(UPDATE)
    finally:
        os.umask(old)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "changes.db": 0o600,
        "changes.db-wal": 0o600,
        "changes.db-shm": 0o600,
    }
    journal.close()


@pytest.mark.parametrize("text", [KEY, f"line\n{KEY}", "\npha_0123456789abcdef", f"é{KEY}é"])
def test_key_is_never_in_the_file(tmp_path: Path, text: str) -> None:
    journal = Journal(tmp_path / "changes.db")
    holding = {"name": text, text: 1, "list": [{"deep": text}]}
    change = journal.begin(Write(Call("a-tool", holding), "h", "1", holding))
    inverse = Call("a-tool", holding)
    journal.end(change, End("done", [{"json": holding}], holding, inverse, "exact", error=f"refused {text}"))
    [found] = journal.latest(1)
    assert "[key]" in found.write.call.arguments["name"]
    assert found.end is not None
    assert (found.end.inverse, found.end.undo) == (None, "none")  # it would send "[key]"
    assert b"0123456789abcdef" not in _bytes_of(journal.path)
    journal.close()
    assert b"0123456789abcdef" not in _bytes_of(journal.path)


def test_oldest_changes_make_room(tmp_path: Path) -> None:
    now = 1000.0
    journal = Journal(tmp_path / "changes.db", clock=lambda: now)
    old = journal.begin(UPDATE)
    now += MAX_AGE + 1
    ids = [journal.begin(UPDATE) for _ in range(MAX_CHANGES + 3)]
    assert [change.id for change in journal.latest(2 * MAX_CHANGES)] == ids[:2:-1]
    assert journal.find(old) is None


def test_file_does_not_grow_beyond_its_bound(tmp_path: Path) -> None:
    bound = 1024 * 1024
    journal = Journal(tmp_path / "changes.db", max_bytes=bound)
    for _ in range(30):
        large = {"text": "x" * 100_000}
        journal.end(journal.begin(Write(Call("a-tool", {}), "h", "1", large)), End("done"))
    assert 1 <= len(journal.latest(100)) < 10
    journal.close()
    assert journal.path.stat().st_size <= bound


def test_value_that_is_too_large_is_left_out_with_the_undo(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "changes.db")
    large = {"text": "x" * 300_000}
    end = End("done", after=large, inverse=Call("a-tool", large), undo="exact")
    journal.end(journal.begin(Write(Call("a-tool", {"id": "1"}), "h", "1", large)), end)
    [change] = journal.latest(1)
    assert change.write.before is None
    assert change.end == End("done", undo="none")


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "changes.db"
    writers = [_writer(path, 40, name) for name in ("a", "b")]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    changes = Journal(path).latest(100)
    written = {(change.write.call.arguments["writer"], change.write.call.arguments["number"]) for change in changes}
    assert written == {(name, number) for name in ("a", "b") for number in range(40)}
    assert {change.state for change in changes} == {"done"}


def test_change_of_a_killed_process_stays_unknown(tmp_path: Path) -> None:
    path = tmp_path / "changes.db"
    writer = _writer(path, 1, "a", "begin")
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    [change] = Journal(path).latest(10)
    assert (change.state, change.ended, change.end) == ("unknown", None, None)


def test_locked_file_is_named_and_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_errortracking.journal.database._BUSY_SECONDS", 0.0)
    journal = Journal(tmp_path / "changes.db")
    change = journal.begin(UPDATE)
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="another process holds it locked"):
        journal.end(change, UPDATED)
    other.execute("ROLLBACK")
    other.close()
    journal.end(change, UPDATED)
    assert journal.latest(1)[0].state == "done"


def test_full_file_is_named_and_holds_what_it_held(tmp_path: Path) -> None:
    path = tmp_path / "changes.db"
    first = Journal(path)
    change = first.begin(UPDATE)
    first.close()
    full = Journal(path, max_bytes=4096)
    with pytest.raises(JournalError, match="it or the disk is full"):
        full.end(change, End("done", after={"text": "x" * 100_000}))
    full.close()
    assert first.latest(1)[0].state == "unknown"


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 8000])
def test_damaged_file_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "changes.db"
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(JournalError, match="move it away to begin another"):
            Journal(path).begin(UPDATE)
    assert path.read_bytes() == content


def test_file_of_a_newer_version_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "changes.db"
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    content = path.read_bytes()
    with pytest.raises(JournalError, match="a newer version of mcp-errortracking wrote it"):
        Journal(path).latest(1)
    assert path.read_bytes() == content


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "file" / "changes.db").begin(UPDATE)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[("write", value) for value in ("[]", "{}", "1", 5, b"\xff\xfe\x00", "[" * 100_000)],
        ("write", json.dumps({"tool": "a", "arguments": [], "host": "h", "project": 1, "before": 5, "undo": "x"})),
        *[("finish", value) for value in ("[]", '{"inverse": {"x": 1}, "sent": []}', '{"after": []}', "x")],
        *[("began", value) for value in ("x", 1e300, -1)],
        ("state", "other"),
    ],
)
def test_row_that_was_edited_into_an_unknown_form_reads_as_damage(tmp_path: Path, column: str, value: Any) -> None:
    journal = Journal(tmp_path / "j")
    journal.end(journal.begin(UPDATE), UPDATED)
    with sqlite3.connect(tmp_path / "j") as connection:
        connection.execute(f"UPDATE changes SET {column} = ?", (value,))
    connection.close()

    with pytest.raises(JournalError, match=r"^the file is damaged; move it away to begin another$"):
        journal.latest(5)

    assert journal.begin(UPDATE) > 1


def test_value_that_is_too_deep_is_left_out_and_the_change_kept(tmp_path: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    journal = Journal(tmp_path / "j")

    change = journal.begin(Write(Call("a-tool", {"filters": deep}), "h", "1", {"filters": deep}))
    journal.end(change, End("done", after={"filters": deep}, inverse=Call("a-tool", {"filters": deep}), undo="exact"))

    (found,) = journal.latest(5)
    assert (found.write.call.arguments, found.write.before) == ({}, None)
    assert found.end == End("done", undo="none")


def test_path_that_the_system_refuses_is_a_problem_of_the_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"^it cannot be read \(File name too long\)$"):
        Journal(tmp_path / ("x" * 300)).latest(5)


def test_file_behind_a_link_is_made_for_its_user_alone(tmp_path: Path) -> None:
    (tmp_path / "j").symlink_to(tmp_path / "target")

    Journal(tmp_path / "j").begin(UPDATE)

    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o600


def test_second_undo_is_refused_while_the_first_runs_and_after_it(tmp_path: Path) -> None:
    now = 1000.0
    journal = Journal(tmp_path / "j", clock=lambda: now)
    change = journal.begin(UPDATE)
    journal.end(change, UPDATED)
    undo = replace(UPDATE, undoes=change)
    killed = journal.begin(undo)

    with pytest.raises(AlreadyUndoneError) as refused:
        journal.begin(undo)
    assert refused.value.by == killed
    now += 601
    second = journal.begin(undo)
    journal.end(second, End("failed"))
    third = journal.begin(undo)
    journal.end(third, End("done"))
    now += 601
    with pytest.raises(AlreadyUndoneError):
        journal.begin(undo)

    assert [one.id for one in journal.latest(10)] == [third, second, killed, change]


_UNDOING = """
import os, signal, sys
from pathlib import Path
from dataclasses import replace
from mcp_errortracking.journal.store import Journal
from tests.journal.test_store import UPDATE

Journal(Path(sys.argv[1])).begin(replace(UPDATE, undoes=int(sys.argv[2])))
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_undo_of_a_killed_process_is_not_waited_for(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "changes.db")
    change = journal.begin(UPDATE)
    words = [sys.executable, "-c", _UNDOING, str(journal.path), str(change)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as undoing:
        assert undoing.stdout is not None
        assert undoing.stdout.readline() == "begun\n"
        with pytest.raises(AlreadyUndoneError):
            journal.begin(replace(UPDATE, undoes=change))
        undoing.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, undoing.pid, os.WEXITED | os.WNOWAIT)  # a zombie has ended, too

        assert journal.begin(replace(UPDATE, undoes=change)) == change + 2


@pytest.mark.parametrize("process", ["", None, 5, "x", "a/1/2", "boot/pid:[1]/1/0", "//", "/" * 5000, "b/p/-1/0"])
def test_undo_of_a_process_of_which_nothing_is_known_is_waited_for(tmp_path: Path, process: Any) -> None:
    now = 1000.0
    journal = Journal(tmp_path / "changes.db", clock=lambda: now)
    change = journal.begin(UPDATE)
    journal.begin(replace(UPDATE, undoes=change))
    with sqlite3.connect(journal.path) as connection:
        connection.execute("UPDATE changes SET write = json_set(write, '$.process', ?)", (process,))
    connection.close()

    with pytest.raises(AlreadyUndoneError):
        journal.begin(replace(UPDATE, undoes=change))
    now += 601
    assert journal.begin(replace(UPDATE, undoes=change)) == change + 2


@pytest.mark.parametrize("size", [2**62, 2**63 - 1, -(2**63), 1e300, "x", b"\xff", -1])
def test_size_that_was_edited_costs_no_other_change(tmp_path: Path, size: Any) -> None:
    journal = Journal(tmp_path / "changes.db")
    ids = [journal.begin(UPDATE) for _ in range(5)]
    with sqlite3.connect(journal.path) as connection:
        connection.execute("UPDATE changes SET size = ? WHERE id >= ?", (size, ids[3]))
    connection.close()

    for change in ids:
        journal.end(change, UPDATED)
    last = journal.begin(UPDATE)

    assert [change.id for change in journal.latest(10)] == [last, *reversed(ids)]
    assert {change.state for change in journal.latest(10)[1:]} == {"done"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of its own, of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_is_named_and_what_it_holds_is_read(small_disk: Path) -> None:
    path = small_disk / "changes.db"
    journal = Journal(path)
    journal.end(kept := journal.begin(UPDATE), UPDATED)
    large = replace(UPDATE, before={"text": "x" * 50_000})
    with pytest.raises(JournalError, match=r"^it or the disk is full$"):
        all(journal.begin(large) for _ in range(100))
    journal.close()

    again = Journal(path)
    with pytest.raises(JournalError, match=r"^it or the disk is full$"):
        again.begin(large)
    found = again.find(kept)
    assert found is not None
    assert found.end == UPDATED
    again.close()


def test_journal_on_a_read_only_file_system_is_read_and_not_written(small_disk: Path) -> None:
    path = small_disk / "changes.db"
    journal = Journal(path)
    journal.end(change := journal.begin(UPDATE), UPDATED)
    journal.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    frozen = Journal(path)
    assert [one.id for one in frozen.latest(10)] == [change]
    assert frozen.find(change) == journal.find(change)
    with pytest.raises(JournalError, match=r"^its folder or file system is read-only$"):
        frozen.begin(UPDATE)
    with pytest.raises(JournalError, match="Read-only file system"):
        Journal(small_disk / "new" / "changes.db").begin(UPDATE)
    assert Journal(small_disk / "new" / "changes.db").latest(1) == []
