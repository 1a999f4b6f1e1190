"""Changes of all issues that match, compared with the issues that the sandbox holds before and after."""

import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.catalog.queries import QueryIssues
from mcp_errortracking.compose import toolbox_for
from mcp_errortracking.config import ToolSelection
from mcp_errortracking.journal.store import Journal
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.confirmation.confirmation import Confirmation
from mcp_errortracking.server.recording import Recorder
from mcp_errortracking.server.toolbox import EVERY_TOOL
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.bulk import matching, plan
from mcp_errortracking.workflows.bulk.tools import CHANGES, UpdateMatching
from tests.calls import call_tool
from tests.sandbox_process import FULL, ROLE, SandboxProcess

pytestmark = pytest.mark.anyio

TOOL, UNDO = "error-tracking-issues-update-matching", "error-tracking-changes-undo"
NOISE = {"searchQuery": "ResizeObserver"}
RESOLVE = {"setStatus": "resolved", **NOISE}
TEAM = {"type": "role", "id": ROLE}
ADA = {"type": "user", "id": 1}


def issue(number: int, name: str, **more: Any) -> dict[str, Any]:
    events = {"count": 1 + number % 7, "since": 3}
    return {"name": name, "description": str(number), "fingerprints": [f"print {number}"], "events": events, **more}


SEED: dict[str, Any] = {
    "organizations": [{"id": "0193f2a0-0000-7000-8000-0000000000aa"}],
    "projects": [{"id": 1}],
    "users": [{"id": 1, "first_name": "Ada", "email": "ada@acme.example"}],
    "roles": [{"id": ROLE, "name": "Shop"}],
    "keys": [{"value": FULL}],
    "issues": [
        *(issue(number, "ResizeObserver") for number in range(43)),
        *(issue(number, "ResizeObserver", assignee=ADA) for number in range(43, 46)),
        *(issue(number, "ResizeObserver", status="resolved", assignee=TEAM) for number in range(46, 50)),
        *(issue(number, "TypeError") for number in range(50, 55)),
    ],
}


@pytest.fixture(scope="module")
def shared_sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    shared_sandbox.reset()
    return shared_sandbox


class Person:
    """Calls tools with a journal, as one server does."""

    def __init__(self, sandbox: SandboxProcess, file: Path) -> None:
        self.proxy = Proxy(host=sandbox.url, key=SecretStr(FULL), project="1")
        self.recorder = Recorder(Journal(file), sandbox.url)
        self.environment = Environment((), sandbox.url)
        self.progress = list[tuple[float, float | None, str]]()

    async def call(self, tool: str, arguments: dict[str, Any], **how: Any) -> Reply:
        async def progress(done: float, total: float | None, doing: str) -> None:
            self.progress.append((done, total, doing))

        how |= {"environment": self.environment, "recorder": self.recorder, "toolbox": EVERY_TOOL}
        return await call_tool(self.proxy, tool, arguments, time_limit=20, progress=progress, **how)

    async def token(self, arguments: dict[str, Any]) -> str:
        return (await self.call(TOOL, arguments)).structured["apply"]

    async def apply(self, arguments: dict[str, Any]) -> Reply:
        return await self.call(TOOL, {**arguments, "apply": await self.token(arguments)})

    async def close(self) -> None:
        self.recorder.journal.close()
        await self.proxy.aclose()


@pytest.fixture
async def person(sandbox: SandboxProcess, tmp_path: Path) -> AsyncGenerator[Person]:
    person = Person(sandbox, tmp_path / "changes.db")
    yield person
    await person.close()


def held(sandbox: SandboxProcess, field: str = "status") -> dict[str, Any]:
    """Return a field of every issue by its number, from their records."""
    listed = sandbox.api("GET", "issues/?limit=1000").json()["results"]
    return {one["description"]: one[field] for one in listed}


