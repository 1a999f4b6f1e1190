"""Simulated rules against the sandbox, and against the sandbox's events evaluated one by one by the rules' own engine.

The engine is judged by PostHog's VM and Rust's regex engine (tests/rules); the sandbox counts without it.
"""

import itertools
import random
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import RateLimitedError
from mcp_errortracking.rules.events import KINDS, seen_by
from mcp_errortracking.rules.events import Event as RuleEvent
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.rules.branches import branches_of
from mcp_errortracking.workflows.rules.counting import Window
from tests.calls import call_tool
from tests.required import THOROUGH
from tests.sandbox.conftest import DEFAULT
from tests.sandbox.raw_events import PRESENT, after, all_events
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess

pytestmark = pytest.mark.anyio

DAYS = 20
BEGIN = PRESENT - timedelta(days=DAYS)
DATES = {"date_from": BEGIN.isoformat(), "date_to": PRESENT.isoformat()}
RULES = 200 if THOROUGH else 40
KEYS = ("$exception_types", "$exception_values", "$exception_sources", "$browser", "$os", "$lib", "$current_url")
SIMULATE = "error-tracking-rules-simulate"


def _condition(key: str, operator: str, value: Any) -> dict[str, Any]:
    return {"key": key, "type": "event", "operator": operator, "value": value}


def _group(kind: str, *values: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "values": list(values)}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(DEFAULT) as running:
        yield running


@pytest.fixture
async def proxy(sandbox: SandboxProcess) -> AsyncGenerator[Proxy]:
    sandbox.reset()
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        yield proxy


async def simulate(proxy: Proxy, **arguments: Any) -> Reply:
    arguments.setdefault("dateRange", DATES)
    environment = Environment((), proxy.host)
    return await call_tool(proxy, SIMULATE, arguments, time_limit=60, environment=environment)


def events() -> list[dict[str, Any]]:
    return list(filter(after(DAYS), all_events()))


def counted(kind: str, filters: dict[str, Any], found: list[dict[str, Any]]) -> Counter[str]:
    """Return the matching events by issue, each evaluated by itself."""
    rule = Rule(filters, kind)
    outcomes = ((one["issue"]["id"], rule.match(RuleEvent(seen_by(kind, one))).kind) for one in found)
    return Counter(issue for issue, outcome in outcomes if outcome == "match")


def texts_of(event: dict[str, Any], key: str) -> list[str]:
    held = event.get(key)
    return [text for text in (held if isinstance(held, list) else [held]) if text]


def generated(found: list[dict[str, Any]], number: int) -> list[tuple[str, dict[str, Any]]]:
    """Return rules of every kind over values that occur, and some that do not."""
    chance = random.Random(7)
    values = {key: sorted({text for one in found for text in texts_of(one, key)}) for key in KEYS}

    def condition() -> dict[str, Any]:
        key = chance.choice(list(values))
        value = chance.choice([*values[key], "nothing has this"])
        operator = chance.choice(["exact", "icontains", "regex", "is_not", "not_icontains", "is_set"])
        if operator == "exact":
            return _condition(key, operator, [value, chance.choice(values[key])])
        if operator == "regex":
            letters = "".join(letter if letter.isalnum() else "." for letter in value[:12])
            return _condition(key, operator, letters)
        if operator in ("icontains", "not_icontains"):
            return _condition(key, operator, value[1:9] or value)
        return _condition(key, operator, "is_set" if operator == "is_set" else value)

    rules = list[tuple[str, dict[str, Any]]]()
    for kind in itertools.islice(itertools.cycle(KINDS), number):
        sizes = [chance.randint(1, 3) for _ in range(chance.choice([1, 1, 1, 2]))]
        parts = [_group("AND", *(condition() for _ in range(size))) for size in sizes]
        rules.append((kind, parts[0] if len(parts) == 1 else _group("OR", *parts)))
    return rules


async def test_the_totals_of_generated_rules_are_those_of_the_events_one_by_one(proxy: Proxy) -> None:
    found, wrong, matching = events(), list[Any](), 0

    async def silent(*_: Any) -> None: ...

    for kind, filters in generated(found, RULES):
        window = Window(proxy, DATES, silent, 100)
        total = await window.union(branches_of(filters))
        expected = counted(kind, filters, found)
        matching += bool(expected)
        if Counter(total) != expected:
            wrong.append((kind, filters, {"simulated": dict(total), "evaluated": dict(expected)}))

    assert wrong[:2] == []
    assert matching > RULES // 3


