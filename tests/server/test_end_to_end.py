"""The documented endpoints, from the SDK's own client over stdio to the sandbox and back, in both eras of the protocol.

`test_every_tool.py` has the others.
"""

import hashlib
from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError

from mcp_errortracking.catalog import ALIASES
from mcp_errortracking.server.app import INSTRUCTIONS
from tests.sandbox_process import FULL, OTHER_PROJECT, READ_ONLY, ROLE, SandboxProcess
from tests.server.mcp_client import ERAS, OFFERED, ask, connected, refusal, text_of

pytestmark = pytest.mark.anyio

UNKNOWN = "01936f2e-7a51-7000-8000-00000000dead"
RELEASE = "01936f2e-7a51-7000-8000-0000000000a1"
COMPLETE, MISSING, HUGE, BOUND = (f"01936f2e-7a51-7000-8000-00000000b00{n}" for n in range(4))
FILTERS = {"type": "AND", "values": [{"key": "$browser", "type": "event", "operator": "exact", "value": "Chrome"}]}
OTHER_FILTERS = {"type": "OR", "values": [FILTERS]}
USER = {"type": "user", "id": 1}
SEED: dict[str, Any] = {
    "projects": [{"id": 1}, {"id": 2}],
    "roles": [{"id": ROLE}],
    "keys": [
        {"value": FULL},
        {"value": READ_ONLY, "scopes": ["error_tracking:read"]},
        {"value": OTHER_PROJECT, "scoped_teams": [2]},
    ],
    "releases": [{"id": RELEASE, "version": "1"}, {"id": UNKNOWN.replace("dead", "beef"), "version": "2"}],
    "assignment_rules": [
        {"filters": FILTERS, "assignee": USER, "order_key": n, "disabled_data": {"message": "off"} if n == 2 else None}
        for n in range(3)
    ],
    "issues": [{"name": f"Error {n}", "fingerprints": [f"{n}a", f"{n}b"]} for n in range(3)],
    "symbol_sets": [
        {"id": COMPLETE, "ref": "complete", "content": "bytes", "content_hash": "old"},
        {"id": MISSING, "ref": "missing", "state": "missing"},
        {"id": HUGE, "ref": "huge", "state": "pending", "content": {"size": 104857601}},
        {"id": BOUND, "ref": "bound", "release": RELEASE, "content_hash": "h"},
    ],
}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture(autouse=True)
def as_seeded(sandbox: SandboxProcess) -> None:
    """Every test starts from the seed and an empty journal, whatever the one before it left."""
    sandbox.reset()


@pytest.fixture(scope="module", params=list(ERAS))
async def client(request: pytest.FixtureRequest, sandbox: SandboxProcess) -> AsyncGenerator[Client]:
    async with connected(sandbox.url, FULL, era=request.param) as running:
        yield running


async def test_the_server_says_what_it_is(client: Client) -> None:
    assert client.protocol_version == ERAS[client.mode]
    assert client.instructions == INSTRUCTIONS
    listed = await client.list_tools()
    assert tuple(tool.name for tool in listed.tools) == OFFERED
    assert listed.next_cursor is None


async def test_assignment_rules_from_create_to_destroy(client: Client, sandbox: SandboxProcess) -> None:
    before = await ask(client, "assignment-rules-list")
    created = await ask(client, "assignment-rules-create", filters=FILTERS, assignee=USER, order_key=9)
    assert (created["filters"], created["assignee"], created["order_key"]) == (FILTERS, USER, 9)
    assert await ask(client, "assignment-rules-retrieve", id=created["id"]) == created

    role = {"type": "role", "id": ROLE}
    changed = {"filters": OTHER_FILTERS, "assignee": role}
    updated = await ask(client, "assignment-rules-partial-update", id=created["id"], **changed)
    assert updated == created | changed | {"updated_at": updated["updated_at"]}
    assert updated["updated_at"] > created["updated_at"]

    destroyed = await ask(client, "assignment-rules-destroy", id=created["id"])
    assert destroyed == {"deleted": updated}
    assert await ask(client, "assignment-rules-list") == before
    again = {name: updated[name] for name in ("filters", "assignee", "order_key")}
    recreated = await ask(client, "assignment-rules-create", **again)
    assert {name: recreated[name] for name in again} == again
    await ask(client, "assignment-rules-destroy", id=recreated["id"])


async def test_an_update_enables_a_rule(client: Client) -> None:
    disabled = await ask(client, "assignment-rules-create", filters=FILTERS, assignee=USER)

    updated = await ask(client, "assignment-rules-partial-update", id=disabled["id"])

    assert updated["disabled_data"] is None
    await ask(client, "assignment-rules-destroy", id=disabled["id"])


