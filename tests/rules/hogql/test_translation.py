"""Rules in HogQL, evaluated by the sandbox, beside the engine of rules; `.ci/hogql` compares with a real ClickHouse."""

import random
from typing import Any

import pytest

from mcp_errortracking.rules.hogql import DISABLED, MATCH, NO_MATCH, UNKNOWN, NotTranslatableError, States, query_of
from mcp_errortracking.rules.hogql.patterns import regex_pattern
from mcp_errortracking.rules.regex import Regex
from mcp_errortracking.sandbox.hogql.functions import FUNCTIONS
from tests.rules.hogql.generated import BEGIN, END, SELECTED, evaluated, event, in_sandbox, rules, stored
from tests.rules.patterns import PATTERNS, TEXTS


def one(**condition: Any) -> dict[str, Any]:
    return {"type": "AND", "values": [{"type": "event", "operator": "exact"} | condition]}


def state(filters: dict[str, Any], properties: dict[str, Any], kind: str = "severity") -> int:
    states = States(kind)
    query = query_of(states, {"state": states.of(filters)}, SELECTED, BEGIN, END)
    [[_, found]] = in_sandbox(query.text, dict(query.values), [stored(properties, 1)])
    return found


def test_a_state_that_is_known_is_that_of_the_engine() -> None:
    chance = random.Random(5)
    events = [event(chance) for _ in range(60)]
    table = [stored(properties, number) for number, properties in enumerate(events, 1)]
    seen, wrong = list[int](), list[Any]()

    for kind, filters, query in rules(chance, 150):
        rows = in_sandbox(query.text, dict(query.values), table)
        for (_, found), properties in zip(rows, events, strict=True):
            seen.append(found)
            if found not in (UNKNOWN, evaluated(kind, filters, properties)):
                wrong.append((kind, filters, properties, found))

    assert wrong[:2] == []
    assert all(seen.count(one) > 300 for one in (MATCH, NO_MATCH, DISABLED))
    assert 0 < seen.count(UNKNOWN) < len(seen) / 10


def test_patterns_of_re2_match_as_rusts_do_where_they_decide() -> None:
    match, decided = FUNCTIONS["match"], 0
    for pattern in PATTERNS:
        try:
            ours = regex_pattern(pattern)
        except NotTranslatableError:
            continue
        for text in TEXTS:
            if not (ours.undecided and match(text, ours.undecided)):
                decided += 1
                assert match(text, ours.text) == Regex(pattern).is_match(text), (pattern, text)
    assert decided > 1000


@pytest.mark.parametrize(
    ("filters", "properties", "expected"),
    [
        (one(key="plan", value="null", operator="icontains"), {}, MATCH),
        (one(key="plan", value="5"), {"plan": 5}, MATCH),
        (one(key="plan", value="false"), {"plan": "anything"}, NO_MATCH),
        (one(key="plan", value=[False, True]), {"plan": "anything"}, MATCH),
        (one(key="plan", value=3, operator="gt"), {"plan": 4.5}, MATCH),
        (one(key="plan", value=3, operator="gt"), {"plan": "4.5"}, DISABLED),
        (one(key="plan", value=3, operator="gt"), {}, DISABLED),
        (one(key="plan", value="1.5", operator="icontains"), {"plan": 1.5}, UNKNOWN),
        (one(key="plan", value="'a'", operator="icontains"), {"plan": ["a"]}, UNKNOWN),
        (one(key="plan", value=1), {"plan": 2**64}, UNKNOWN),
        (one(key="$exception_values", value="\\w", operator="regex"), {"$exception_values": ["ä"]}, UNKNOWN),
        (one(key="$exception_values", value="ä_", operator="icontains"), {"$exception_values": ["Äx"]}, MATCH),
        (one(key="$exception_values", value="ä_", operator="icontains"), {"$exception_values": ["Ä\n"]}, NO_MATCH),
        (one(key="$exception_values", value="a", operator="icontains"), {"$exception_values": ["x"] * 500}, UNKNOWN),
        (one(key="$exception_values", value="a", operator="is_set"), {}, UNKNOWN),
        (one(key="big", value="x", operator="icontains"), {"big": "y" * 2**20}, UNKNOWN),
    ],
)
def test_values_of_every_type(filters: dict[str, Any], properties: dict[str, Any], expected: int) -> None:
    assert state(filters, properties) == expected


def test_a_rule_sees_what_its_kind_sees() -> None:
    filters = one(key="$exception_issue_id", value="is_set", operator="is_set")
    properties = {"$exception_issue_id": "x"}
    assert [state(filters, properties, kind) for kind in ("severity", "suppression")] == [MATCH, NO_MATCH]


@pytest.mark.parametrize(
    ("filters", "kind", "why"),
    [
        (one(key="a", value="x", type="person"), "severity", "a condition of type person is not counted"),
        (
            one(key="$virt_is_bot", value="x"),
            "severity",
            "stored events do not show the $virt_is_bot that the rule reads",
        ),
        (one(key="$exception_fingerprint", value="x"), "grouping", "the $exception_fingerprint that the rule reads"),
        (one(key="a", value="1.2", operator="semver_eq"), "severity", "the operator semver_eq is not counted"),
        (one(key="a", value=2**60), "severity", "or a number that the database holds exactly"),
        (one(key="a", value="\u03c3", operator="icontains_multi"), "severity", "depends on its neighbours"),
        (one(key="a", value="a{2000}", operator="regex"), "severity", "repeats more than 1,000 times"),
        (one(key="a", value="x" * 30_000, operator="icontains"), "severity", "a value is too long"),
        (one(key="$exception_types", value=["x"] * 125), "severity", "more steps than PostHog gives a rule"),
    ],
)
def test_what_the_database_evaluates_otherwise_is_not_translated(filters: dict[str, Any], kind: str, why: str) -> None:
    with pytest.raises(NotTranslatableError, match=why.replace("$", "\\$")):
        States(kind).of(filters)


def test_no_value_stands_in_the_text_of_a_query() -> None:
    filters = one(key="k') OR 1 = 1 --", value=["'; DROP", "{v0}", "\\"])
    states = States("severity")
    query = query_of(states, {"state": states.of(filters)}, SELECTED, BEGIN, END)

    assert all(part not in query.text for part in ("DROP", "--", "\\"))
    assert {"k') OR 1 = 1 --", "'; DROP", "{v0}", "\\"} < set(query.values.values())
