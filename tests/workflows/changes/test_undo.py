"""Changes taken back through the tools, and the sandbox compared before and after."""

import sqlite3
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.journal.change import Call, End, Write
from mcp_errortracking.journal.store import Journal
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.confirmation.confirmation import Confirmation
from mcp_errortracking.server.recording import Recorder
from mcp_errortracking.server.toolbox import EVERY_TOOL, Toolbox
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.calls import call_tool
from tests.catalog.test_inverse import CHANGES, CREATED, WITHOUT
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases import case as known
from tests.server.test_every_tool import FIRST

pytestmark = pytest.mark.anyio

LIST, UNDO = "error-tracking-changes-list", "error-tracking-changes-undo"
UPDATE = "error-tracking-issues-partial-update"
RESOLVE = {"id": known.TYPE_ERROR, "status": "resolved"}
_OTHER_KEY = "phx_another_full_access_key"
_KINDS = ("assignment", "grouping", "suppression", "bypass", "severity")
_OWN = ("filters", "assignee", "sampling_rate", "severity", "description")
_ALERT = {"inputs": {"url": {"value": "https://hooks.example/T0KEN"}}, "template_id": "template-webhook"}
REORDERED = {f"error-tracking-{kind}-rules-reorder" for kind in _KINDS}
DELETED = {f"error-tracking-{kind}-rules-destroy" for kind in _KINDS}
OTHERS = {
    "error-tracking-releases-destroy",
    "error-tracking-issues-bulk-create",
    "error-tracking-issues-split-create",
    "error-tracking-issues-merge-create",
    "error-tracking-issues-cohort-update",
    "error-tracking-recommendations-dismiss-create",
    "error-tracking-recommendations-restore-create",
    "error-tracking-symbol-sets-bulk-start-upload",  # test_uploads
}


@pytest.fixture(scope="module")
def shared_sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess({**known.SEED, "keys": [*known.SEED["keys"], {"value": _OTHER_KEY}]}) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    shared_sandbox.reset()
    return shared_sandbox


class Person:
    """Calls tools with a journal, as one server does."""

    def __init__(self, sandbox: SandboxProcess, file: Path, toolbox: Toolbox = EVERY_TOOL, **more: Any) -> None:
        self.proxy = Proxy(host=sandbox.url, key=SecretStr(more.pop("key", FULL)), project="1")
        self.recorder = Recorder(Journal(file), sandbox.url, **more)
        self.how: dict[str, Any] = {
            "toolbox": toolbox,
            "environment": Environment((), sandbox.url),
            "recorder": self.recorder,
        }

    async def call(self, tool: str, arguments: dict[str, Any] | None = None) -> Reply:
        return await call_tool(self.proxy, tool, arguments or {}, time_limit=20, **self.how)

    async def undo(self, **arguments: Any) -> Reply:
        return await self.call(UNDO, {"dry_run": False, **arguments})

    async def close(self) -> None:
        self.recorder.journal.close()
        await self.proxy.aclose()


@pytest.fixture
async def person(sandbox: SandboxProcess, tmp_path: Path) -> AsyncGenerator[Person]:
    person = Person(sandbox, tmp_path / "changes.db")
    yield person
    await person.close()


def state(sandbox: SandboxProcess, path: str, names: tuple[str, ...]) -> list[Any]:
    """Return values of an object; a path that begins with a slash is relative to the project."""
    if path.startswith("/"):
        there = f"{sandbox.url}/api/projects/1{path}"
        held = sandbox.http.get(there, headers={"Authorization": f"Bearer {FULL}"}).json()
    else:
        held = sandbox.api("GET", path).json()
    return [held.get(name) for name in names]


def files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


def status(sandbox: SandboxProcess) -> str:
    return sandbox.api("GET", f"issues/{known.TYPE_ERROR}/").json()["status"]


def changing(sandbox: SandboxProcess) -> list[str]:
    """Return the requests that are no reads, as `PATCH <last part of the path>`."""
    return [f"{one['method']} {one['path'].split('/')[-2]}" for one in sandbox.journal() if one["method"] != "GET"]