async def test_lists_come_in_pages(client: Client) -> None:
    first = await client.call_tool("error-tracking-assignment-rules-list", {"limit": 2})
    assert first.structured_content is not None
    assert (first.structured_content["count"], first.structured_content["next_offset"]) == (3, 2)
    assert text_of(first).startswith("2 of 3; next page: offset 2\n")
    rest = await ask(client, "assignment-rules-list", limit=2, offset=2)
    assert (len(rest["results"]), rest["next_offset"]) == (1, None)
    assert all(rule["id"] in text_of(first) for rule in first.structured_content["results"])


async def test_reorder(client: Client, sandbox: SandboxProcess) -> None:
    rules = (await ask(client, "assignment-rules-list"))["results"]
    last = rules[-1]["id"]

    moved = await client.call_tool("error-tracking-assignment-rules-reorder", {"orders": {last: -1}, "filters": {}})

    assert moved.structured_content is not None
    assert [rule["id"] for rule in moved.structured_content["order"]] == [last, rules[0]["id"], rules[1]["id"]]
    assert "Note: Had no effect: filters." in text_of(moved)
    sandbox.empty_journal()
    restored = {rule["id"]: rule["order_key"] for rule in rules}
    await ask(client, "assignment-rules-reorder", orders=restored)
    patch, get = sandbox.journal()
    assert (patch["method"], patch["body"], patch["status"]) == ("PATCH", {"orders": restored}, 204)
    assert (get["method"], get["query"]) == ("GET", {"limit": "1000"})
    unknown = await refusal(client, "assignment-rules-reorder", orders={UNKNOWN: 1})
    assert f"no rules of this project: {UNKNOWN}" in unknown


async def test_fingerprints(client: Client) -> None:
    page = await ask(client, "fingerprints-list")
    assert [record["fingerprint"] for record in page["results"]] == ["0a", "0b", "1a", "1b", "2a", "2b"]
    record = page["results"][3]
    assert await ask(client, "fingerprints-retrieve", id=record["id"]) == record
    own = await ask(client, "fingerprints-list", issue_id=record["issue_id"])
    assert [one["fingerprint"] for one in own["results"]] == ["1a", "1b"]


