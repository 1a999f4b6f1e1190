"""Files that another program has open, as Windows treats them. Refusals and waits are faked, the files are real."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.system import replacement
from mcp_errortracking.workflows.files.errors import as_workflow_error
from mcp_errortracking.workflows.files.roots import Roots


class Held:
    """A call of the system that is refused a number of times, as while another program has the file open."""

    def __init__(self, act: Callable[..., Any], refusals: int) -> None:
        self._act = act
        self._refusals = refusals
        self.calls = 0

    def __call__(self, *arguments: Any, **where: Any) -> Any:
        self.calls += 1
        if self.calls <= self._refusals:
            raise PermissionError(13, "Access is denied")
        return self._act(*arguments, **where)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for, on a system like Windows."""
    noted = list[float]()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(time, "sleep", noted.append)
    return noted


def files(folder: Path) -> tuple[Path, Path]:
    old, new = folder / "old", folder / "new"
    old.write_text("old")
    new.write_text("new")
    return old, new


def test_a_file_that_is_open_for_a_moment_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    old, new = files(tmp_path)
    held = Held(os.replace, 3)
    monkeypatch.setattr(os, "replace", held)

    replacement.replace(new, old)

    assert (old.read_text(), new.exists(), held.calls) == ("new", False, 4)
    assert waits == [0.01, 0.02, 0.04]


def test_a_file_that_stays_open_is_given_up_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    old, new = files(tmp_path)
    held = Held(os.replace, 100)
    monkeypatch.setattr(os, "replace", held)

    with pytest.raises(PermissionError):
        replacement.replace(new, old)

    assert (old.read_text(), new.read_text(), held.calls) == ("old", "new", replacement.TRIES)
    assert sum(waits) < 1.5


def test_elsewhere_a_refusal_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, _ = files(tmp_path)
    held = Held(os.unlink, 1)
    monkeypatch.setattr(os, "unlink", held)

    with pytest.raises(PermissionError):
        replacement.delete(old)

    assert (old.exists(), held.calls) == (True, 1)


def test_a_bundle_that_a_watcher_reads_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    (tmp_path / "app.js").write_text("old")
    monkeypatch.setattr(os, "replace", Held(os.replace, 2))

    Roots([tmp_path]).write(("app.js", b"new"))

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("app.js", "new")]
    assert len(waits) == 2


def test_the_error_of_windows_names_the_other_program() -> None:
    refused = PermissionError(13, "Access is denied")
    elsewhere = as_workflow_error(refused, "app.js", "written")
    refused.winerror = 5  # pyright: ignore[reportAttributeAccessIssue] it exists on Windows alone

    error = as_workflow_error(refused, "app.js", "written")

    assert "another program has it open" in str(error)
    assert "another program" not in str(elsewhere)
