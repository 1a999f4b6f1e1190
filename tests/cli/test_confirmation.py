"""Commands with --confirm: a question at a terminal, a refusal elsewhere, and --yes."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from select import select
from typing import Any

import pytest

from tests.command import run_here
from tests.sandbox_process import SandboxProcess
from tests.server.cases import case as known

UPDATE = "error-tracking-issues-partial-update"
RESOLVE = json.dumps({"id": known.TYPE_ERROR, "status": "resolved"})
PLAN_OF = """\
version: 1
assignees: {ada: {user: 1}}
assignment:
  - {name: all, assignee: ada, filters: {type: AND, values: [{key: $exception_types, operator: exact, value: X}]}}
"""


@pytest.fixture(scope="module")
def shared_sandbox() -> Generator[SandboxProcess]:
    """Yield one process for all tests of the module."""
    with SandboxProcess(known.SEED) as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    """Return the sandbox as its seed describes it."""
    shared_sandbox.reset()
    return shared_sandbox


def settings(sandbox: SandboxProcess, **more: str) -> dict[str, str]:
    own = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": sandbox.key, "POSTHOG_PROJECT_ID": "1"}
    return own | more


def writes(sandbox: SandboxProcess) -> list[str]:
    return [entry["method"] for entry in sandbox.journal() if entry["method"] != "GET"]


def at_terminal(sandbox: SandboxProcess, *words: str, answer: str | signal.Signals) -> tuple[int, str]:
    """Run a command at a terminal, answer its question, and return its exit code and all that it wrote."""
    own, its = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}
    environment = clean | settings(sandbox, HOME="/nonexistent")
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_errortracking", *words], stdin=its, stdout=its, stderr=its, env=environment
    )
    os.close(its)
    seen = b""
    while b"Type y for yes: " not in seen and (piece := _read(own)):
        seen += piece
    if isinstance(answer, signal.Signals):
        process.send_signal(answer)
        while not select([own], [], [], 10)[0]:  # it may have come just before the process began to read
            process.send_signal(answer)
    else:
        os.write(own, answer.encode())
    while piece := _read(own):
        seen += piece
    os.close(own)
    return process.wait(30), seen.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the command has ended
        return b""


def test_without_a_terminal_the_call_is_refused_with_the_question(sandbox: SandboxProcess) -> None:
    code, out, _ = run_here("call", UPDATE, RESOLVE, "--confirm", "writes", **settings(sandbox))

    assert code == 1
    assert out.splitlines() == [
        f"{UPDATE} needs the consent of a person. Nothing was changed.",
        f'Allow "Update issue" ({UPDATE}) in project 1 of {sandbox.url}?',
        f'- issue "TypeError" ({known.TYPE_ERROR})',
        '  - status: from "active" to "resolved"',
        "It can be undone.",
        "The command cannot ask, as its input is not a terminal. Run it in a terminal, or add --yes.",
    ]
    assert writes(sandbox) == []


@pytest.mark.parametrize(
    ("words", "variable"), [(("--confirm", "writes", "--yes"), ""), ((), "destructive"), (("--yes",), "writes")]
)
def test_yes_and_tools_that_are_not_concerned_are_called_at_once(
    sandbox: SandboxProcess, words: tuple[str, ...], variable: str
) -> None:
    code, _, _ = run_here("call", UPDATE, RESOLVE, *words, **settings(sandbox, MCP_CONFIRM=variable))

    assert (code, writes(sandbox)) == (0, ["PATCH"])


@pytest.mark.parametrize(
    ("answer", "code", "sent", "said"),
    [
        ("y\n", 0, ["PATCH"], "status: resolved"),
        ("n\n", 1, [], f"The user declined {UPDATE}. Nothing was changed."),
        ("\n", 1, [], "Nothing was changed."),
        ("\x04", 1, [], f"The user gave no answer about {UPDATE}. Nothing was changed."),
        (signal.SIGINT, 130, [], ""),
    ],
    ids=["yes", "no", "return", "end", "interrupt"],
)
def test_at_a_terminal_the_person_is_asked(
    sandbox: SandboxProcess, answer: str | signal.Signals, code: int, sent: list[str], said: str
) -> None:
    done, seen = at_terminal(sandbox, "call", UPDATE, RESOLVE, "--confirm", "writes", answer=answer)

    assert '  - status: from "active" to "resolved"\nIt can be undone.\nType y for yes: ' in seen
    assert said in seen
    assert "Traceback" not in seen
    assert (done, writes(sandbox)) == (code, sent)


def test_upload_and_deletion_of_source_maps_are_confirmed(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text("x\n//# sourceMappingURL=main.js.map\n")
    (tmp_path / "main.js.map").write_text('{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA"}')
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    words = ("source-maps", "upload", ".", "--delete-after")

    code, _, err = run_here(*words, folder=tmp_path, **settings(sandbox, MCP_CONFIRM="destructive"))

    assert code == 1
    assert "- delete_after: true\nNo call undoes this.\nThe command cannot ask" in err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    assert writes(sandbox) == []
    looked, _, _ = run_here(*words, "--dry-run", folder=tmp_path, **settings(sandbox, MCP_CONFIRM="writes"))
    assert looked != 2
    run_here(*words, "--yes", folder=tmp_path, **settings(sandbox, MCP_CONFIRM="writes"))
    assert "POST" in writes(sandbox)


def plan(sandbox: SandboxProcess, folder: Path, text: str) -> None:
    (folder / "rules.yaml").write_text(text)
    words = ("rules", "plan", "rules.yaml", "--out", "plan.json", "--delete")
    code, _, err = run_here(*words, folder=folder, **settings(sandbox))
    assert code == 2, err
    sandbox.empty_journal()


def test_plan_of_rules_is_confirmed_as_one(sandbox: SandboxProcess, tmp_path: Path) -> None:
    plan(sandbox, tmp_path, PLAN_OF)
    words: Any = ("rules", "apply", "plan.json", "--delete")

    code, _, err = run_here(*words, folder=tmp_path, **settings(sandbox, MCP_CONFIRM="destructive"))

    assert code == 1
    assert "The plan needs the consent of a person. Nothing was changed.\nassignment rules\n" in err
    assert "- delete" in err
    assert sandbox.journal() == []
    file = str(tmp_path / "plan.json")
    declined, seen = at_terminal(sandbox, "rules", "apply", file, "--delete", "--confirm", "writes", answer="n\n")
    assert (declined, sandbox.journal()) == (1, [])
    assert f"Allow this plan in project 1 of {sandbox.url}?" in seen
    done, _, _ = run_here(*words, "--yes", folder=tmp_path, **settings(sandbox, MCP_CONFIRM="writes"))
    assert done == 0
    assert "DELETE" in writes(sandbox)


def test_tools_are_listed_as_an_agent_sees_them(sandbox: SandboxProcess) -> None:
    _, out, _ = run_here("tools", "--json", "--toolsets", "all", "--confirm", "destructive")

    with_it = [tool for tool in json.loads(out)["tools"] if "confirm" in tool["inputSchema"]["properties"]]
    assert with_it
    assert all(tool["annotations"]["destructiveHint"] for tool in with_it)
