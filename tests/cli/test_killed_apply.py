"""`rules apply`, killed at one of its requests: the journal says which end is unknown; the next run ends the plan."""

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.journal.store import Journal
from tests import forked
from tests.cli.test_rules_file import NEW, rules, run, settings, writes
from tests.sandbox_process import WITHOUT_EVENTS, SandboxProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")

_KILLED = """
import os, signal, sys
from mcp_errortracking.cli.main import main
from mcp_errortracking.proxy import Proxy

send, left, when = Proxy.send, int(sys.argv.pop(1)), sys.argv.pop(1)

async def killing(self, method, path, **options):
    global left
    left -= method != "GET"
    if left < 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = await send(self, method, path, **options)
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

Proxy.send = killing
sys.exit(main(sys.argv[1:]))
"""
KINDS = ("assignment", "grouping", "suppression")
PLACES = [(0, "before"), (2, "after"), (10, "after")]
"""The first write, one in the middle, and the last."""


@pytest.fixture(scope="module")
def shared() -> Generator[SandboxProcess]:
    with SandboxProcess(WITHOUT_EVENTS) as running:
        yield running


@pytest.fixture
def sandbox(shared: SandboxProcess) -> SandboxProcess:
    shared.reset()
    return shared


def names(sandbox: SandboxProcess) -> dict[str, list[Any]]:
    return {kind: [rule["filters"] for rule in rules(sandbox, kind)] for kind in KINDS}


@pytest.mark.parametrize(("at", "when"), PLACES)
def test_the_next_run_ends_the_plan_and_the_journal_is_true(
    sandbox: SandboxProcess, tmp_path: Path, at: int, when: str
) -> None:
    journal = tmp_path / "changes.db"
    shared = {"MCP_JOURNAL": str(journal)}
    (tmp_path / "rules.yaml").write_text(NEW, "utf-8")
    code, _, _ = run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json", "--delete", "--no-simulate")
    assert code == 2
    sandbox.http.delete(f"{sandbox.url}/_journal")
    words = ("-c", _KILLED, str(at), when, "rules", "apply", "plan.json", "--delete")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | settings(sandbox)
    code, _, err = forked.run(*words, environment=environment | shared, folder=tmp_path)
    assert code == -signal.SIGKILL, err

    sent = writes(sandbox)
    assert len(sent) == at + (when == "after")
    states = [change.state for change in reversed(Journal(journal).latest(100))]
    assert states == ["done"] * at + ["unknown"]

    code, out, err = run(sandbox, tmp_path, "apply", "plan.json", "--delete", **shared)
    assert (code, err) == (0, "")
    assert "All rules were read back and are as planned." in out
    held = names(sandbox)
    assert [len(held[kind]) for kind in KINDS] == [2, 1, 0]
    changes = Journal(journal).latest(100)
    assert [change.state for change in changes].count("unknown") == 1
    assert len(writes(sandbox)) == sum(change.state == "done" for change in changes) + (when == "after")
