"""The list of properties: its counts against those of issues, its sample, its requests and its tokens."""

from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.catalog import event_properties
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.token_estimate import upper_bound
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess

pytestmark = pytest.mark.anyio

LIST = "error-tracking-properties-list"
ISSUES = "query-error-tracking-issues-list"
SAMPLED = "sampled events of the most frequent issues of 30 days"
SEED: dict[str, Any] = {
    "projects": [{"id": 1}],
    "users": [{"id": 1}],
    "keys": [{"value": FULL}, {"value": READ_ONLY, "scopes": ["error_tracking:read"]}],
    "issues": [
        {"name": "TypeError", "fingerprints": ["a"], "events": {"count": 60, "users": 9, "since": 5}},
        {"name": "RangeError", "fingerprints": ["b"], "events": {"count": 40, "users": 5, "since": 9, "handled": True}},
        {"name": "KeyError", "fingerprints": ["c"], "events": {"count": 30, "since": 3, "lib": "posthog-python"}},
    ],
}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    """Yield one sandbox for all tests: nothing here changes it."""
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture(params=[FULL, READ_ONLY])
async def proxy(sandbox: SandboxProcess, request: pytest.FixtureRequest) -> AsyncGenerator[Proxy]:
    """Yield a proxy for a key that may do everything, and for one that may only read error tracking."""
    sandbox.empty_journal()
    async with Proxy(host=sandbox.url, key=SecretStr(request.param), project="1") as proxy:
        yield proxy


@pytest.fixture
async def full(sandbox: SandboxProcess) -> AsyncGenerator[Proxy]:
    sandbox.empty_journal()
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        yield proxy


@pytest.fixture
async def reader(sandbox: SandboxProcess) -> AsyncGenerator[Proxy]:
    sandbox.empty_journal()
    async with Proxy(host=sandbox.url, key=SecretStr(READ_ONLY), project="1") as proxy:
        yield proxy


async def ask(proxy: Proxy, tool: str, arguments: dict[str, Any]) -> Reply:
    return await call_tool(proxy, tool, arguments, time_limit=20, environment=Environment((), ""))


def events_with(sandbox: SandboxProcess, *conditions: dict[str, Any]) -> int:
    """Count events by the issues that they belong to."""
    asked = {"status": "all", "dateRange": {"date_from": "-30d"}, "filterTestAccounts": False, "limit": 100}
    answer = sandbox.api("POST", "query/issues/", {**asked, "filterGroup": list(conditions)}).json()
    assert not answer["hasMore"]
    return sum(int(row["aggregations"]["occurrences"]) for row in answer["results"])


def is_value(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "type": "event", "operator": "exact", "value": [value]}


@pytest.mark.parametrize("key", ["$browser", "$lib", "$pathname", "$exception_types", "$exception_handled"])
async def test_the_values_of_a_property_are_those_that_issues_count(
    sandbox: SandboxProcess, full: Proxy, key: str
) -> None:
    reply = await ask(full, LIST, {"property": key})
    assert [entry["path"] for entry in sandbox.journal()] == ["/api/projects/1/query/"]

    rows = reply.structured["results"]
    assert len(rows) >= 2
    assert [row["events"] for row in rows] == sorted((row["events"] for row in rows), reverse=True)
    for row in rows[:5]:
        value = row["value"]
        assert row["events"] == events_with(sandbox, is_value(key, value)), value
        assert f"{value}\t{row['events']}" in reply.text.replace('"', "")
    assert "Note: Counted in the exceptions of 30 days." in reply.text


async def test_the_properties_of_all_latest_exceptions_come_with_their_commonest_values(
    sandbox: SandboxProcess, full: Proxy
) -> None:
    reply = await ask(full, LIST, {})
    assert len(sandbox.journal()) == 1

    rows = {row["property"]: row for row in reply.structured["results"]}
    values = {value["value"] for value in rows["$browser"]["values"]}
    assert values == {"Chrome", "Firefox", "Safari"}
    assert rows["$lib"]["events"] == 130
    assert rows["$lib"]["values"] == [{"value": "web", "events": 100}, {"value": "posthog-python", "events": 30}]
    assert rows["$browser"]["events"] == sum(value["events"] for value in rows["$browser"]["values"])
    assert rows["$browser"]["distinct"] == 3
    assert "$exception_list" not in rows
    assert "at most 1,000" in reply.text
    assert upper_bound(reply.text) < 900  # the estimate is high by half
    assert list(rows)[-1] == "$session_id"
    assert len(rows["$session_id"]["values"]) == 1


async def test_search_takes_names_and_values(proxy: Proxy) -> None:
    by_name = await ask(proxy, LIST, {"search": "BROWSER"})
    by_value = await ask(proxy, LIST, {"search": "safari"})
    nothing = await ask(proxy, LIST, {"search": "no such thing"})

    assert [row["property"] for row in by_name.structured["results"]] == ["$browser"]
    assert [row["property"] for row in by_value.structured["results"]] == ["$browser"]
    assert nothing.structured["results"] == []
    assert "properties contains this text" in nothing.text


