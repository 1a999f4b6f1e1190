"""The sandbox as a child process: its end, also where a program cannot ask another one to end."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from mcp_errortracking.sandbox.process import Sandbox


def test_without_sigterm_it_ends_by_itself_and_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signals = list[str]()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    sandbox = Sandbox()
    process: subprocess.Popen[bytes] = sandbox._process
    assert httpx.get(sandbox.url).status_code == 200
    assert [path.name.rpartition("-")[0] for path in tmp_path.iterdir()] == ["mcp-errortracking-sandbox"]
    for name in ("terminate", "kill", "send_signal"):
        monkeypatch.setattr(process, name, lambda *_, name=name: signals.append(name))
    monkeypatch.setattr(sys, "platform", "win32")

    sandbox.stop()

    assert (process.returncode, signals, list(tmp_path.iterdir())) == (0, [], [])


def test_on_windows_ctrl_c_is_left_to_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    given = dict[str, Any]()

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **options: Any) -> None:
            given.update(options)
            options["creationflags"] = 0
            super().__init__(command, **options)

    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    monkeypatch.setattr(subprocess, "Popen", Noted)

    Sandbox().stop()

    assert given["creationflags"] == 512