def test_every_tool_that_writes_is_undone_here_or_has_no_inverse() -> None:
    done = {f"error-tracking-{tool}" for tool, *_ in CHANGES} | {f"error-tracking-{tool}" for tool in CREATED}

    assert done | REORDERED | DELETED | OTHERS | set(WITHOUT) == {
        tool for tool, endpoint in CATALOG.items() if not endpoint.read_only
    }


@pytest.mark.parametrize(("tool", "arguments", "path", "names"), CHANGES)
async def test_an_update_is_undone_and_redone(
    sandbox: SandboxProcess, person: Person, tool: str, arguments: dict[str, Any], path: str, names: tuple[str, ...]
) -> None:
    where = path.format(**arguments) if "id" in arguments else path
    before = state(sandbox, where, names)

    await person.call(f"error-tracking-{tool}", arguments)
    changed = state(sandbox, where, names)
    plan = await person.call(UNDO)
    planned = state(sandbox, where, names)
    undone = await person.undo()

    assert changed != before
    assert (plan.structured["object"], planned) == ("as the change left it", changed)
    assert not undone.is_error, undone.text
    assert state(sandbox, where, names) == before

    redone = await person.undo(id=2)
    assert not redone.is_error, redone.text
    assert state(sandbox, where, names) == changed


@pytest.mark.parametrize("tool", CREATED)
async def test_a_creation_is_undone(sandbox: SandboxProcess, person: Person, tool: str) -> None:
    kind = tool.removesuffix("-create").replace("-", "_")
    listed = "/hog_functions/" if kind == "alerts" else f"{kind}/"
    before = state(sandbox, listed, ("results",))

    await person.call(f"error-tracking-{tool}", CREATED[tool])
    made = state(sandbox, listed, ("results",))
    undone = await person.undo()

    assert not undone.is_error, undone.text
    assert made != before
    assert state(sandbox, listed, ("results",)) == before


@pytest.mark.parametrize("kind", _KINDS)
async def test_a_deleted_rule_is_created_again_and_the_loss_is_said(
    sandbox: SandboxProcess, person: Person, kind: str
) -> None:
    first, *rest = sandbox.api("GET", f"{kind}_rules/").json()["results"]
    await person.call(f"error-tracking-{kind}-rules-destroy", {"id": first["id"]})

    plan = await person.call(UNDO)
    undone = await person.undo()

    assert "another id" in plan.structured["restores"]
    assert not undone.is_error, undone.text
    held = sandbox.api("GET", f"{kind}_rules/").json()["results"]
    [made] = [rule for rule in held if rule["id"] not in {one["id"] for one in rest}]
    assert [made.get(name) for name in _OWN] == [first.get(name) for name in _OWN]
    assert made["id"] != first["id"]


@pytest.mark.parametrize("kind", _KINDS)
async def test_an_order_is_restored_unless_it_was_changed_since(
    sandbox: SandboxProcess, person: Person, kind: str
) -> None:
    def order() -> dict[str, int]:
        return {one["id"]: one["order_key"] for one in sandbox.api("GET", f"{kind}_rules/").json()["results"]}

    before = order()
    first, second = before
    tool = f"error-tracking-{kind}-rules-reorder"
    await person.call(tool, {"orders": {first: 9, second: 3}})
    sandbox.api("PATCH", f"{kind}_rules/reorder/", {"orders": {first: 7}})

    refused = await person.undo()
    assert refused.structured["error"]["code"] == "changed_since"
    assert f"order_key of {first} was set to 9 and is 7" in refused.text
    assert order() == {first: 7, second: 3}

    assert not (await person.undo(force=True)).is_error
    assert order() == before


async def test_a_deleted_release_is_created_again(sandbox: SandboxProcess, person: Person) -> None:
    await person.call("error-tracking-releases-destroy", {"id": known.OLD_RELEASE})

    undone = await person.undo()

    assert not undone.is_error, undone.text
    assert {one["hash_id"] for one in sandbox.api("GET", "releases/").json()["results"]} == {"newest", "older"}
    assert "none of the symbol sets" in undone.text