def writes(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    return [one["body"] for one in sandbox.journal() if one["path"].endswith("/issues/bulk/")]


def test_its_filters_are_those_of_the_list() -> None:
    of_list = set(QueryIssues.model_fields) - {
        *("orderBy", "orderDirection", "volumeResolution", "limit", "offset", "max_tokens")
    }

    assert set(UpdateMatching.model_fields) - {*CHANGES, "apply"} == of_list


async def test_a_call_without_a_token_shows_and_changes_nothing(sandbox: SandboxProcess, person: Person) -> None:
    before = held(sandbox)

    reply = await person.call(TOOL, RESOLVE)

    assert not reply.is_error, reply.text
    assert reply.structured["would_change"] == 46
    assert len(reply.structured["results"]) == 5
    assert {one["occurrences"] for one in reply.structured["results"]} == {7}
    assert f"repeat the call with apply {reply.structured['apply']}" in reply.text
    assert "Note: These are the 5 of 46 with the most events." in reply.text
    assert "Nothing was changed." in reply.text
    assert held(sandbox) == before
    assert writes(sandbox) == []
    assert {entry["method"] for entry in sandbox.journal() if "query" not in entry["path"]} == {"GET"}


async def test_what_was_shown_is_changed_in_batches_and_nothing_else(sandbox: SandboxProcess, person: Person) -> None:
    before = held(sandbox)

    reply = await person.apply(RESOLVE)

    assert not reply.is_error, reply.text
    assert (reply.structured["changed"], reply.structured["left"]) == (46, 0)
    assert held(sandbox) == {**before, **{str(number): "resolved" for number in range(46)}}
    assert [len(body["ids"]) for body in writes(sandbox)] == [20, 20, 6]
    assert [(done, total) for done, total, _ in person.progress][-1] == (46, 46)
    assert f"call {UNDO} 3 times" in reply.text


async def test_undo_takes_each_batch_back(sandbox: SandboxProcess, person: Person) -> None:
    before = held(sandbox)
    await person.apply(RESOLVE)

    for _ in range(3):
        undone = await person.call(UNDO, {"dry_run": False})
        assert not undone.is_error, undone.text

    assert held(sandbox) == before
    assert (await person.call(UNDO, {"dry_run": False})).structured["error"]["code"] == "no_change"


async def test_issues_with_different_assignees_are_unassigned_and_each_gets_its_own_back(
    sandbox: SandboxProcess, person: Person
) -> None:
    before = held(sandbox, "assignee")
    arguments = {"unassign": True, "status": "all", **NOISE}
    shown = await person.call(TOOL, arguments)

    reply = await person.apply(arguments)

    assert (shown.structured["would_change"], shown.structured["already_so"]) == (7, 43)
    assert reply.structured["changed"] == 7
    assert set(held(sandbox, "assignee").values()) == {None}
    assert sorted(len(body["ids"]) for body in writes(sandbox)) == [3, 4]
    for _ in range(2):
        await person.call(UNDO, {"dry_run": False})
    assert held(sandbox, "assignee") == before


async def test_an_assignee_is_understood_by_name_and_issues_that_have_it_are_left_alone(
    sandbox: SandboxProcess, person: Person
) -> None:
    arguments = {"setAssignee": {"type": "user", "id": "ada@acme.example"}, **NOISE}
    shown = await person.call(TOOL, arguments)

    reply = await person.apply(arguments)

    assert (shown.structured["would_change"], shown.structured["already_so"]) == (43, 3)
    assert "setAssignee: ada@acme.example is user 1" in shown.text
    assert reply.structured["changed"] == 43
    assigned = {number for number, one in held(sandbox, "assignee").items() if one and one["type"] == "user"}
    assert assigned == {str(number) for number in range(46)}


async def test_other_matches_than_were_shown_are_not_changed(sandbox: SandboxProcess, person: Person) -> None:
    token = await person.token(RESOLVE)
    listed = sandbox.api("GET", "issues/?limit=1000").json()["results"]
    reopened = next(one["id"] for one in listed if one["description"] == "46")
    sandbox.api("PATCH", f"issues/{reopened}/", {"status": "active"})
    before = held(sandbox)

    reply = await person.call(TOOL, {**RESOLVE, "apply": token})

    assert reply.is_error
    assert "other issues match than were shown" in reply.text
    assert reply.structured["would_change"] == 47
    assert held(sandbox) == before
    assert writes(sandbox) == []
    again = await person.call(TOOL, {**RESOLVE, "apply": reply.structured["apply"]})
    assert again.structured["changed"] == 47


async def test_issues_that_somebody_changed_since_are_left_alone(sandbox: SandboxProcess, person: Person) -> None:
    arguments = {"unassign": True, "status": "all", **NOISE}
    token = await person.token(arguments)
    listed = sandbox.api("GET", "issues/?limit=1000").json()["results"]
    ids = [one["id"] for one in listed if one["description"] == "44"]
    sandbox.api("POST", "issues/bulk/", {"action": "assign", "ids": ids, "assignee": TEAM})
    before, sent = held(sandbox, "assignee"), len(writes(sandbox))

    reply = await person.call(TOOL, {**arguments, "apply": token})

    assert reply.is_error
    assert held(sandbox, "assignee") == before
    assert len(writes(sandbox)) == sent


@pytest.mark.parametrize(
    ("change", "code"),
    [({"setStatus": "suppressed"}, None), ({"searchQuery": "TypeError"}, None), ({"apply": "x"}, "unknown_token")],
)
async def test_a_token_holds_for_its_own_call_only(
    sandbox: SandboxProcess, person: Person, change: dict[str, Any], code: str | None
) -> None:
    token = await person.token(RESOLVE)

    reply = await person.call(TOOL, {**RESOLVE, "apply": token, **change})

    assert reply.is_error
    assert (reply.structured.get("error") or {}).get("code") == code
    assert writes(sandbox) == []


async def test_a_token_expires(sandbox: SandboxProcess, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await person.token(RESOLVE)
    monkeypatch.setattr("mcp_errortracking.workflows.bulk.matching.SECONDS", -1)

    reply = await person.call(TOOL, {**RESOLVE, "apply": token})

    assert reply.structured["error"]["code"] == "expired_token"
    assert writes(sandbox) == []


async def test_a_failed_batch_says_how_many_were_changed(
    sandbox: SandboxProcess, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, send, sent = await person.token(RESOLVE), person.proxy.send, list[str]()

    async def failing(method: str, path: str, **options: Any) -> Any:
        if path.endswith("issues/bulk/"):
            sent.append(path)
            if len(sent) == 2:
                options["json"] = {**options["json"], "status": "nonsense"}
        return await send(method, path, **options)

    monkeypatch.setattr(person.proxy, "send", failing)
    reply = await person.call(TOOL, {**RESOLVE, "apply": token})

    assert reply.is_error
    assert "20 of 46 issues were changed, in 1 of 3 batches. Then a request failed" in reply.text
    assert "may have changed" not in reply.text
    assert "Call again without apply" in reply.text
    assert list(held(sandbox).values()).count("resolved") == 24
    assert len(sent) == 2


@pytest.mark.parametrize("place", [1, 2])
async def test_a_batch_that_is_cut_off_is_named_with_what_is_known(
    sandbox: SandboxProcess, person: Person, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """The request of the batch arrives; its answer does not."""
    token, send, sent = await person.token(RESOLVE), person.proxy.send, list[str]()

    async def silent(method: str, path: str, **options: Any) -> Any:
        answer = await send(method, path, **options)
        if path.endswith("issues/bulk/"):
            sent.append(path)
            if len(sent) == place:
                raise TimeoutError
        return answer

    monkeypatch.setattr(person.proxy, "send", silent)
    reply = await person.call(TOOL, {**RESOLVE, "apply": token})
    monkeypatch.setattr(person.proxy, "send", send)
    done = 20 * (place - 1)

    assert reply.is_error
    assert reply.structured == {"error": {"code": "timeout", "maybe_applied": True}}
    assert f"{done} of 46 issues were changed, in {place - 1} of 3 batches." in reply.text
    assert f"Batch {place}, of 20 issues, may have changed too" in reply.text
    assert "Call again without apply" in reply.text
    assert ("with the id of each" in reply.text) == (place == 2)
    assert list(held(sandbox).values()).count("resolved") == 4 + 20 * place
    rows = (await person.call("error-tracking-changes-list", {})).structured["results"]
    assert [row["state"] for row in rows] == ["unknown", *["done"] * (place - 1)]
    again = await person.call(TOOL, RESOLVE)
    assert again.structured["would_change"] == 46 - 20 * place


async def test_a_call_that_is_cut_off_before_its_first_write_changed_nothing(
    sandbox: SandboxProcess, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await person.token(RESOLVE)

    async def late(method: str, path: str, **options: Any) -> Any:
        raise TimeoutError

    monkeypatch.setattr(person.proxy, "send", late)
    for arguments in (RESOLVE, {**RESOLVE, "apply": token}):
        reply = await person.call(TOOL, arguments)

        assert reply.structured == {"error": {"code": "timeout", "maybe_applied": False}}
        assert "Nothing was changed" in reply.text
    assert writes(sandbox) == []


async def test_no_more_than_the_bound_are_changed_at_once(
    sandbox: SandboxProcess, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MOST", 20)
    monkeypatch.setattr(plan, "_PAGE", 10)

    first = await person.apply(RESOLVE)
    second = await person.apply(RESOLVE)

    assert (first.structured["changed"], second.structured["changed"]) == (20, 20)
    assert "call again without apply for the rest" in first.text
    assert list(held(sandbox).values()).count("resolved") == 44


async def test_a_person_is_asked_about_what_would_change(sandbox: SandboxProcess, person: Person) -> None:
    confirmation, token = Confirmation("destructive", sandbox.url), await person.token(RESOLVE)
    arguments = {**RESOLVE, "apply": token}

    shown = await person.call(TOOL, RESOLVE, confirmation=confirmation)
    asked = await person.call(TOOL, arguments, confirmation=confirmation)

    assert shown.structured["would_change"] == 46
    assert asked.structured["error"]["code"] == "confirmation_required"
    assert "would_change: 46" in asked.structured["error"]["question"]
    assert "error-tracking-changes-undo undoes it" in asked.structured["error"]["question"]
    assert writes(sandbox) == []
    confirmed = {**arguments, "confirm": asked.structured["error"]["confirm"]}
    done = await person.call(TOOL, confirmed, confirmation=confirmation)
    assert done.structured["changed"] == 46


async def test_a_person_may_take_a_while_to_answer(
    sandbox: SandboxProcess, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmation, moment = Confirmation("destructive", sandbox.url), int(time.time())
    for module in (plan, matching):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: moment))
    arguments = {**RESOLVE, "apply": await person.token(RESOLVE)}
    moment += 100
    asked = await person.call(TOOL, arguments, confirmation=confirmation)
    moment += 100

    confirmed = {**arguments, "confirm": asked.structured["error"]["confirm"]}
    done = await person.call(TOOL, confirmed, confirmation=confirmation)

    assert f'apply: "{arguments["apply"]}"' in asked.structured["error"]["question"]
    assert done.structured.get("changed") == 46, done.text


async def test_nobody_is_asked_about_a_token_that_no_longer_holds(sandbox: SandboxProcess, person: Person) -> None:
    old = f"{int(time.time()) - 2 * plan.SECONDS:08x}-0123456789"

    reply = await person.call(TOOL, {**RESOLVE, "apply": old}, confirmation=Confirmation("destructive", sandbox.url))

    assert reply.structured["error"]["code"] == "expired_token"


async def test_it_needs_a_change_and_a_filter(person: Person) -> None:
    both = await person.call(TOOL, {**RESOLVE, "unassign": True})
    no_filter = await person.call(TOOL, {"setStatus": "resolved"})

    assert "give one of setStatus, setAssignee, unassign true" in both.text
    assert "give a filter" in no_filter.text


async def test_nothing_that_matches_is_said(sandbox: SandboxProcess, person: Person) -> None:
    reply = await person.call(TOOL, {"setStatus": "resolved", "searchQuery": "no such text"})

    assert (reply.structured["would_change"], reply.structured["apply"]) == (0, None)
    assert "repeat the call" not in reply.text


def test_a_server_that_only_reads_does_not_offer_it() -> None:
    assert TOOL in toolbox_for(ToolSelection(toolsets=("all",)), ()).names
    assert TOOL not in toolbox_for(ToolSelection(toolsets=("all",), read_only=True), ()).names
