"""The folder that `--data` names, on a full disk and damaged: a sentence for people, an answer for programs."""

import shutil
import sys
from pathlib import Path

import pytest

from tests import forked
from tests.sandbox_process import SandboxProcess

RULE = {"filters": {"type": "AND", "values": []}, "assignee": {"type": "user", "id": 1}}
SENTENCE = "Free some space, or start it with an empty --data."


@pytest.mark.skipif(sys.platform != "linux", reason="sets a limit of another process")
def test_a_full_disk_is_a_server_error_and_changes_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import resource

    with SandboxProcess(None, "--data", str(tmp_path)) as sandbox:
        before = sandbox.api("GET", "assignment_rules/").json()["count"]
        sandbox.empty_journal()
        largest = max(file.stat().st_size for file in tmp_path.iterdir() if file.is_file())
        limits = resource.prlimit(sandbox._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(sandbox._process.pid, resource.RLIMIT_FSIZE, (largest, limits[1]))
        kept = 0
        while (answer := sandbox.api("POST", "assignment_rules/", RULE)).status_code == 201:
            kept += 1
        assert (answer.status_code, answer.json()["type"]) == (500, "server_error")
        assert sandbox.api("GET", "assignment_rules/").json()["count"] == before + kept
        assert [entry["status"] for entry in sandbox.journal()] == [201] * kept + [500, 200]
        resource.prlimit(sandbox._process.pid, resource.RLIMIT_FSIZE, limits)
        assert sandbox.api("POST", "assignment_rules/", RULE).status_code == 201
        assert sandbox.api("GET", "assignment_rules/").json()["count"] == before + kept + 1
    said = capfd.readouterr().err
    assert SENTENCE in said
    assert "Traceback" not in said


def start(data: Path) -> tuple[int, str, str]:
    return forked.run("sandbox", "--port", "0", "--data", str(data), "--until-stdin-closes")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a sandbox has used."""
    data = tmp_path_factory.mktemp("planted") / "data"
    assert start(data)[0] == 0
    return data


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)


@pytest.mark.parametrize("how", ["text", "pages", "cut", "folder", "objects", "file"])
def test_a_folder_that_cannot_be_used_ends_the_start_with_a_sentence(planted: Path, tmp_path: Path, how: str) -> None:
    data = tmp_path / "data"
    if how == "file":
        data.write_text("x")
    else:
        shutil.copytree(planted, data)
        file = data / "sandbox.sqlite3"
        if how == "text":
            file.write_text("no database\n" * 100)
        elif how == "pages":
            damage(file)
        elif how == "cut":
            file.write_bytes(file.read_bytes()[:10_000])
        elif how == "folder":
            file.unlink()
            file.mkdir()
        else:
            (data / "objects").rename(tmp_path / "elsewhere")
            (data / "objects").write_text("x")
    code, _, err = start(data)

    assert code == 2
    assert err.startswith(f"mcp-errortracking sandbox: --data {data} cannot be used: ")
    assert err.endswith(". Free some space, or give an empty folder\n")
    assert err.count("\n") == 1