async def test_a_change_in_bulk_is_undone_unless_an_issue_was_changed_since(
    sandbox: SandboxProcess, person: Person
) -> None:
    ids = [known.TYPE_ERROR, known.KEY_ERROR]
    await person.call("error-tracking-issues-bulk-create", {"action": "set_status", "ids": ids, "status": "resolved"})
    sandbox.api("PATCH", f"issues/{known.KEY_ERROR}/", {"status": "suppressed"})

    refused = await person.undo()
    assert f'status of {known.KEY_ERROR} was set to "resolved" and is "suppressed"' in refused.text
    assert status(sandbox) == "resolved"

    assert not (await person.undo(force=True)).is_error
    assert [sandbox.api("GET", f"issues/{one}/").json()["status"] for one in ids] == ["active", "active"]


async def test_a_merge_is_split_again_and_the_loss_is_said(sandbox: SandboxProcess, person: Person) -> None:
    names = sandbox.api("GET", f"issues/{known.KEY_ERROR}/").json()["name"]
    await person.call("error-tracking-issues-merge-create", {"id": known.TYPE_ERROR, "ids": [known.KEY_ERROR]})
    assert sandbox.api("GET", f"issues/{known.KEY_ERROR}/").status_code == 404

    plan = await person.call(UNDO)
    undone = await person.undo()

    assert "The split issues have other ids" in plan.structured["restores"]
    assert not undone.is_error, undone.text
    assert "The split issues have other ids" in undone.text
    made = undone.structured["new_issue_ids"]
    assert [sandbox.api("GET", f"issues/{one}/").json()["name"] for one in made] == [names] * len(made)
    [row, merge] = (await person.call(LIST)).structured["results"]
    assert (row["called"], merge["undo"], merge["state"]) == (
        "error-tracking-issues-split-create",
        "none",
        "undone by 2",
    )


async def test_a_split_is_merged_back(sandbox: SandboxProcess, person: Person) -> None:
    def owners() -> dict[str, str]:
        return {one["fingerprint"]: one["issue_id"] for one in sandbox.api("GET", "fingerprints/").json()["results"]}

    before = owners()
    arguments = {"id": known.TYPE_ERROR, "fingerprints": [{"fingerprint": "print-2"}]}
    await person.call("error-tracking-issues-split-create", arguments)
    assert owners() != before

    undone = await person.undo()

    assert not undone.is_error, undone.text
    assert owners() == before


async def test_a_cohort_is_put_back_only_if_there_was_one(sandbox: SandboxProcess, person: Person) -> None:
    arguments = {"id": known.TYPE_ERROR, "cohortId": 3}
    await person.call("error-tracking-issues-cohort-update", arguments)
    refused = await person.undo()
    await person.call("error-tracking-issues-cohort-update", arguments)
    undone = await person.undo()

    assert refused.structured["error"]["code"] == "no_undo"
    assert "The object as it was:" in refused.text
    assert not undone.is_error, undone.text
    assert sandbox.api("GET", f"issues/{known.TYPE_ERROR}/").json()["cohort"]["id"] == 3


@pytest.mark.parametrize(("tool", "issue"), [("dismiss", known.RECOMMENDATION), ("restore", known.DISMISSED)])
async def test_a_recommendation_is_put_back(sandbox: SandboxProcess, person: Person, tool: str, issue: str) -> None:
    def is_dismissed() -> bool:
        rows = sandbox.api("GET", "recommendations/").json()["results"]
        return next(one["dismissed_at"] is not None for one in rows if one["id"] == issue)

    before = is_dismissed()
    await person.call(f"error-tracking-recommendations-{tool}-create", {"id": issue})
    assert is_dismissed() != before

    assert not (await person.undo()).is_error
    assert is_dismissed() == before


