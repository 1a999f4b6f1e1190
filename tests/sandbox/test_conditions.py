"""Property filters: which events each operator lets through."""

from typing import Any

import pytest

from mcp_errortracking.sandbox.conditions import read_conditions
from tests.rules.vectors import VECTORS

EVENT: dict[str, Any] = {
    "timestamp": "2026-11-20T10:00:00.000000Z",
    "distinct_id": "a@b.example",
    "person_id": "p1",
    "properties": {
        "$browser": "Chrome",
        "$exception_types": ["TypeError", "RangeError"],
        "count": 12,
        "flag": True,
        "version": "1.12.3",
        "seen": "2026-11-20T10:00:00Z",
        "$feature/new-cart": "test",
    },
    "person": {"email": "a@b.example"},
    "issue": {"id": "i1", "severity": "high", "name": "TypeError", "description": "boom"},
}


def holds(*conditions: dict[str, Any]) -> bool:
    return all(test(EVENT) for test in read_conditions(list(conditions)))


@pytest.mark.parametrize(
    ("key", "operator", "value", "expected"),
    [
        ("$browser", "exact", "chrome", False),
        ("$browser", "exact", "Chrome", True),
        ("$browser", "exact", ["Safari", "Chrome"], True),
        ("$browser", "exact", "Chro", False),
        ("$browser", None, "Chrome", True),
        ("$browser", "in", ["Chrome"], True),
        ("$browser", "not_in", ["Chrome"], False),
        ("$browser", "is_not", "Chrome", False),
        ("$browser", "is_not", ["Safari"], True),
        ("missing", "is_not", "x", True),
        ("missing", "exact", "x", False),
        ("missing", "is_set", None, False),
        ("missing", "is_not_set", None, True),
        ("$browser", "is_set", None, True),
        ("$browser", "icontains", "HRO", True),
        ("$browser", "not_icontains", "HRO", False),
        ("$browser", "icontains_multi", ["x", "hro"], True),
        ("$browser", "not_icontains_multi", ["x", "y"], True),
        ("$browser", "starts_with", "chr", True),
        ("$browser", "not_starts_with", "chr", False),
        ("$browser", "ends_with", "ome", True),
        ("$browser", "not_ends_with", "x", True),
        ("$browser", "regex", "^Chr", True),
        ("$browser", "regex", "^chr", False),
        ("$browser", "not_regex", "^chr", True),
        ("$exception_types", "exact", "RangeError", True),
        ("$exception_types", "is_not", "RangeError", True),
        ("$exception_types", "is_not", ["RangeError", "TypeError"], False),
        ("$exception_types", "not_icontains", "range", True),
        ("$exception_types", "not_icontains", "error", False),
        ("$exception_types", "is_set", None, True),
        ("$exception_types", "is_not_set", None, False),
        ("$exception_sources", "is_not", "x", False),
        ("$exception_sources", "is_not_set", None, False),
        ("$browser", "icontains", "c_RO%e", True),
        ("$browser", "icontains", "c\\_rome", False),
        ("$browser", "icontains", ["c_rome", "x"], False),
        ("missing", "icontains", "null", False),
        ("missing", "not_regex", "x", True),
        ("$exception_types", "icontains", "range", True),
        ("$exception_types", "exact", "Error", False),
        ("count", "gt", 9, True),
        ("count", "gt", "9", True),
        ("count", "gte", 12, True),
        ("count", "lt", 12, False),
        ("count", "lte", "12", True),
        ("count", "min", 13, False),
        ("count", "max", 13, True),
        ("count", "between", [10, 12], True),
        ("count", "between", [13, 20], False),
        ("count", "not_between", [13, 20], True),
        ("$browser", "gt", "Brave", True),
        ("flag", "exact", True, True),
        ("flag", "exact", "true", True),
        ("version", "semver_eq", "1.12.3", True),
        ("version", "semver_neq", "1.12.3", False),
        ("version", "semver_gt", "1.9.0", True),
        ("version", "semver_gte", "1.12.3", True),
        ("version", "semver_lt", "1.9.0", False),
        ("version", "semver_lte", "1.12.3", True),
        ("version", "semver_tilde", "1.12.0", True),
        ("version", "semver_tilde", "1.11.0", False),
        ("version", "semver_caret", "1.2.0", True),
        ("version", "semver_caret", "0.12.3", False),
        ("version", "semver_wildcard", "1.12.*", True),
        ("version", "semver_wildcard", "1.2.*", False),
        ("$browser", "semver_gt", "1.0.0", False),
        ("seen", "is_date_exact", "2026-11-20", True),
        ("seen", "is_date_before", "2026-11-20T11:00:00Z", True),
        ("seen", "is_date_after", "2026-11-20T11:00:00Z", False),
        ("$browser", "is_date_after", "2026-11-20", False),
    ],
)
def test_operators(key: str, operator: str | None, value: Any, expected: bool) -> None:
    assert holds({"key": key, "type": "event", "operator": operator, "value": value}) is expected


