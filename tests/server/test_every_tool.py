"""Every tool of the catalog, over MCP, against the sandbox: what it sends, answers and shows; and how it fails."""

import re
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Any, cast

import pytest
from mcp import Client

from mcp_errortracking.catalog import CATALOG
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.server.cases import issues, others, rules, symbol_sets
from tests.server.cases.case import KEY_ERROR, NO_SCOPES, SEED, TYPE_ERROR, UNKNOWN, Case, Refusal
from tests.server.mcp_client import ERAS, connected, text_of

pytestmark = pytest.mark.anyio

CASES = [*issues.CASES, *rules.CASES, *symbol_sets.CASES, *others.CASES]
REFUSALS = [*issues.REFUSALS, *rules.REFUSALS, *symbol_sets.REFUSALS, *others.REFUSALS]
FIRST = {case.tool: case for case in reversed(CASES)}
"""One case of each tool."""
NEEDED = re.compile(
    r"(.*_)?(id|ids|url|ref|hash|fingerprint|key|count|offset|total|status|severity|version)|https?://.*|.*-.*-.*-.*-.*",
    re.DOTALL,
)
"""Names of fields that an agent acts on, or values of any field (addresses, UUIDs), which must be in the text."""
ABOUT_ONE = [
    tool
    for tool in CATALOG
    if {"id", "issueId"} & set(FIRST[tool].arguments) and tool != "error-tracking-issues-activity-retrieve"
]
"""The tools about one object; of an unknown one there is no activity, and PostHog says just that."""


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture(autouse=True)
def as_seeded(sandbox: SandboxProcess) -> None:
    sandbox.reset()


async def _clients(sandbox: SandboxProcess, key: str, era: str = "auto") -> AsyncGenerator[Client]:
    async with connected(sandbox.url, key, "--toolsets", "all", era=era) as client:
        await client.list_tools()  # or the client does, before its first call
        yield client


@pytest.fixture(scope="module")
async def client(sandbox: SandboxProcess) -> AsyncGenerator[Client]:
    async for client in _clients(sandbox, FULL):
        yield client


@pytest.fixture(scope="module")
async def reader(sandbox: SandboxProcess) -> AsyncGenerator[Client]:
    async for client in _clients(sandbox, READ_ONLY):
        yield client


@pytest.fixture(scope="module")
async def stranger(sandbox: SandboxProcess) -> AsyncGenerator[Client]:
    async for client in _clients(sandbox, NO_SCOPES):
        yield client


def sent(sandbox: SandboxProcess, *, status: bool = False) -> tuple[str, ...]:
    """The requests since the journal was emptied, as cases name them."""
    lines = list[str]()
    for entry in sandbox.journal():
        _, in_project, rest = entry["path"].partition("/projects/1")
        place = rest.removeprefix("/error_tracking/") if in_project else entry["path"]
        lines.append(f"{entry['method']} {place}" + (f" {entry['status']}" if status else ""))
    return tuple(lines)


def held(data: Any, place: str) -> Any:
    """The value at a place like `results.0.id`."""
    for step in place.split("."):
        data = data[int(step)] if isinstance(data, list) else data[step]
    return cast("Any", data)


def acted_on(data: Any) -> Iterator[str]:
    """The values that an agent acts on, at any depth."""
    if isinstance(data, list):
        for item in cast("list[Any]", data):
            yield from acted_on(item)
    elif isinstance(data, dict):
        for name, value in cast("dict[str, Any]", data).items():
            if name == "_posthogUrl":  # in the text, one address stands for those of all rows: test_pages
                continue
            if isinstance(value, str | int) and not isinstance(value, bool):
                if (NEEDED.fullmatch(name) or NEEDED.fullmatch(str(value))) and not str(value).startswith("$"):
                    yield str(value)
            elif name not in ("properties", "top_in_app_frame"):
                yield from acted_on(value)


def test_no_tool_was_forgotten() -> None:
    assert set(FIRST) == set(CATALOG)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tool)
async def test_a_call_does_what_it_says(client: Client, sandbox: SandboxProcess, case: Case) -> None:
    await check(client, sandbox, case)


async def check(client: Client, sandbox: SandboxProcess, case: Case) -> None:
    """A case: its requests, its answer, its text."""
    result = await client.call_tool(case.tool, case.arguments)

    text = text_of(result)
    assert not result.is_error, text
    assert sent(sandbox) == case.sends
    if case.body is not None:
        bodies = [entry["body"] for entry in sandbox.journal() if entry["method"] != "GET"]
        assert bodies == [case.body]
    for place, value in case.holds.items():
        assert held(result.structured_content, place) == value, place
    for part in case.shows:
        assert part in text
    for value in acted_on(result.structured_content):
        assert value in text


@pytest.mark.parametrize("era", list(ERAS))
async def test_in_both_eras_of_the_protocol(sandbox: SandboxProcess, era: str) -> None:
    async for client in _clients(sandbox, FULL, era):
        for tool in ("query-error-tracking-issues-list", "error-tracking-bypass-rules-update"):
            sandbox.empty_journal()
            await check(client, sandbox, FIRST[tool])


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.tool)
async def test_a_refusal_is_explained(client: Client, sandbox: SandboxProcess, refusal: Refusal) -> None:
    result = await client.call_tool(refusal.tool, refusal.arguments)

    assert result.is_error
    assert refusal.says in text_of(result)
    assert sent(sandbox, status=True) == refusal.sends
    for place, value in refusal.holds.items():
        assert held(result.structured_content, place) == value


