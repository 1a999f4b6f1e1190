"""Simulations that PostHog's database counts: for keys with `query:read`, beside the events evaluated one by one.

The queries are judged by PostHog's parser and a real ClickHouse in tests/rules/hogql.
"""

from collections.abc import AsyncGenerator, Generator
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.rules.counting import Window
from mcp_errortracking.workflows.rules.exact import NoExactCountError, count_exactly
from mcp_errortracking.workflows.rules.matched import Case
from tests.calls import call_tool
from tests.command import run_here
from tests.sandbox.conftest import DEFAULT, NOW
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.workflows.rules.test_simulation import BEGIN, DATES, counted
from tests.workflows.rules.test_simulation import events as planted

pytestmark = pytest.mark.anyio

NOT_ASKED = "Note: The database was not asked for exact numbers, or did not give them: "


events = cache(planted)


def condition(key: str, operator: str, value: Any) -> dict[str, Any]:
    return {"key": key, "type": "event", "operator": operator, "value": value}


def group(kind: str, *values: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "values": list(values)}


ISSUE = "01936f2e-7a51-7000-8000-0000000000f1"
BROWSERS = group("OR", *(condition("$browser", "exact", [name]) for name in ("Chrome", "Safari", "Edge", "Opera")))
"""More alternatives than PostHog's other queries count."""


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(DEFAULT) as running:
        yield running


@pytest.fixture
async def proxy(sandbox: SandboxProcess) -> AsyncGenerator[Proxy]:
    sandbox.http.delete(f"{sandbox.url}/_journal")
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        yield proxy


async def simulate(proxy: Any, *scopes: str, **arguments: Any) -> Reply:
    async def held() -> list[str] | None:
        return list(scopes) or None

    arguments.setdefault("dateRange", DATES)
    environment = Environment((), proxy.host)
    name = "error-tracking-rules-simulate"
    return await call_tool(proxy, name, arguments, time_limit=60, environment=environment, scopes=held)