@pytest.mark.parametrize(
    ("kind", "key", "value", "expected"),
    [
        ("person", "email", "a@b.example", True),
        ("person", "plan", "x", False),
        ("event_metadata", "distinct_id", "a@b.example", True),
        ("feature", "new-cart", "test", True),
        ("feature", "$feature/new-cart", "control", False),
        ("error_tracking_issue", "severity", "high", True),
        ("error_tracking_issue", "issue_description", "boom", True),
        ("cohort", "id", 3, False),
        ("session", "$session_duration", 3, False),
        ("empty", "", None, True),
    ],
)
def test_kinds_of_properties(kind: str, key: str, value: Any, expected: bool) -> None:
    assert holds({"key": key, "type": kind, "operator": "exact", "value": value}) is expected


def test_all_conditions_must_hold() -> None:
    chrome = {"key": "$browser", "value": "Chrome"}
    assert holds()
    assert holds(chrome, {"key": "count", "operator": "gt", "value": 1})
    assert not holds(chrome, {"key": "count", "operator": "gt", "value": 99})
    assert read_conditions(None) == []


COUNTED_OTHERWISE = {
    "scalar-icontains-null-on-missing": "a count does not read a missing property as the text null",
    "scalar-regex-any-char-on-missing": "a count does not read a missing property as the text null",
    "gt-text-threshold-disables": "a count compares numbers and numeric texts",
    "gt-missing-property-disables": "a count takes a missing number for no match",
    "no-short-circuit-in-and": "a count takes a missing number for no match",
    "exact-text-against-false-is-true": "a count compares texts as they are",
    "empty-value-list-disables": "a query with it is not a rule",
    "cohort-refused": "queries know cohorts",
    "person-property-disables": "queries know persons",
    "regex-lookahead-disables": "RE2 refuses the whole query",
}
"""Rule contract 3.3: where the server's count and the rule differ."""


def flat(group: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The conditions of a rule that a query can ask for: AND at every depth."""
    conditions = list[dict[str, Any]]()
    for value in group["values"]:
        inner = flat(value) if "values" in value else [value]
        if inner is None:
            return None
        conditions += inner
    return conditions if group["type"] == "AND" or len(conditions) < 2 else None


def test_counts_agree_with_the_rules_of_the_vectors_where_the_contract_says_so() -> None:
    compared = list[str]()
    for vector in VECTORS:
        conditions = flat(vector["filters"]) if "filters" in vector else None
        if conditions is None or vector["id"] in COUNTED_OTHERWISE:
            continue
        event = {**EVENT, "properties": vector["properties"]}
        assert all(test(event) for test in read_conditions(conditions)) == (vector["expect"] == "match"), vector["id"]
        compared.append(vector["id"])
    assert len(compared) == 25
    assert set(COUNTED_OTHERWISE) <= {vector["id"] for vector in VECTORS}
