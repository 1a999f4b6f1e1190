"""The replacement of a file: whole or not at all, with its permissions, through a link."""

import os
import stat
from pathlib import Path

import pytest

from mcp_errortracking.system.regular_file import read_regular
from mcp_errortracking.system.replaced_file import is_writable, replace_file


def test_a_new_file_has_the_permissions_that_were_asked_for(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        replace_file(tmp_path / "a", b"1", mode=0o644)
    finally:
        os.umask(before)

    assert ((tmp_path / "a").read_bytes(), stat.S_IMODE((tmp_path / "a").stat().st_mode)) == (b"1", 0o644)
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_the_file_behind_a_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    replace_file(tmp_path / "link", b"new", mode=0o600)

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_what_is_not_a_file_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # a device would be as good, and the machine's own
    (tmp_path / "folder").mkdir()
    for name, kind in (("pipe", OSError), ("folder", IsADirectoryError)):
        (tmp_path / f"to-{name}").symlink_to(name)
        for path in (tmp_path / name, tmp_path / f"to-{name}"):
            with pytest.raises(kind):
                replace_file(path, b"new", mode=0o600)
            with pytest.raises(kind):
                read_regular(path, 10)

    assert (tmp_path / "pipe").is_fifo()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "pipe", "to-folder", "to-pipe"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        replace_file(tmp_path / "a", b"new", mode=0o600)

    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a", b"old")]


def test_a_folder_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert is_writable(tmp_path / "new")
    assert not is_writable(tmp_path / "file")
    assert not is_writable(tmp_path / "none" / "below")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "new"]
    assert list((tmp_path / "new").iterdir()) == []