async def test_a_key_without_query_read_gets_a_sample_that_says_so(sandbox: SandboxProcess, reader: Proxy) -> None:
    reply = await ask(reader, LIST, {"property": "$browser"})
    requests = sandbox.journal()

    assert [entry["status"] for entry in requests] == [403, *[200] * 3]
    seen = dict[str, int]()
    for entry in requests[2:]:
        body = entry["body"]
        for event in sandbox.api("POST", "query/issue_events/", body).json()["results"]:
            browser = event["properties"]["$browser"]
            seen[browser] = seen.get(browser, 0) + 1
    assert {row["value"]: row["events"] for row in reply.structured["results"]} == seen
    assert sum(seen.values()) == 40
    assert f"From 40 {SAMPLED}" in reply.text
    assert "the key needs the scope query:read" in reply.text


async def test_values_that_a_sample_does_not_show_are_counted(sandbox: SandboxProcess, reader: Proxy) -> None:
    reply = await ask(reader, LIST, {"property": "$pathname"})

    there = {"key": "$pathname", "type": "event", "operator": "is_set", "value": "is_set"}
    assert reply.structured["results"] == []
    assert f"{events_with(sandbox, there)} exceptions of 30 days have this property" in reply.text
    assert "query:read" in reply.text


async def test_an_unknown_property_is_answered_with_the_nearest(proxy: Proxy) -> None:
    reply = await ask(proxy, LIST, {"property": "$browsr"})

    assert not reply.is_error
    assert reply.structured["nearest"] == ["$browser"]
    assert 'No exception of 30 days has the property "$browsr". Nearest: "$browser".' in reply.text


async def test_a_statement_that_posthog_refuses_gives_a_sample(full: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_properties, "NAMES", "SELECT 1")

    reply = await ask(full, LIST, {})

    assert f"From 60 {SAMPLED}" in reply.text
    assert "PostHog refused to count all (501)" in reply.text
    assert {row["events"] for row in reply.structured["results"] if row["property"] == "$exception_types"} == {60}


async def test_an_empty_list_of_issues_names_the_commonest_values(sandbox: SandboxProcess, full: Proxy) -> None:
    reply = await ask(full, ISSUES, {"filterGroup": [{"key": "$browser", "value": "Safar"}]})

    assert [entry["path"].partition("/1/")[2] for entry in sandbox.journal()] == [
        "error_tracking/query/issues/",
        "query/",
    ]
    counted = {name: events_with(sandbox, is_value("$browser", name)) for name in ("Chrome", "Firefox", "Safari")}
    common = ", ".join(f'"{name}" ({count})' for name, count in counted.items())
    assert f'$browser: no exception of 30 days has the value "Safar"; the most common are {common}.' in reply.text


async def test_an_empty_list_of_issues_names_the_nearest_property(sandbox: SandboxProcess, full: Proxy) -> None:
    reply = await ask(full, ISSUES, {"filterGroup": [{"key": "exception_release", "value": "1"}]})

    assert len(sandbox.journal()) == 3
    assert 'No exception has the property "exception_release". Nearest: "$exception_release"' in reply.text


async def test_a_value_that_exceptions_have_is_not_explained(sandbox: SandboxProcess, full: Proxy) -> None:
    conditions = [{"key": "$browser", "value": "Chrome"}, {"key": "$lib", "value": "posthog-python"}]
    reply = await ask(full, ISSUES, {"filterGroup": conditions})

    assert reply.structured["results"] == []
    assert "most common" not in reply.text
    assert len(sandbox.journal()) == 2


async def test_no_explanation_is_asked_for_past_the_first_page_or_without_conditions(
    sandbox: SandboxProcess, full: Proxy
) -> None:
    condition = {"key": "$browser", "value": "Safar"}
    await ask(full, ISSUES, {"filterGroup": [condition], "offset": 10})
    await ask(full, ISSUES, {"searchQuery": "nothing has this text"})
    await ask(full, ISSUES, {"filterGroup": [{"key": "$browser", "value": "Chrome"}]})

    assert {entry["path"] for entry in sandbox.journal()} == {"/api/projects/1/error_tracking/query/issues/"}
    assert len(sandbox.journal()) == 3


async def test_an_empty_answer_stands_without_its_explanation(sandbox: SandboxProcess, reader: Proxy) -> None:
    reply = await ask(reader, ISSUES, {"filterGroup": [{"key": "$browser", "value": "Safar"}]})

    assert not reply.is_error
    assert [entry["status"] for entry in sandbox.journal()] == [200, 403]
    assert reply.structured["results"] == []
    assert "most common" not in reply.text


async def test_events_of_an_issue_explain_an_empty_answer_too(sandbox: SandboxProcess, full: Proxy) -> None:
    issue = sandbox.api("POST", "query/issues/", {"limit": 1}).json()["results"][0]["id"]
    condition = {"key": "$browser", "value": "Safar"}

    reply = await ask(full, "query-error-tracking-issue-events", {"issueId": issue, "filterGroup": [condition]})

    assert '$browser: no exception of 30 days has the value "Safar"' in reply.text