@pytest.mark.parametrize("tool", ABOUT_ONE)
async def test_an_unknown_id_changes_nothing(client: Client, sandbox: SandboxProcess, tool: str) -> None:
    name = "id" if "id" in FIRST[tool].arguments else "issueId"

    result = await client.call_tool(tool, FIRST[tool].arguments | {name: UNKNOWN})

    assert result.is_error
    assert text_of(result).startswith("Not found in project 1. No such object")
    assert result.structured_content is not None
    assert result.structured_content["error"]["code"] == "not_found"
    *_, first, second = sandbox.journal()  # the second asks what the id is
    assert (first["status"], second["method"]) == (404, "GET")


async def test_a_merge_moves_fingerprints(client: Client, sandbox: SandboxProcess) -> None:
    await client.call_tool("error-tracking-issues-merge-create", {"id": TYPE_ERROR, "ids": [KEY_ERROR]})

    assert sandbox.api("GET", f"issues/{KEY_ERROR}/").status_code == 404
    owned = sandbox.api("GET", f"fingerprints/?issue_id={TYPE_ERROR}").json()["results"]
    assert [record["fingerprint"] for record in owned] == ["print-1", "print-2", "print-3"]


async def test_a_split_makes_an_issue(client: Client, sandbox: SandboxProcess) -> None:
    arguments = {"id": TYPE_ERROR, "fingerprints": [{"fingerprint": "print-2", "name": "Its own"}]}

    result = await client.call_tool("error-tracking-issues-split-create", arguments)

    assert result.structured_content is not None
    (made,) = result.structured_content["new_issue_ids"]
    assert made in text_of(result)
    assert sandbox.api("GET", f"issues/{made}/").json()["name"] == "Its own"
    (record,) = sandbox.api("GET", f"fingerprints/?issue_id={made}").json()["results"]
    assert record["fingerprint"] == "print-2"


async def test_a_bulk_action_reaches_every_issue(client: Client, sandbox: SandboxProcess) -> None:
    arguments = {"action": "set_status", "ids": [TYPE_ERROR, KEY_ERROR], "status": "resolved"}

    await client.call_tool("error-tracking-issues-bulk-create", arguments)

    rows = sandbox.api("GET", "issues/").json()["results"]
    resolved = {row["id"] for row in rows if row["status"] == "resolved"}
    assert resolved == {TYPE_ERROR, KEY_ERROR}


async def test_activity_tells_who_did_what(client: Client) -> None:
    for status in ("resolved", "active", "suppressed"):
        await client.call_tool("error-tracking-issues-partial-update", {"id": TYPE_ERROR, "status": status})

    result = await client.call_tool("error-tracking-issues-activity-retrieve", {"id": TYPE_ERROR, "limit": 2})

    assert result.structured_content is not None
    assert result.structured_content["count"] == 3
    newest = result.structured_content["results"][0]
    assert (newest["user"]["first_name"], newest["detail"]["changes"][0]["after"]) == ("Ada", "suppressed")
    assert "Note: More: page 2." in text_of(result)


MORE_SCOPES = {"error-tracking-directory-list": ("integration:read",)}
"""Scopes of parts of a tool: it is offered to a key without them."""


@pytest.mark.parametrize("tool", CATALOG)
async def test_a_key_without_scopes_may_do_nothing(stranger: Client, sandbox: SandboxProcess, tool: str) -> None:
    result = await stranger.call_tool(tool, FIRST[tool].arguments)

    text = text_of(result)
    assert result.is_error
    scopes = (*CATALOG[tool].scopes, *MORE_SCOPES.get(tool, ()))
    lacking = [scope for scope in scopes if scope.replace(":write", ":read").split(":")[0] in text]
    assert text.startswith("The API key lacks the scope ")
    assert lacking
    assert [entry["status"] for entry in sandbox.journal()] == [403]


@pytest.mark.parametrize("tool", [tool for tool, endpoint in CATALOG.items() if not endpoint.read_only])
async def test_a_key_that_may_read_changes_nothing(reader: Client, sandbox: SandboxProcess, tool: str) -> None:
    result = await reader.call_tool(tool, FIRST[tool].arguments)

    assert result.is_error
    assert text_of(result).startswith("The API key lacks the scope ")
    journal = sandbox.journal()
    assert journal[-1]["status"] == 403
    assert all(entry["method"] == "GET" for entry in journal[:-1])


@pytest.fixture(scope="module")
def old_sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED, "--age", "2025") as running:
        yield running


@pytest.fixture(scope="module")
async def old_client(old_sandbox: SandboxProcess) -> AsyncGenerator[Client]:
    async for client in _clients(old_sandbox, FULL):
        yield client


@pytest.mark.parametrize("tool", [tool for tool, endpoint in CATALOG.items() if endpoint.since])
async def test_an_old_server_is_told_to_be_too_old(old_client: Client, tool: str) -> None:
    result = await old_client.call_tool(tool, FIRST[tool].arguments)

    assert result.is_error
    assert f" {CATALOG[tool].since}. " in text_of(result)
    assert result.structured_content is not None
    assert result.structured_content["error"]["status"] == CATALOG[tool].older_status
