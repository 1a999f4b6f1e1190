"""Evaluation of filters where the vectors do not look: operators, types, capacity, kinds of rules, order, sampling."""

from typing import Any

import pytest

from mcp_errortracking.rules.events import Event, seen_by
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.rules.order import Placed, first, is_dropped
from mcp_errortracking.rules.trial import run_trial

TYPES, VALUES, SOURCES = "$exception_types", "$exception_values", "$exception_sources"
MATCHES: dict[str, Any] = {"type": "AND", "values": []}


def condition(key: str, operator: str | None, value: Any = None, kind: str = "event") -> dict[str, Any]:
    return {"key": key, "type": kind, "operator": operator, "value": value}


def group(*values: dict[str, Any], join: str = "AND") -> dict[str, Any]:
    return {"type": join, "values": list(values)}


def outcome(filters: dict[str, Any], properties: dict[str, Any], kind: str | None = None) -> tuple[str, str]:
    found = Rule(filters, kind).match(Event(properties))
    return found.kind, found.why


EVENT: dict[str, Any] = {
    "text": "Error in C:\\app\\main.js",
    "number": 4,
    "whole": 4.0,
    "yes": True,
    "one": 1,
    "list": ["a", "it's"],
    "object": {"k": [1, None, 1.5]},
    "version": "app/1.10.2-rc",
    "lines": "first\nsecond",
    TYPES: ["TypeError", "Error"],
    VALUES: ["Stra\u00dfe 7"],
    SOURCES: [],
}


@pytest.mark.parametrize(
    ("key", "operator", "value", "expected"),
    [
        ("text", None, EVENT["text"], "match"),
        ("number", "exact", "4.0", "match"),
        ("number", "exact", " 4", "no_match"),
        ("number", "exact", "4_0", "no_match"),
        ("whole", "exact", 4, "match"),
        ("yes", "exact", 1, "match"),
        ("yes", "exact", "TRUE", "match"),
        ("one", "exact", True, "no_match"),
        ("one", "is_cleaned_path_exact", True, "match"),
        ("yes", "is_not", "banana", "match"),
        ("list", "exact", "a", "no_match"),
        ("missing", "exact", ["a", "b"], "no_match"),
        ("missing", "not_in", ["a", "b"], "match"),
        ("list", "icontains", "['A', 'it\\\\'S']", "match"),
        ("object", "icontains", "{'k': [1, null, 1.5]}", "match"),
        ("whole", "regex", "^4$", "match"),
        ("text", "icontains", "C:\\\\app\\\\main", "match"),
        ("text", "icontains", "app\\main", "match"),
        ("text", "icontains", "main.js\\", "no_match"),
        ("text", "icontains", "error%MAIN", "match"),
        ("text", "icontains", "main%error", "no_match"),
        ("lines", "icontains", "first_second", "no_match"),
        ("lines", "icontains", "first%second", "match"),
        ("lines", "regex", "first.second", "no_match"),
        ("lines", "regex", "first$", "no_match"),
        ("text", "icontains", [], "no_match"),
        ("text", "not_icontains", ["x", "main"], "no_match"),
        ("text", "icontains_multi", "MAIN", "match"),
        ("text", "regex", "", "no_match"),
        ("text", "not_regex", "", "match"),
        ("text", "not_regex", ["x", "Error"], "no_match"),
        ("missing", "not_regex", "null", "no_match"),
        ("missing", "is_not_set", None, "match"),
        ("number", "between", [4, 5], "match"),
        ("number", "not_between", [4, 5], "no_match"),
        ("number", "gt", [9, 3], "match"),
        ("version", "semver_eq", "v1.10.2", "match"),
        ("version", "semver_neq", "1.10", "match"),
        ("number", "semver_eq", "latest", "match"),
        ("version", "semver_eq", 1.1, "no_match"),
        (VALUES, "icontains", "STRA\u1e9eE", "match"),
        (VALUES, "regex", r"\w+e \d", "match"),
        (TYPES, "is_not", ["TypeError", "Error"], "no_match"),
        (TYPES, "not_icontains", ["typeerror", "x"], "match"),
        (TYPES, "not_regex", ["Type", "^Error"], "match"),
        (TYPES, "exact", None, "refused"),
        ("number", "between", [5, 4], "refused"),
        ("number", "in", [4], "refused"),
        ("number", "like", "4", "refused"),
        ("number", "is_date_exact", "2026-01-01", "refused"),
        ("version", "semver_wildcard", "x.*", "refused"),
        ("text", "starts_with", "E", "unknown"),
        ("text", "regex", "(?R)a", "unknown"),
        ("text", "regex", 5, "disabled"),
        ("version", "semver_gt", "1.0.0", "disabled"),
        ("version", "semver_tilde", "1.0", "disabled"),
        ("number", "between", ["1", "9"], "disabled"),
        ("text", "lt", 5, "disabled"),
        ("yes", "gt", 0, "disabled"),
        (TYPES, "gt", 1, "disabled"),
        (SOURCES, "gt", 1, "no_match"),
        (SOURCES, "regex", "(", "no_match"),
        ("$exception_functions", "is_set", None, "disabled"),
        ("$elements_chain", "exact", "a", "disabled"),
    ],
)
def test_operators(key: str, operator: str | None, value: Any, expected: str) -> None:
    assert outcome(group(condition(key, operator, value)), EVENT)[0] == expected


