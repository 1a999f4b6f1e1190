"""The watch of an issue: its changes, its cursor, and the requests that it sends."""

import json
import time
from itertools import islice
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment, Progress
from mcp_errortracking.workflows.issue_watch import watch
from mcp_errortracking.workflows.issue_watch.cursor import Cursor
from mcp_errortracking.workflows.issue_watch.watch import Look, changes_of, pauses
from tests.calls import call_tool
from tests.proxy.fault_server import FaultServer, http
from tests.proxy.fault_server import Reply as Answer
from tests.sandbox_process import FULL, SandboxProcess

pytestmark = pytest.mark.anyio

ISSUE = "01936f2e-7a51-7000-8000-000000000101"
TOOL = "error-tracking-issue-watch"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between looks: tests count looks."""
    monkeypatch.setattr(watch, "_FIRST_PAUSE", 0.0)


async def ask(url: str, *, progress: Progress | None = None, time_limit: float = 60, **arguments: Any) -> Reply:
    async with Proxy(host=url, key=SecretStr(FULL), project="1") as proxy:
        call = {"id": ISSUE, **arguments}
        return await call_tool(
            proxy, TOOL, call, time_limit=time_limit, environment=Environment((), url), progress=progress
        )


def answer(count: float, status: str = "active", version: str = "1.4.2") -> Answer:
    release = {"latest_release": {"version": version}} if version else {}
    impact = {"occurrences": count, "users": 1.0, "sessions": 1.0} if count else {}
    return http(200, {"id": ISSUE, "status": status, "impact": impact, "last_seen": "2026-06-01T00:00:00Z", **release})


def look(seconds: int, count: int, status: str = "active") -> Look:
    return Look(1_000_000 + seconds, count, status, "", "1.4.2")


def from_(before: int, status: str = "active") -> Cursor:
    return Cursor(ISSUE, 1_000_000 - 24 * 3600, 1_000_000, before, before, status)


@pytest.mark.usefixtures("hurried")
async def test_a_new_event_ends_the_wait() -> None:
    reports = list[tuple[float | None, str]]()

    async def progress(_done: float, total: float | None, text: str) -> None:
        reports.append((total, text))

    with FaultServer([answer(3.0), answer(3.0), answer(3.0), answer(5.0, version="1.5.0")]) as upstream:
        reply = await ask(upstream.url, progress=progress)
        sent = [json.loads(one.body) for one in upstream.received]

    assert reply.structured["changes"] == ["event: 2 new, newest of release 1.5.0"]
    assert (reply.structured["looks"], reply.structured["new_events"]) == (4, 2)
    assert {one["issueId"] for one in sent} == {ISSUE}
    assert len({one["dateRange"]["date_from"] for one in sent}) == 1
    assert len(sent) == 4
    assert reports[0] == (30.0, "no change; 3 events since a day ago")


async def test_the_cursor_goes_on_where_the_last_call_ended() -> None:
    seed = {
        "projects": [{"id": 1}],
        "keys": [{"value": FULL}],
        "issues": [{"id": ISSUE, "name": "E", "fingerprints": ["a"], "events": {"count": 7, "since": 0.5}}],
    }
    with SandboxProcess(seed) as sandbox:
        first = await ask(sandbox.url, wait=0)
        counts = sandbox.api("POST", "query/issue/", {"issueId": ISSUE, "dateRange": {"date_from": "-1d"}}).json()
        cursor = first.structured["cursor"]
        same = await ask(sandbox.url, wait=0, cursor=cursor)
        sandbox.api("PATCH", f"issues/{ISSUE}/", {"status": "resolved"})
        resolved = await ask(sandbox.url, cursor=cursor)
        sandbox.empty_journal()
        sandbox.api("PATCH", f"issues/{ISSUE}/", {"status": "active"})
        unwanted = await ask(sandbox.url, wait=0, cursor=resolved.structured["cursor"], until=["spike"])
        reopened = await ask(sandbox.url, cursor=resolved.structured["cursor"])
        reads = [one["path"] for one in sandbox.journal() if one["method"] == "POST"]

    assert counts["impact"]["occurrences"] == 7
    assert cursor.split(".")[2:] == ["7", "7", "active", ISSUE]
    assert [one.structured["changed"] for one in (first, same, unwanted)] == [False, False, False]
    assert "Call again with the cursor" in first.text
    assert resolved.structured["changes"] == ["status: active before, resolved now"]
    assert reopened.structured["changes"] == ["reopened: resolved before, active now"]
    assert len(reads) == 2


async def test_events_between_two_calls_are_not_missed() -> None:
    now = int(time.time())
    cursor = f"{now - 90_000}.{now - 3600}.2.4.resolved.{ISSUE}"
    with FaultServer([answer(9.0)]) as upstream:
        reply = await ask(upstream.url, cursor=cursor)

    assert reply.structured["changes"] == [
        "event: 5 new, newest of release 1.4.2",
        "reopened: resolved before, active now, newest of release 1.4.2",
    ]
    assert reply.structured["cursor"].split(".")[2:] == ["2", "9", "active", ISSUE]
    assert len(upstream.received) == 1


@pytest.mark.parametrize(
    ("before", "count", "seconds", "is_spike"),
    [(48, 60, 600, True), (48, 57, 600, False), (0, 10, 60, True), (4800, 4820, 600, False), (48, 98, 86_400, False)],
)
def test_a_spike_is_a_sure_rise_of_several_times(before: int, count: int, seconds: int, is_spike: bool) -> None:
    found = changes_of(from_(before), look(seconds, count), ["spike"])

    assert bool(found) == is_spike
    if before == 48 and is_spike:
        assert found == ["spike: 12 in 10 min, 36 times the rate before, newest of release 1.4.2"]


def test_pauses_grow_to_half_a_minute() -> None:
    steps = list(islice(pauses(), 8))

    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (5.0, 30.0)


@pytest.mark.usefixtures("hurried")
async def test_a_failing_posthog_ends_the_watch_with_the_cursor() -> None:
    refused = http(429, {"detail": "Request was throttled."}, Retry_After="100")
    with FaultServer([answer(3.0), refused]) as upstream:
        reply = await ask(upstream.url, time_limit=30)

    assert not reply.is_error, reply.text
    assert reply.structured["cursor"].split(".")[3] == "3"
    assert "The watch ended early: " in reply.text
    assert len(upstream.received) == 2


async def test_the_wait_stays_below_the_time_limit_of_the_call() -> None:
    with FaultServer([answer(3.0)]) as upstream:
        reply = await ask(upstream.url, wait=500, time_limit=4)

    assert not reply.is_error
    assert (reply.structured["looks"], len(upstream.received)) == (1, 1)
    assert "The wait was cut to 0 s by the time limit of the call" in reply.text


async def test_a_cancelled_watch_sends_nothing_more() -> None:
    with FaultServer([answer(3.0)]) as upstream:
        async with anyio.create_task_group() as group:

            async def report(*_: Any) -> None:
                group.cancel_scope.cancel()

            await ask(upstream.url, progress=report)

        assert len(upstream.received) == 1


@pytest.mark.parametrize(
    "cursor",
    ["x", f"1.2.3.4.active.{ISSUE[:-1]}2", f"1.99999999999.3.4.active.{ISSUE}", f"9.2.3.4.active.{ISSUE}", "1" * 500],
)
async def test_a_wrong_cursor_is_refused(cursor: str) -> None:
    with FaultServer([answer(3.0)]) as upstream:
        reply = await ask(upstream.url, cursor=cursor)

    assert reply.structured == {"error": {"code": "invalid_cursor"}}
    assert "Leave it out to begin a watch." in reply.text
    assert upstream.received == []


async def test_an_unknown_issue_and_odd_answers() -> None:
    with SandboxProcess({"projects": [{"id": 1}], "keys": [{"value": FULL}]}) as sandbox:
        unknown = await ask(sandbox.url)
    odd = {"impact": {"occurrences": 1e300}, "status": ["x"], "latest_release": 3, "last_seen": 5}
    with FaultServer([http(200, odd)]) as upstream:
        reply = await ask(upstream.url, wait=0)

    assert unknown.is_error
    assert not reply.is_error
    assert (reply.structured["status"], reply.structured["new_events"]) == ("unknown", 0)