def queries(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    return [one["body"]["query"] for one in sandbox.journal() if one["path"].endswith("/1/query/")]


@pytest.mark.parametrize("scope", ["query:read", "*"])
async def test_a_union_of_any_size_is_exact(sandbox: SandboxProcess, proxy: Proxy, scope: str) -> None:
    found = events()
    expected = counted("grouping", BROWSERS, found)

    reply = await simulate(proxy, scope, kind="grouping", filters=BROWSERS)

    assert reply.structured["matching"] == {"exceptions": expected.total(), "issues": len(expected), "exact": True}
    how = "(exact: counted by PostHog in HogQL)"
    assert reply.structured["exceptions"] == f"{expected.total():,} of {len(found):,} {how}"
    assert NOT_ASKED not in reply.text
    assert [one["kind"] for one in queries(sandbox)] == ["HogQLQuery"] * len(queries(sandbox))
    assert "Chrome" not in queries(sandbox)[0]["query"]
    assert reply.structured["requests"] == len(sandbox.journal())


async def test_properties_that_no_event_shows_are_counted(proxy: Proxy) -> None:
    filters = group("AND", condition("$pathname", "icontains", "/c"), condition("no_sdk_sends", "is_not", "x"))
    expected = counted("severity", filters, events())

    reply = await simulate(proxy, "query:read", kind="severity", filters=filters)

    assert expected
    assert reply.structured["matching"]["exceptions"] == expected.total()
    assert reply.structured["matching"]["exact"] is True


async def test_new_issues_are_known_without_a_request_for_each(sandbox: SandboxProcess, proxy: Proxy) -> None:
    new = {one["issue"]["id"] for one in events() if one["issue"]["first_seen"] >= BEGIN.isoformat()[:19]}
    filters = group("AND", condition("$exception_types", "is_set", "is_set"))

    reply = await simulate(proxy, "query:read", kind="assignment", filters=filters)

    text = f"{len(new)} of {len(new)} new issues that have matching exceptions, by their first exception"
    assert reply.structured["would_assign"] == text
    oldest = [one for one in sandbox.journal() if (one["body"] or {}).get("orderDirection") == "ASC"]
    assert oldest == []


async def test_what_earlier_rules_take_is_counted_in_one_query(sandbox: SandboxProcess, proxy: Proxy) -> None:
    rules = sandbox.api("GET", "suppression_rules/").json()["results"]
    sandbox.http.delete(f"{sandbox.url}/_journal")

    reply = await simulate(proxy, "query:read", kind="suppression", filters=BROWSERS)

    both = {
        rule["id"]: counted("suppression", group("AND", rule["filters"], BROWSERS), events()).total() for rule in rules
    }
    assert {row["rule"]: row["takes_first"] for row in reply.structured["taken_first"]} == {
        rule: f"{count:,} of the matching exceptions" for rule, count in both.items() if count
    }
    assert len(queries(sandbox)) == 2


@pytest.mark.parametrize("scopes", [(), ("error_tracking:read", "query:write")])
async def test_a_key_without_the_scope_asks_no_database(
    sandbox: SandboxProcess, proxy: Proxy, scopes: tuple[str, ...]
) -> None:
    reply = await simulate(proxy, *scopes, kind="severity", filters=BROWSERS)

    assert reply.structured["matching"]["exact"] is False
    assert queries(sandbox) == []


async def test_a_refusal_falls_back_to_counting_and_says_so(sandbox: SandboxProcess) -> None:
    sandbox.http.delete(f"{sandbox.url}/_journal")
    filters = group("AND", condition("$exception_types", "exact", ["TypeError"]))
    async with Proxy(host=sandbox.url, key=SecretStr(READ_ONLY), project="1") as proxy:
        reply = await simulate(proxy, "query:read", kind="severity", filters=filters)

    assert [one["status"] for one in sandbox.journal() if one["path"].endswith("/1/query/")] == [403]
    assert f"{NOT_ASKED}PostHog answered 403." in reply.text
    assert reply.structured["matching"]["exceptions"] == counted("severity", filters, events()).total()
    assert "(exact: counted by PostHog)" in reply.structured["exceptions"]


class Answering:
    """Answers HogQL with an answer of the test's, or an error of it."""

    def __init__(self, proxy: Proxy, answer: Any) -> None:
        self.proxy, self.answer, self.host = proxy, answer, proxy.host

    async def send(self, method: str, path: str, **options: Any) -> Any:
        if path != "query/":
            return await self.proxy.send(method, path, **options)

        class Answer:
            data, attempts = self.answer, 1

        return Answer


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"results": None, "query_status": {"complete": False}},
        {"results": [["x"]]},
        {"results": [["x", 1, 1, 0, 0, 1]]},
        {"results": [[ISSUE, 1, 1, 1, 1, None]]},
        {"results": [[ISSUE, 1, -1, 0, 0, 0]]},
        {"results": [[ISSUE, 1, True, 0, 0, 0]]},
        {"results": [["x", "1", 1, 0, 0, 0]]},
        {"results": [[str(UUID(int=number)), 1, 1, 0, 0, 1] for number in range(10_000)]},
    ],
    ids=repr,
)
async def test_an_answer_that_is_not_the_rows_is_not_taken_for_numbers(answer: Any) -> None:
    class Sender:
        async def send(self, *_: Any, **__: Any) -> Any:
            class Answer:
                data, attempts = answer, 1

            return Answer

    async def silent(*_: Any) -> None: ...

    window = Window(Sender(), DATES, silent, 5)
    with pytest.raises(NoExactCountError):
        await count_exactly(Case("severity", BROWSERS, Rule(BROWSERS), window, {}))
    assert window.made == 1