@pytest.mark.parametrize(
    ("kind", "expected", "words"),
    [
        ("feature", "match", ""),
        ("error_tracking_issue", "match", ""),
        ("flag", "disabled", "expected a boolean value"),
        ("group", "disabled", "Unknown Global: group"),
        ("log_entry", "disabled", "Unknown Global: log_entry"),
        ("revenue_analytics", "refused", "revenue_analytics"),
        ("hogql", "unknown", "expression"),
        ("behavioral", "unknown", "behavioral"),
    ],
)
def test_types_of_filters(kind: str, expected: str, words: str) -> None:
    found = outcome(group(condition("number", "exact", 4, kind)), EVENT)

    assert (found[0], words in found[1]) == (expected, True)


def test_a_known_outcome_counts_more_than_one_that_is_not_known() -> None:
    expression = condition("1 = 1", None, None, "hogql")
    assert outcome(group(expression, condition("number", "exact", 5)), EVENT)[0] == "unknown"
    assert outcome(group(expression, condition("missing", "gt", 5)), EVENT)[0] == "disabled"
    assert outcome(group(expression, condition("a", "in", "b")), EVENT)[0] == "refused"


@pytest.mark.parametrize(
    "filters", [None, [], {}, {"type": "XOR", "values": []}, group({"values": 3}), group({"key": 1})]
)
def test_filters_of_another_form_are_refused(filters: Any) -> None:
    assert outcome(filters, EVENT)[0] == "refused"


def test_groups_that_are_constant() -> None:
    empty, four = {"type": "empty"}, condition("number", "exact", 4)
    assert outcome(group(group(empty), group()), EVENT)[0] == "match"
    assert outcome(group(group(), four), EVENT)[0] == "match"
    assert outcome(group(empty, condition("number", "exact", 5)), EVENT)[0] == "no_match"
    assert outcome(group(empty, condition("number", "exact", 5), join="OR"), EVENT)[0] == "match"
    assert outcome(group(group(condition("number", "exact", []))), EVENT)[0] == "disabled"
    for kind in ("grouping", "bypass"):
        assert outcome(MATCHES, EVENT, kind)[0] == "refused"
    for kind in ("assignment", "suppression", "severity"):
        assert outcome(MATCHES, EVENT, kind)[0] == "match"


@pytest.mark.parametrize(
    ("filters", "properties", "expected"),
    [
        (group(condition(TYPES, "exact", [str(one) for one in range(120)])), EVENT, "no_match"),
        (group(condition(TYPES, "exact", [str(one) for one in range(121)])), EVENT, "Stack overflow"),
        (group(condition(TYPES, "icontains", [f"#{one}" for one in range(118)])), EVENT, "no_match"),
        (group(condition(TYPES, "icontains", [f"#{one}" for one in range(119)])), EVENT, "Stack overflow"),
        (group(condition("text", "icontains", [f"#{one}" for one in range(126)])), EVENT, "no_match"),
        (group(condition("text", "icontains", [f"#{one}" for one in range(127)])), EVENT, "Stack overflow"),
        (group(*[condition(TYPES, "exact", "x")] * 119), EVENT, "no_match"),
        (group(*[condition(TYPES, "exact", "x")] * 120), EVENT, "Stack overflow"),
        (group(*[condition(SOURCES, "regex", "x")] * 10), {SOURCES: ["a"] * 42}, "no_match"),
        (group(*[condition(SOURCES, "regex", "x")] * 10), {SOURCES: ["a"] * 43}, "Out of steps"),
        (group(*[condition(SOURCES, "regex", "a")] * 10), {SOURCES: ["a"] * 43}, "match"),
        (group(*[condition(SOURCES, "regex", "x")] * 50), {SOURCES: ["a"] * 7}, "no_match"),
        (group(*[condition(SOURCES, "regex", "x")] * 50), {SOURCES: ["a"] * 8}, "Out of steps"),
        (group(condition("big", "icontains", "x")), {"big": "a" * 2**20}, "no_match"),
        (group(condition("big", "icontains", "x")), {"big": "a" * (2**20 + 1)}, "Out of resource"),
        (group(*[condition("big", "icontains", "x")] * 2), {"big": "a" * 600_000}, "unknown"),
    ],
)
def test_capacity(filters: dict[str, Any], properties: dict[str, Any], expected: str) -> None:
    kind, why = outcome(filters, properties)
    if expected.startswith("Out of steps"):
        assert (kind, why.startswith(expected)) == ("no_match", True)
    else:
        assert kind == expected or (kind, why.startswith(expected)) == ("disabled", True)