async def test_symbol_sets_from_start_to_delete(client: Client, sandbox: SandboxProcess) -> None:
    content = b"a container of source and map" * 100
    content_hash = hashlib.sha512(content).hexdigest()
    uploads = [
        {"chunk_id": "by form", "content_hash": content_hash, "release_id": RELEASE},
        {"chunk_id": "by put", "content_hash": content_hash, "content_length": len(content)},
        {"chunk_id": "complete", "content_hash": "old"},
    ]
    started = await ask(client, "symbol-sets-bulk-start-upload", symbol_sets=uploads)
    assert started["skipped"] == ["complete"]
    form, put = started["id_map"]["by form"], started["id_map"]["by put"]
    async with httpx.AsyncClient() as http:
        target = form["presigned_url"]
        sent = await http.post(target["url"], data=target["fields"], files={"file": ("chunk", content)})
        assert sent.status_code == 204
        assert (await http.put(put["presigned_put_url"], content=content)).status_code == 200
        hashes = {form["symbol_set_id"]: content_hash, put["symbol_set_id"]: content_hash}
        finished = await ask(client, "symbol-sets-bulk-finish-upload", content_hashes=hashes)
        assert finished == {"success": True, "confirmed": list(hashes)}
        for symbol_set in hashes:
            url = (await ask(client, "symbol-sets-download-retrieve", id=symbol_set))["url"]
            assert (await http.get(url)).content == content
    deleted = await client.call_tool("error-tracking-symbol-sets-bulk-delete", {"ids": [*hashes, UNKNOWN]})
    assert deleted.structured_content == {"deleted": 2, "not_found": 1}
    assert "Note: 1 of 3 ids did not exist in this project." in text_of(deleted)


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        (
            "assignment-rules-retrieve",
            {"id": UNKNOWN},
            "Not found in project 1. No such object, or it belongs to another project",
        ),
        (
            "assignment-rules-partial-update",
            {"id": UNKNOWN},
            "Get the assignment rule's id from error-tracking-assignment-rules-list",
        ),
        (
            "assignment-rules-destroy",
            {"id": UNKNOWN},
            "Get the assignment rule's id from error-tracking-assignment-rules-list",
        ),
        (
            "assignment-rules-create",
            {"filters": FILTERS, "assignee": {"type": "user", "id": 999}},
            "A server error occurred. PostHog fails like this when the assignee does not exist",
        ),
        (
            "assignment-rules-create",
            {
                "filters": {"type": "AND", "values": [{"key": "a", "type": "element", "operator": "gt"}]},
                "assignee": USER,
            },
            "HTTP 400 (argument filters). PostHog says: Invalid filters payload. Nothing was changed.",
        ),
        ("fingerprints-retrieve", {"id": UNKNOWN}, "The id is that of the record, not of the issue"),
        (
            "symbol-sets-download-retrieve",
            {"id": UNKNOWN},
            "Get the symbol set's id from error-tracking-symbol-sets-list",
        ),
        (
            "symbol-sets-download-retrieve",
            {"id": MISSING},
            "Symbol set has no uploaded file. Nothing was ever uploaded",
        ),
        (
            "symbol-sets-bulk-start-upload",
            {"symbol_sets": [{"chunk_id": "complete", "content_hash": "new"}]},
            "already exists with different content. Nothing was started. Repeat with force: true",
        ),
        ("symbol-sets-bulk-start-upload", {"chunk_ids": ["complete"]}, "Give the content_hash of that chunk"),
        (
            "symbol-sets-bulk-start-upload",
            {"symbol_sets": [{"chunk_id": "a", "release_id": UNKNOWN}]},
            "Unknown release ID provided",
        ),
        (
            "symbol-sets-bulk-start-upload",
            {
                "symbol_sets": [
                    {"chunk_id": "bound", "content_hash": "h", "release_id": UNKNOWN.replace("dead", "beef")}
                ]
            },
            "leave release_id out for that chunk",
        ),
        ("symbol-sets-bulk-finish-upload", {"content_hashes": {UNKNOWN: "h"}}, "not chunk ids"),
        ("symbol-sets-bulk-finish-upload", {"content_hashes": {MISSING: "h"}}, "Upload every file to its URL"),
    ],
)
async def test_what_posthog_refuses_is_explained(
    client: Client, sandbox: SandboxProcess, tool: str, arguments: dict[str, Any], says: str
) -> None:
    before = sandbox.api("GET", "assignment_rules/").json(), sandbox.api("GET", "symbol_sets/").json()

    assert says in await refusal(client, tool, **arguments)

    assert (sandbox.api("GET", "assignment_rules/").json(), sandbox.api("GET", "symbol_sets/").json()) == before


async def test_a_file_of_a_wrong_size_costs_its_symbol_set() -> None:
    with SandboxProcess(SEED) as sandbox:
        async with connected(sandbox.url, FULL) as client:
            said = await refusal(client, "symbol-sets-bulk-finish-upload", content_hashes={HUGE: "h"})

        assert "PostHog deleted that set. A file must have 1 byte to 100 MiB" in said
        assert sandbox.api("GET", f"symbol_sets/{HUGE}/").status_code == 404


async def test_wrong_arguments_reach_nobody(client: Client, sandbox: SandboxProcess) -> None:
    sandbox.empty_journal()

    said = await refusal(client, "assignment-rules-create", filter=FILTERS, assignee=USER)

    assert "- filters: required, but missing" in said
    assert "- filter: unknown argument; did you mean filters?" in said
    assert sandbox.journal() == []


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ("error-tracking-rules-list", "Unknown tool: error-tracking-rules-list. The nearest are: "),
        (
            "error-tracking-issues-list",
            "error-tracking-issues-list is not offered by this server. Its operator can start it with --tools "
            "error-tracking-issues-list or the toolset issues. Of those offered, the nearest are: "
            "query-error-tracking-issues-list,",
        ),
    ],
)
async def test_an_unknown_tool_is_a_protocol_error(client: Client, tool: str, says: str) -> None:
    with pytest.raises(MCPError) as caught:
        await client.call_tool(tool, {})

    assert caught.value.code == -32602
    assert says in caught.value.message


async def test_every_alias_reaches_its_tool(sandbox: SandboxProcess) -> None:
    async with connected(sandbox.url, FULL, "--toolsets", "all") as client:
        for alias, tool in ALIASES.items():
            assert f"Wrong arguments for {tool};" in await refusal(client, alias, nonsense=1)