@pytest.mark.parametrize("tool", [tool for tool in WITHOUT if tool in FIRST])
async def test_a_write_without_an_inverse_is_listed_and_not_undone(
    sandbox: SandboxProcess, person: Person, tool: str
) -> None:
    await person.call(tool, FIRST[tool].arguments)
    sandbox.http.delete(f"{sandbox.url}/_journal")

    refused = await person.undo(id=1)

    assert refused.structured["error"]["code"] in ("no_undo", "not_applied", "unknown_end"), refused.text
    assert changing(sandbox) == []
    [row] = (await person.call(LIST)).structured["results"]
    assert (row["called"], row["undo"]) == (tool, "none")


async def test_nothing_is_sent_by_a_plan_and_it_says_what_would_be(sandbox: SandboxProcess, person: Person) -> None:
    await person.call(UPDATE, RESOLVE)
    sandbox.http.delete(f"{sandbox.url}/_journal")

    plan = await person.call(UNDO)

    assert changing(sandbox) == []
    assert plan.structured["undo_by"] == {"call": UPDATE, "arguments": {"id": known.TYPE_ERROR, "status": "active"}}
    assert plan.structured["request"] == {
        "method": "PATCH",
        "path": f"error_tracking/issues/{known.TYPE_ERROR}/",
        "json": {"status": "active"},
    }
    assert "Note: To undo it, call again with id 1, dry_run false." in plan.text


async def test_an_object_that_was_changed_since_is_left_alone_unless_forced(
    sandbox: SandboxProcess, person: Person
) -> None:
    await person.call(UPDATE, RESOLVE)
    sandbox.api("PATCH", f"issues/{known.TYPE_ERROR}/", {"status": "suppressed"})

    plan, refused = await person.call(UNDO), await person.undo()

    assert "dry_run false and force." in plan.text
    assert 'status was set to "resolved" and is "suppressed"' in refused.text
    assert refused.structured["error"]["code"] == "changed_since"
    assert status(sandbox) == "suppressed"
    assert not (await person.undo(force=True)).is_error
    assert status(sandbox) == "active"


async def test_a_change_of_something_else_in_the_object_does_not_matter(
    sandbox: SandboxProcess, person: Person
) -> None:
    await person.call(UPDATE, RESOLVE)
    sandbox.api("PATCH", f"issues/{known.TYPE_ERROR}/", {"name": "Renamed"})

    assert not (await person.undo()).is_error
    assert state(sandbox, f"issues/{known.TYPE_ERROR}/", ("status", "name")) == ["active", "Renamed"]


async def test_an_object_that_is_gone_cannot_be_undone_even_if_forced(sandbox: SandboxProcess, person: Person) -> None:
    await person.call("error-tracking-severity-rules-update", {"id": known.SEVERITY[0], "severity": "low"})
    sandbox.api("DELETE", f"severity_rules/{known.SEVERITY[0]}/")

    refused = await person.undo(force=True)

    assert "The object no longer exists: there is nothing to undo." in refused.text
    assert len(sandbox.api("GET", "severity_rules/").json()["results"]) == 1


async def test_a_change_is_undone_once(sandbox: SandboxProcess, person: Person) -> None:
    await person.call(UPDATE, RESOLVE)
    await person.undo(id=1)

    again, latest = await person.undo(id=1), await person.undo()

    assert again.structured["error"]["code"] == "already_undone"
    assert "by change 2" in again.text
    assert latest.structured["error"]["code"] == "no_change"  # an undo is undone by its id alone
    rows = (await person.call(LIST)).structured["results"]
    assert [(row["id"], row["state"], row.get("undoes")) for row in rows] == [(2, "done", 1), (1, "undone by 2", None)]


