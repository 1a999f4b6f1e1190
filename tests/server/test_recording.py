"""Writes through the server, and the journal that records them, also of processes that are killed."""

import signal
import sqlite3
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.issues import UpdateIssue
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.journal.change import Call, Change
from mcp_errortracking.journal.store import Journal
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.recording import Recorder
from tests import forked
from tests.calls import call_tool
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases import case as known

pytestmark = pytest.mark.anyio

UPDATE = "error-tracking-issues-partial-update"
RESOLVE = {"id": known.TYPE_ERROR, "status": "resolved"}
_KILLED = """
import os, signal, sys
from pathlib import Path
import anyio
from pydantic import SecretStr
from mcp_errortracking.journal.store import Journal
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.server.recording import Recorder
from tests.calls import call_tool

url, key, issue, path, moment = sys.argv[1:]

class Killing:
    def __init__(self, proxy):
        self.proxy = proxy

    async def send(self, method, path, **options):
        if method == "PATCH" and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await self.proxy.send(method, path, **options)
        if method == "PATCH":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

async def main():
    async with Proxy(host=url, key=SecretStr(key), project="1") as proxy:
        recorder = Recorder(Journal(Path(path)), url)
        arguments = {"id": issue, "status": "resolved"}
        tool = "error-tracking-issues-partial-update"
        await call_tool(Killing(proxy), tool, arguments, time_limit=20, recorder=recorder)

anyio.run(main)
"""


@pytest.fixture(scope="module")
def shared_sandbox() -> Generator[SandboxProcess]:
    """Yield one process for all tests of the module."""
    with SandboxProcess(known.SEED) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    """Return the sandbox as its seed describes it."""
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
async def proxy(sandbox: SandboxProcess) -> AsyncGenerator[Proxy]:
    """Yield a proxy to the sandbox."""
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        yield proxy


@pytest.fixture
def journal(tmp_path: Path) -> Generator[Journal]:
    """Yield a journal without changes."""
    journal = Journal(tmp_path / "state" / "changes.db")
    yield journal
    journal.close()


async def call(proxy: Any, journal: Journal, tool: str, arguments: dict[str, Any]) -> Reply:
    recorder = Recorder(journal, "https://posthog.example")
    return await call_tool(proxy, tool, arguments, time_limit=20, recorder=recorder)


def only(journal: Journal) -> Change:
    [change] = journal.latest(10)
    return change


def status_of(sandbox: SandboxProcess) -> str:
    return sandbox.api("GET", f"issues/{known.TYPE_ERROR}/").json()["status"]


async def test_write_is_recorded_with_the_call_that_undoes_it(
    sandbox: SandboxProcess, proxy: Proxy, journal: Journal
) -> None:
    before = sandbox.api("GET", f"issues/{known.TYPE_ERROR}/").json()

    reply = await call(proxy, journal, UPDATE, RESOLVE)

    assert not reply.is_error
    change = only(journal)
    assert (change.write.call, change.write.before) == (Call(UPDATE, RESOLVE), before)
    assert (change.write.host, change.write.project, change.write.undo) == ("https://posthog.example", "1", "exact")
    assert change.state == "done"
    assert change.end is not None
    path = f"error_tracking/issues/{known.TYPE_ERROR}/"
    assert change.end.sent == ({"method": "PATCH", "path": path, "json": {"status": "resolved"}},)
    after = {name: value for name, value in reply.structured.items() if name != "_posthogUrl"}  # added for the agent
    assert change.end.after == after
    inverse = change.end.inverse
    assert inverse is not None
    assert inverse == Call(UPDATE, {"id": known.TYPE_ERROR, "status": before["status"]})

    await call(proxy, journal, inverse.tool, dict(inverse.arguments))
    assert status_of(sandbox) == before["status"]


@pytest.mark.parametrize(
    ("tool", "arguments", "undo"),
    [
        ("error-tracking-assignment-rules-destroy", {"id": known.ASSIGNMENT[0]}, "approximate"),
        ("error-tracking-issues-cohort-update", {"id": known.TYPE_ERROR, "cohortId": 3}, "none"),
        ("error-tracking-issues-merge-create", {"id": known.TYPE_ERROR, "ids": [known.KEY_ERROR]}, "approximate"),
    ],
)
async def test_kind_of_undo_is_recorded(
    proxy: Proxy, journal: Journal, tool: str, arguments: dict[str, Any], undo: str
) -> None:
    reply = await call(proxy, journal, tool, arguments)

    assert not reply.is_error, reply.text
    end = only(journal).end
    assert end is not None
    assert (end.undo, end.inverse is None) == (undo, undo == "none")


async def test_reads_are_not_recorded_and_cost_no_request(
    sandbox: SandboxProcess, proxy: Proxy, journal: Journal
) -> None:
    await call(proxy, journal, "error-tracking-issues-retrieve", {"id": known.TYPE_ERROR})

    assert len(sandbox.journal()) == 1
    assert not journal.path.parent.exists()