@pytest.mark.parametrize("era", list(ERAS))
async def test_keys_that_may_not(era: str, sandbox: SandboxProcess) -> None:
    sandbox.empty_journal()
    async with connected(sandbox.url, READ_ONLY, era=era) as client:
        assert (await ask(client, "assignment-rules-list"))["count"] == 3
        said = await refusal(client, "assignment-rules-create", filters=FILTERS, assignee=USER)
        assert said.startswith("The API key lacks the scope error_tracking:write.")
    async with connected(sandbox.url, OTHER_PROJECT, era=era) as client:
        said = await refusal(client, "fingerprints-list")
        assert said.startswith("The API key may not use project 1. It is limited to: 2. Set POSTHOG_PROJECT_ID")
    async with connected(sandbox.url, "phx_unknown_key", era=era) as client:
        assert "does not accept the API key" in await refusal(client, "fingerprints-list")
    async with connected(sandbox.url, FULL, era=era, project="99") as client:
        assert "There is no project 99" in await refusal(client, "fingerprints-list")
    # The client lists the tools before its first call, and for that the server asks once what the key may do.
    calls = [entry["status"] for entry in sandbox.journal() if "error_tracking" in entry["path"]]
    assert calls == [200, 403, 403, 401, 404]


async def test_without_a_key_the_tools_are_listed_and_say_what_is_missing() -> None:
    async with connected("https://us.posthog.com", None) as client:
        assert len((await client.list_tools()).tools) == len(OFFERED)
        said = await refusal(client, "fingerprints-list")

    assert "No PostHog API key is configured, so nothing was sent." in said
    assert "--sandbox" in said


async def test_an_operator_sets_where_results_are_cut(sandbox: SandboxProcess) -> None:
    async with connected(sandbox.url, FULL, "--max-result-tokens", "400") as client:
        result = await client.call_tool("error-tracking-fingerprints-list", {})

    assert result.structured_content is not None
    assert len(result.structured_content["results"]) == 6
    text = text_of(result)
    kept = sum(record["id"] in text for record in result.structured_content["results"])
    assert 0 < kept < 6
    assert f"{6 - kept} more rows left out to stay within 400 tokens. Continue with offset {kept}." in text


async def test_servers_of_2025() -> None:
    with SandboxProcess(SEED, "--age", "2025") as sandbox:
        async with connected(sandbox.url, FULL) as client:
            rules = (await ask(client, "assignment-rules-list"))["results"]
            assert len(rules) == 3
            created = await client.call_tool(
                "error-tracking-assignment-rules-create", {"filters": FILTERS, "assignee": USER, "order_key": 5}
            )
            assert "ignores order_key on create and stored 0" in text_of(created)
            disabled = next(rule for rule in rules if rule["disabled_data"])
            updated = await client.call_tool(
                "error-tracking-assignment-rules-partial-update", {"id": disabled["id"], "assignee": USER}
            )
            assert "still disabled" in text_of(updated)
            said = await refusal(client, "suppression-rules-create", filters=FILTERS, sampling_rate=0.5)
            assert "ignores sampling_rate: the rule drops every matching exception" in said
            said = await refusal(client, "assignment-rules-reorder", orders={rules[0]["id"]: 7})
            assert "lets no API key do this" in said
            assert "reorder in PostHog's settings" in said
            assert "too old" in await refusal(client, "symbol-sets-download-retrieve", id=COMPLETE)
            found = await client.call_tool("error-tracking-symbol-sets-list", {"search": "zzz"})
            assert "too old for search and lists everything: 0 of these" in text_of(found)
            upload = [{"chunk_id": "complete", "content_hash": "other"}]
            assert "Repeat with force" in await refusal(client, "symbol-sets-bulk-start-upload", symbol_sets=upload)
            for flag in ("force", "skip_on_conflict"):
                said = await refusal(client, "symbol-sets-bulk-start-upload", symbol_sets=upload, **{flag: True})
                assert "Repeat" not in said
                assert "too old for force and skip_on_conflict" in said
            said = await refusal(client, "symbol-sets-bulk-delete", ids=[COMPLETE])
            assert "allows this to API keys since 2026-03-26" in said
        sent = [entry["path"] for entry in sandbox.journal() if "personal_api_keys" not in entry["path"]]
        forms = {path.split("/")[2] for path in sent[2:] if "symbol" not in path}
        assert forms == {"environments"}


async def test_a_reorder_that_a_server_ignores_is_not_called_a_success() -> None:
    seed = SEED | {"server": {"features": {"reorder_ignores": True}}}
    with SandboxProcess(seed) as sandbox:
        async with connected(sandbox.url, FULL) as client:
            rules = (await ask(client, "assignment-rules-list"))["results"]
            said = await refusal(client, "assignment-rules-reorder", orders={rules[0]["id"]: 7})

    assert "Nothing was reordered: PostHog answered 204 but kept the old positions" in said