def test_json_that_nests_too_deep() -> None:
    deep: Any = "x"
    for _ in range(70):
        deep = [deep]
    assert outcome(group(condition("deep", "icontains", "x")), {"deep": deep})[0] == "disabled"


def test_properties_of_the_kinds() -> None:
    given = {"$issue_name": "a", "$exception_issue_id": "1", "lib": "web"}
    assert seen_by("assignment", given) == {"$exception_issue_id": "1", "lib": "web"}
    assert seen_by("bypass", given) == {"$issue_name": "a", "$exception_issue_id": None, "lib": "web"}


@pytest.mark.parametrize(
    ("rate", "number", "dropped"),
    [
        (1, 9999, True),
        (0, 0, False),
        (-1, 0, False),
        (0.5, 4999, True),
        (0.5, 5000, False),
        (0.57, 5698, True),
        (0.57, 5699, False),  # 0.57 * 10000 is a little less than 5700
        (0.00001, 10_000, False),
    ],
)
def test_the_bucket_is_the_uuids(rate: float, number: int, dropped: bool) -> None:
    assert is_dropped(rate, f"00000000-0000-0000-0000-{number:012x}") is dropped
    if 0 < rate < 1:
        assert is_dropped(rate, None) is None
        assert is_dropped(rate, "x") is None


def test_order() -> None:
    event = Event(EVENT)
    yes, no = Rule(MATCHES), Rule(group(condition("number", "exact", 5)))
    fails, unknown = Rule(group(condition("missing", "gt", 5))), Rule(group(condition("1", None, None, "hogql")))
    late = Placed("late", yes, 9)

    assert first([late, Placed("no", no, 0), Placed("early", yes, 1)], event).by == "early"
    failed = first([late, Placed("fails", fails, 1)], event)
    assert (failed.by, list(failed.disabled)) == ("late", ["fails"])
    assert first([late, Placed("unknown", unknown, 1)], event).outcome.kind == "unknown"
    assert first([Placed("no", no)], event).outcome.kind == "no_match"
    assert first([late, Placed("nobody", yes, 1, takes_nothing=True)], event).by == "late"
    tied = first([Placed("a", yes, 1), Placed("b", yes, 1), Placed("c", no, 1)], event)
    assert (tied.by, tied.outcome.kind) == (None, "match")
    assert tied.outcome.why == "a or b: PostHog does not define which runs first"
    assert first([Placed("a", yes, 1, ("2026", "a")), Placed("b", yes, 1, ("2025", "b"))], event).by == "b"


def test_suppression_goes_on_to_the_rule_that_drops() -> None:
    event, yes = Event(EVENT), Rule(MATCHES)
    rules = [Placed("tenth", yes, 0, sampling_rate=0.1), Placed("half", yes, 1, sampling_rate=0.5)]

    assert first(rules, event, "00000000-0000-0000-0000-000000000001").by == "tenth"
    assert first(rules, event, "00000000-0000-0000-0000-000000000fa0").by == "half"
    assert first(rules, event, "00000000-0000-0000-0000-000000001fa0").outcome.kind == "no_match"
    assert first(rules, event).outcome.kind == "unknown"


def test_kinds_that_differ_are_not_answered_as_one() -> None:
    line = {"id": 1, "filters": MATCHES, "properties": {}}

    assert run_trial({**line, "rule_kinds": ["assignment", "severity"]})["outcome"] == "match"
    assert run_trial({**line, "kind": "bypass"})["outcome"] == "refused"
    assert run_trial({**line, "rule_kinds": ["grouping", "bypass"]})["outcome"] == "refused"
    differing = run_trial({**line, "rule_kinds": ["assignment", "bypass"]})
    assert (differing["outcome"], differing["message"]) == ("unknown", "the kinds of rules differ: give one kind")