@pytest.mark.parametrize("kind", KINDS)
async def test_the_totals_of_the_tool_are_counted_and_said_to_be(
    sandbox: SandboxProcess, proxy: Proxy, kind: str
) -> None:
    filters = _group("AND", _condition("$exception_types", "icontains", "error"))
    expected = counted(kind, filters, found := events())

    reply = await simulate(proxy, kind=kind, filters=filters)

    assert reply.structured["matching"] == {
        "exceptions": expected.total(),
        "issues": len(expected),
        "exact": True,
    }
    total = f"{expected.total():,} of {len(found):,} (exact: counted by PostHog)"
    assert reply.structured["exceptions"] == total
    asked = [one for one in sandbox.journal() if "/query/" in one["path"]]
    assert reply.structured["requests"] == len(sandbox.journal()) == len(asked) + 1 <= 100
    assert all(one["body"]["filterTestAccounts"] is False and one["body"]["dateRange"] == DATES for one in asked)
    assert {one["method"] for one in sandbox.journal() if one not in asked} == {"GET"}


async def test_a_suppression_rule_says_what_would_be_lost(proxy: Proxy) -> None:
    filters = _group("AND", _condition("$exception_types", "exact", ["TypeError"]))
    found = events()
    expected = counted("suppression", filters, found)
    newest = max(
        (one["issue"] for one in found if one["issue"]["id"] in expected), key=lambda issue: issue["first_seen"]
    )

    half = await simulate(proxy, kind="suppression", filters=filters, sampling_rate=0.5)

    dropped = round(expected.total() / 2)
    assert half.structured["would_drop"] == f"{dropped:,} exceptions (50% of those that match)"
    assert half.structured["newest_issue_lost"]["id"] == newest["id"]


async def test_an_assignment_rule_says_which_new_issues_it_would_have_taken(proxy: Proxy) -> None:
    filters = _group("AND", _condition("$exception_types", "is_set", "is_set"))
    new = {one["issue"]["id"] for one in events() if one["issue"]["first_seen"] >= BEGIN.isoformat()[:19]}

    reply = await simulate(proxy, kind="assignment", filters=filters)

    text = f"{len(new)} of {len(new)} new issues that have matching exceptions, by their first exception"
    assert new
    assert reply.structured["would_assign"] == text
    assert {one["id"] for one in reply.structured["new_issues"]} <= new


async def test_a_union_is_counted_once_where_its_parts_overlap(proxy: Proxy) -> None:
    filters = _group(
        "OR",
        _condition("$exception_types", "icontains", "Type"),
        _condition("$exception_types", "icontains", "Error"),
        _condition("$browser", "exact", ["Chrome"]),
    )

    reply = await simulate(proxy, kind="grouping", filters=filters)

    assert reply.structured["matching"]["exceptions"] == counted("grouping", filters, events()).total()


async def test_what_posthog_cannot_count_is_sampled_and_said_to_be(proxy: Proxy) -> None:
    filters = _group("OR", *(_condition("$browser", "exact", [name]) for name in ("Chrome", "Safari", "Edge", "Opera")))

    reply = await simulate(proxy, kind="severity", filters=filters)

    assert reply.structured["matching"]["exact"] is False
    assert "(sampled: " in reply.structured["exceptions"]
    assert (
        "Note: PostHog cannot count these filters: they are a union of more than 3 lists of conditions." in reply.text
    )
    issues = set(counted("severity", filters, events()))
    assert {one["issue"]["id"] for one in reply.structured["examples"]} <= issues


async def test_what_events_do_not_show_is_unknown_and_never_a_number(proxy: Proxy) -> None:
    wanted = [_condition("$host", "exact", [name]) for name in "abcd"]

    reply = await simulate(proxy, kind="severity", filters=_group("OR", *wanted))

    assert reply.structured["matching"] == {"exceptions": 0, "issues": 0, "exact": False}
    assert "sampled: 0 events of" in reply.structured["exceptions"]
    assert "sampled events: events show no $host." in reply.text


async def test_examples_say_which_conditions_hold(proxy: Proxy) -> None:
    filters = _group(
        "OR", _condition("$exception_types", "exact", ["TypeError"]), _condition("$browser", "exact", ["Netscape"])
    )

    reply = await simulate(proxy, kind="grouping", filters=filters)

    assert reply.structured["examples"]
    assert {one["holds"] for one in reply.structured["examples"]} == {"$exception_types exact ['TypeError']"}


async def test_earlier_rules_and_what_they_take_first_are_named(sandbox: SandboxProcess, proxy: Proxy) -> None:
    rules = sandbox.api("GET", "suppression_rules/").json()["results"]
    filters = _group("AND", _condition("$exception_types", "is_set", "is_set"))
    found = events()
    sandbox.http.delete(f"{sandbox.url}/_journal")

    last = await simulate(proxy, kind="suppression", filters=filters)
    first = await simulate(proxy, kind="suppression", filters=filters, order_key=-1)

    assert [(row["rule"], row["takes_first"]) for row in last.structured["taken_first"]] == [
        (rule["id"], f"{count:,} of the matching exceptions")
        for rule in rules
        if (count := counted("suppression", rule["filters"], found).total())
    ]
    assert "taken_first" not in first.structured