async def test_refused_write_is_recorded_as_failed(sandbox: SandboxProcess, proxy: Proxy, journal: Journal) -> None:
    missing = "01936f2e-7a51-7000-8000-000000000000"

    reply = await call(proxy, journal, UPDATE, {"id": missing, "status": "resolved"})

    assert reply.is_error
    change = only(journal)
    assert (change.state, change.write.before, change.write.undo) == ("failed", None, "none")
    assert change.end is not None
    assert (change.end.status, change.end.maybe_applied, change.end.inverse) == (404, False, None)
    assert "not found" in change.end.error.lower()
    assert [request["method"] for request in change.end.sent] == ["PATCH"]


async def test_cancelled_call_stays_unknown(proxy: Proxy, journal: Journal) -> None:
    class Cancelling:
        async def send(self, method: str, path: str, **options: Any) -> Any:
            if method == "GET":
                return await proxy.send(method, path, **options)
            scope.cancel()
            return await anyio.sleep_forever()

    with anyio.CancelScope() as scope:
        await call(Cancelling(), journal, UPDATE, RESOLVE)

    assert scope.cancelled_caught
    change = only(journal)
    assert (change.state, change.end) == ("unknown", None)


@pytest.mark.parametrize(("moment", "status"), [("before", "active"), ("after", "resolved")])
def test_write_of_a_killed_process_stays_unknown(
    sandbox: SandboxProcess, journal: Journal, moment: str, status: str
) -> None:
    code, _, err = forked.run("-c", _KILLED, sandbox.url, FULL, known.TYPE_ERROR, str(journal.path), moment)

    assert code == -signal.SIGKILL, err
    assert status_of(sandbox) == status
    change = only(journal)
    assert (change.state, change.end, change.write.call) == ("unknown", None, Call(UPDATE, RESOLVE))
    assert change.write.before is not None
    assert change.write.before["status"] == "active"


async def test_write_goes_on_without_a_journal_and_says_so(
    sandbox: SandboxProcess, proxy: Proxy, journal: Journal
) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(b"no database" * 1000)

    reply = await call(proxy, journal, UPDATE, RESOLVE)

    assert not reply.is_error
    assert "This change is not in the journal: the file is not a journal" in reply.text
    assert status_of(sandbox) == "resolved"
    assert [request["method"] for request in sandbox.journal()].count("PATCH") == 1


async def test_key_in_arguments_is_not_recorded(sandbox: SandboxProcess, proxy: Proxy, journal: Journal) -> None:
    key = "phx_0123456789abcdefghij"

    await call(proxy, journal, UPDATE, {"id": known.TYPE_ERROR, "description": f"from {key}"})

    assert only(journal).write.call.arguments["description"] == "from [key]"
    for file in journal.path.parent.iterdir():
        assert b"0123456789abcdefghij" not in file.read_bytes()


async def test_write_whose_result_cannot_be_recorded_says_so(
    sandbox: SandboxProcess, proxy: Proxy, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_errortracking.journal.database._BUSY_SECONDS", 0.0)
    other = sqlite3.connect(":memory:", isolation_level=None)

    class Locking:
        async def send(self, method: str, path: str, **options: Any) -> Any:
            nonlocal other
            if method == "PATCH":
                other.close()
                other = sqlite3.connect(journal.path, isolation_level=None)
                other.execute("BEGIN IMMEDIATE")
            return await proxy.send(method, path, **options)

    reply = await call(Locking(), journal, UPDATE, RESOLVE)
    other.close()

    assert not reply.is_error
    change = only(journal)
    assert f"The journal holds change {change.id} without its result: another process holds it locked" in reply.text
    assert change.state == "unknown"
    assert status_of(sandbox) == "resolved"


async def test_write_that_posthog_accepts_and_does_not_do_is_recorded_as_failed(proxy: Proxy, journal: Journal) -> None:
    arguments = {"id": known.TYPE_ERROR, "fingerprints": [{"fingerprint": "of another issue"}]}

    reply = await call(proxy, journal, "error-tracking-issues-split-create", arguments)

    assert reply.is_error
    change = only(journal)
    assert change.state == "failed"
    assert change.end is not None
    assert "1 of 1 fingerprints were skipped" in change.end.error
    assert (change.end.inverse, change.end.maybe_applied) == (None, True)


async def test_answer_in_an_unknown_form_leaves_a_done_write_without_an_undo(journal: Journal) -> None:
    class Odd:
        attempts = 1
        data = ["odd"]

        async def send(self, *_: Any, **__: Any) -> "Odd":
            return self

    reply = await call(Odd(), journal, UPDATE, RESOLVE)

    assert not reply.is_error
    change = only(journal)
    assert (change.state, change.write.before) == ("done", {"result": ["odd"]})
    assert change.end is not None
    assert (change.end.inverse, change.end.undo) == (None, "none")


async def test_write_whose_later_request_fails_may_have_been_applied(
    sandbox: SandboxProcess, proxy: Proxy, journal: Journal
) -> None:
    update = UpdateIssue.model_validate(RESOLVE)

    async def send(sender: Sender) -> Outcome:
        await send_endpoint(sender, update)
        raise PostHogError("PostHog is down.", status=503)

    with pytest.raises(PostHogError):
        await Recorder(journal, sandbox.url).record(proxy, update, "1", send)

    assert status_of(sandbox) == "resolved"
    change = only(journal)
    assert change.state == "failed"
    assert change.end is not None
    assert (change.end.status, change.end.maybe_applied) == (503, True)