async def test_wrong_rows_fall_back_to_counting(proxy: Proxy) -> None:
    filters = group("AND", condition("$exception_types", "exact", ["TypeError"]))

    reply = await simulate(Answering(proxy, {"results": [["x"]]}), "query:read", kind="severity", filters=filters)

    assert f"{NOT_ASKED}PostHog did not answer with the rows that were asked for." in reply.text
    assert reply.structured["matching"]["exceptions"] == counted("severity", filters, events()).total()
    assert not reply.is_error


async def test_what_the_database_does_not_decide_makes_the_number_inexact(proxy: Proxy) -> None:
    rows = [[ISSUE, 10, 4, 2, 0, 1], [None, 3, 1, 0, 0, 1]]

    reply = await simulate(Answering(proxy, {"results": rows}), "query:read", kind="bypass", filters=BROWSERS)

    assert reply.structured["matching"] == {"exceptions": 4, "issues": 1, "exact": False}
    assert reply.structured["exceptions"] == "4 of 13 (counted by PostHog in HogQL, which does not decide 2)"
    assert "Note: Unknown for 2 exceptions: the database evaluates them otherwise than ingestion does" in reply.text
    assert "Note: 1 more exceptions match and belong to no issue; they are not counted." in reply.text


async def test_events_that_would_switch_the_rule_off_are_named(proxy: Proxy) -> None:
    answer = {"results": [[ISSUE, 10, 4, 0, 6, 1]]}
    reply = await simulate(Answering(proxy, answer), "query:read", kind="bypass", filters=BROWSERS)

    assert reply.structured["outcome"] == "disabled"
    assert "Note: PostHog would switch this rule off at the first of 6 exceptions" in reply.text


async def test_filters_that_the_database_evaluates_otherwise_are_counted_as_before(
    sandbox: SandboxProcess, proxy: Proxy
) -> None:
    filters = group("AND", condition("$lib", "regex", "(?:web){2000}|w"))
    reply = await simulate(proxy, "query:read", kind="severity", filters=filters)

    assert f"{NOT_ASKED}a pattern repeats more than 1,000 times." in reply.text
    assert queries(sandbox) == []


@pytest.mark.parametrize("begin", ["all", "-1m", "2026-11-01", "2026-11-01T00:00:00"])
async def test_a_range_that_only_posthog_reads_is_counted_as_before(
    sandbox: SandboxProcess, proxy: Proxy, begin: str
) -> None:
    reply = await simulate(
        proxy, "query:read", kind="severity", filters=BROWSERS, dateRange={"date_from": begin, "date_to": NOW}
    )

    assert f"{NOT_ASKED}the range is not given as two moments with a time and a zone." in reply.text
    assert queries(sandbox) == []


async def test_a_posthog_without_queries_about_issues_still_counts() -> None:
    with SandboxProcess(DEFAULT | {"server": {"now": NOW, "age": "2025"}}) as older:
        async with Proxy(host=older.url, key=SecretStr(FULL), project="1") as proxy:
            reply = await simulate(proxy, "*", kind="assignment", filters=BROWSERS)

    expected = counted("assignment", BROWSERS, events())
    assert reply.structured["matching"] == {"exceptions": expected.total(), "issues": len(expected), "exact": True}
    assert "Note: This PostHog has no queries about issues: only numbers are known." in reply.text
    assert "would_assign" not in reply.structured


def test_a_shell_asks_for_the_scopes_of_its_key(sandbox: SandboxProcess) -> None:
    sandbox.http.delete(f"{sandbox.url}/_journal")
    filters = '{"type": "AND", "values": [{"type": "event", "key": "$lib", "operator": "exact", "value": ["web"]}]}'
    words = ("rules", "simulate", "bypass", filters, "--host", sandbox.url, "--project", "1")

    code, printed, _ = run_here(*words, "--from", DATES["date_from"], POSTHOG_PERSONAL_API_KEY=FULL)

    assert code == 0
    assert "(exact: counted by PostHog in HogQL)" in printed
    assert "/api/personal_api_keys/@current/" in [one["path"] for one in sandbox.journal()]