async def test_an_existing_rule_is_simulated_by_its_id(sandbox: SandboxProcess, proxy: Proxy) -> None:
    rule = sandbox.api("GET", "assignment_rules/").json()["results"][1]

    reply = await simulate(proxy, kind="assignment", id=rule["id"])
    other = await simulate(proxy, kind="severity", id=rule["id"])

    expected = counted("assignment", rule["filters"], events())
    assert reply.structured["matching"]["exceptions"] == expected.total()
    assert rule["id"] not in str(reply.structured.get("taken_first"))
    assert other.structured["error"]["code"] == "unknown_rule"
    assert "it may be of another kind. List them with error-tracking-severity-rules-list." in other.text


@pytest.mark.parametrize(
    ("kind", "condition", "outcome"),
    [
        ("severity", _condition("$exception_values", "regex", "(?=x)"), "disabled"),
        ("bypass", _condition("plan", "gt", 3), "disabled"),
        ("grouping", {"type": "empty"}, "refused"),
    ],
)
async def test_a_rule_that_posthog_does_not_evaluate_is_not_counted(
    sandbox: SandboxProcess, proxy: Proxy, kind: str, condition: dict[str, Any], outcome: str
) -> None:
    reply = await simulate(proxy, kind=kind, filters=_group("AND", condition))

    assert reply.structured["outcome"] == outcome
    assert "Note: Nothing was counted" in reply.text
    assert [one for one in sandbox.journal() if "/query/" in one["path"]] == []


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"filters": _group("AND"), "id": "01936f2e-7a51-7000-8000-0000000000f1"},
    ],
)
async def test_filters_or_an_id_must_be_given(sandbox: SandboxProcess, proxy: Proxy, arguments: dict[str, Any]) -> None:
    reply = await simulate(proxy, kind="severity", **arguments)
    assert "- give filters or id, one of them" in reply.text
    assert sandbox.journal() == []


async def test_a_range_backwards_is_refused(sandbox: SandboxProcess, proxy: Proxy) -> None:
    backwards = {"date_from": "2026-11-02", "date_to": "2026-11-01"}
    reply = await simulate(proxy, kind="severity", filters=_group("AND"), dateRange=backwards)
    assert "date_to does not lie after date_from" in reply.text
    assert sandbox.journal() == []


async def test_an_older_posthog_cannot_be_asked() -> None:
    with SandboxProcess(DEFAULT | {"server": {"age": "2025"}}) as older:
        async with Proxy(host=older.url, key=SecretStr(FULL), project="1") as proxy:
            filters = _group("AND", _condition("$os", "is_set", "is_set"))
            reply = await simulate(proxy, kind="assignment", filters=filters)

    assert reply.structured["error"]["code"] == "cannot_simulate"
    assert "mcp-errortracking rules match" in reply.text


async def test_a_limited_rate_ends_it_with_what_is_known(sandbox: SandboxProcess) -> None:
    class Limited:
        """Refuses each request after the sixth."""

        def __init__(self, proxy: Proxy) -> None:
            self.proxy, self.sent, self.host = proxy, 0, proxy.host

        async def send(self, method: str, path: str, **options: Any) -> Any:
            self.sent += 1
            if self.sent > 6:
                raise RateLimitedError("Too many requests.", status=429)
            return await self.proxy.send(method, path, **options)

    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        limited = Limited(proxy)
        filters = _group("AND", _condition("$exception_types", "is_set", "is_set"))
        reply = await simulate(limited, kind="suppression", filters=filters)  # pyright: ignore[reportArgumentType]

    assert reply.structured["matching"]["exact"] is True
    assert "Note: Incomplete: PostHog limits the rate of requests, after" in reply.text
    assert limited.sent == 7


async def test_a_key_that_reads_may_simulate_and_another_is_told_the_scope(sandbox: SandboxProcess) -> None:
    filters = _group("AND", _condition("$os", "is_set", "is_set"))
    async with Proxy(host=sandbox.url, key=SecretStr(READ_ONLY), project="1") as proxy:
        assert not (await simulate(proxy, kind="severity", filters=filters)).is_error
    async with Proxy(host=sandbox.url, key=SecretStr("phx_sandbox_nothing_key"), project="1") as proxy:
        assert "error_tracking:read" in (await simulate(proxy, kind="severity", filters=filters)).text


async def test_events_without_a_property_that_the_rule_reads_as_null_are_named(proxy: Proxy) -> None:
    reply = await simulate(proxy, kind="severity", filters=_group("AND", _condition("$os", "icontains", "ull")))
    assert "Note: Events without $os are not counted, and the rule matches them: it reads the text null." in reply.text