async def test_an_undo_that_is_cut_off_says_what_to_compare(
    sandbox: SandboxProcess, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person.call(UPDATE, RESOLVE)
    (made,) = (await person.call(LIST)).structured["results"]
    send = person.proxy.send

    async def silent(method: str, path: str, **options: Any) -> Any:
        answer = await send(method, path, **options)
        if method == "PATCH":
            raise TimeoutError
        return answer

    monkeypatch.setattr(person.proxy, "send", silent)
    reply = await person.undo()

    assert reply.structured == {"error": {"code": "timeout", "maybe_applied": True}}
    assert f"Change {made['id']} may be undone or not: {LIST} has the undo as unknown" in reply.text
    assert f'compare it with what the undo was to set: {{"id":"{known.TYPE_ERROR}","status":"active"}}' in reply.text
    assert status(sandbox) == "active"
    rows = (await person.call(LIST)).structured["results"]
    assert [row["state"] for row in rows] == ["unknown", "done"]


async def test_two_undos_of_a_change_at_once_send_its_inverse_once(sandbox: SandboxProcess, tmp_path: Path) -> None:
    people = [Person(sandbox, tmp_path / "changes.db") for _ in range(2)]  # as two servers with one journal
    rule = sandbox.api("GET", "severity_rules/").json()["results"][0]["id"]
    await people[0].call("error-tracking-severity-rules-destroy", {"id": rule})
    left = len(sandbox.api("GET", "severity_rules/").json()["results"])
    replies = list[Reply]()

    async def undo(person: Person) -> None:
        replies.append(await person.undo(id=1))

    async with anyio.create_task_group() as group:
        for person in people:
            group.start_soon(undo, person)

    assert len(sandbox.api("GET", "severity_rules/").json()["results"]) == left + 1
    assert sorted(reply.structured.get("error", {}).get("code", "") for reply in replies) == ["", "already_undone"]
    for person in people:
        await person.close()


async def test_consent_to_an_undo_is_for_the_change_in_the_question(sandbox: SandboxProcess, person: Person) -> None:
    await person.call(UPDATE, RESOLVE)
    person.how["confirmation"] = Confirmation("destructive", sandbox.url)
    asked = (await person.undo()).structured["error"]
    other = Person(sandbox, person.recorder.journal.path)
    await other.call(UPDATE, {**RESOLVE, "status": "suppressed"})
    await other.close()

    refused = (await person.undo(confirm=asked["confirm"])).structured["error"]
    suppressed = status(sandbox)
    undone = await person.undo(confirm=refused["confirm"])

    assert "change: 1" in asked["question"]
    assert f'{{"id":"{known.TYPE_ERROR}","status":"active"}}' in asked["question"]
    assert "change: 2" in refused["question"]
    assert suppressed == "suppressed"
    assert (undone.structured["undone"], status(sandbox)) == (2, "resolved")


async def test_a_failed_and_an_unknown_change_are_not_undone(sandbox: SandboxProcess, person: Person) -> None:
    await person.call(UPDATE, {"id": known.UNKNOWN, "status": "resolved"})
    connection = sqlite3.connect(person.recorder.journal.path)
    failed = await person.undo(id=1)
    connection.execute("UPDATE changes SET state = 'unknown', finish = NULL")
    connection.commit()
    connection.close()
    unknown, listed = await person.undo(id=1), await person.call(LIST)

    assert failed.structured["error"]["code"] == "not_applied"
    assert unknown.structured["error"]["code"] == "unknown_end"
    assert '"status":"resolved"' in unknown.text
    assert listed.structured["results"][0]["state"] == "unknown"
    assert "Note: Of an unknown change no end was recorded" in listed.text


@pytest.mark.parametrize("wanted", [7, 2**62])
async def test_an_unknown_id_is_named(person: Person, wanted: int) -> None:
    refused = await person.undo(id=wanted)
    assert refused.structured["error"]["code"] == "unknown_change"
    assert f"no change {wanted}" in refused.text


async def test_changes_of_another_project_are_neither_listed_nor_undone(
    sandbox: SandboxProcess, person: Person, tmp_path: Path
) -> None:
    await person.call(UPDATE, RESOLVE)
    other = Person(sandbox, tmp_path / "changes.db")
    other.proxy.project = "2"

    listed, refused = await other.call(LIST), await other.undo(id=1)
    await other.close()

    assert listed.structured["results"] == []
    assert refused.structured["error"]["code"] == "unknown_change"
    assert status(sandbox) == "resolved"


async def test_callers_with_their_own_keys_see_their_own_changes(sandbox: SandboxProcess, tmp_path: Path) -> None:
    one = Person(sandbox, tmp_path / "changes.db", per_caller=True)
    other = Person(sandbox, tmp_path / "changes.db", per_caller=True, key=_OTHER_KEY)
    await one.call(UPDATE, RESOLVE)

    listed, refused = await other.call(LIST), await other.undo(id=1)
    assert listed.structured["results"] == []
    assert refused.structured["error"]["code"] == "unknown_change"
    assert not (await one.undo(id=1)).is_error
    await one.close()
    await other.close()
    for file in files(tmp_path):
        assert FULL.encode() not in file.read_bytes()


async def test_a_recorded_call_that_only_reads_undoes_nothing(sandbox: SandboxProcess, person: Person) -> None:
    journal = person.recorder.journal
    change = journal.begin(Write(Call(UPDATE, RESOLVE), sandbox.url, "1"))
    journal.end(change, End("done", inverse=Call("error-tracking-issues-list", {}), undo="exact"))

    refused = await person.undo(id=change)

    assert refused.structured["error"]["code"] == "no_undo"
    assert [one.id for one in journal.latest(5)] == [change]


async def test_an_undo_makes_no_call_that_the_server_does_not_offer(sandbox: SandboxProcess, tmp_path: Path) -> None:
    toolbox = Toolbox(tools=(UNDO, "error-tracking-severity-rules-create"), workflows=WORKFLOWS)
    person = Person(sandbox, tmp_path / "changes.db", toolbox)
    await person.call("error-tracking-severity-rules-create", FIRST["error-tracking-severity-rules-create"].arguments)

    refused = await person.undo()
    await person.close()

    assert "takes error-tracking-severity-rules-destroy, which this server does not offer" in refused.text
    assert len(sandbox.api("GET", "severity_rules/").json()["results"]) == 3


async def test_addresses_and_tokens_of_alerts_are_not_recorded(person: Person) -> None:
    created = await person.call("error-tracking-alerts-create", {**CREATED["alerts-create"], **_ALERT})
    alert = created.structured["id"]
    await person.call("error-tracking-alerts-partial-update", {"id": alert, "inputs": _ALERT["inputs"]})

    refused = await person.undo(id=2)
    [updated, made] = (await person.call(LIST)).structured["results"]

    assert refused.structured["error"]["code"] == "no_undo"
    assert "The old values of inputs, mappings, hog are not recorded" in refused.text
    assert (updated["undo"], updated["arguments"]["inputs"]) == ("none", "[not recorded]")
    assert made["undo"] == "exact"
    assert not (await person.undo(id=1)).is_error
    person.recorder.journal.close()
    for file in files(person.recorder.journal.path.parent):
        assert b"T0KEN" not in file.read_bytes()


async def test_a_page_of_changes_leads_to_the_older_ones(person: Person) -> None:
    for severity in ("low", "high", "low"):
        await person.call(UPDATE, {"id": known.TYPE_ERROR, "severity": severity})

    page = await person.call(LIST, {"limit": 2})
    rest = await person.call(LIST, {"limit": 2, "before": 2})

    assert [row["id"] for row in page.structured["results"]] == [3, 2]
    assert "Note: There are older changes: before 2." in page.text
    assert [row["id"] for row in rest.structured["results"]] == [1]
    assert "older changes" not in rest.text


async def test_a_journal_that_cannot_be_read_says_why(person: Person) -> None:
    person.recorder.journal.path.write_bytes(b"no database" * 1000)

    for tool in (LIST, UNDO):
        reply = await person.call(tool)
        assert reply.structured["error"]["code"] == "journal_unreadable"
        assert reply.text == "The journal cannot be read. The file is not a journal; move it away to begin another."


async def test_without_a_journal_the_tools_say_how_to_have_one(sandbox: SandboxProcess, person: Person) -> None:
    reply = await call_tool(person.proxy, LIST, {}, time_limit=5, environment=Environment((), sandbox.url))
    assert "Its operator can start it with --journal PATH, or MCP_JOURNAL." in reply.text
