"""Calls that PostHog's own client takes, and that mean the same here."""

from typing import Any

import pytest

from mcp_errortracking.catalog import CATALOG, Endpoint
from mcp_errortracking.server.arguments import ArgumentsError, notes_on_arguments, parse_arguments

RULE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
FILTERS: dict[str, Any] = {"type": "AND", "values": [{"key": "$browser", "operator": "exact", "value": "Chrome"}]}


def sent_by(tool: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the query and the body of a call's request."""
    call = parse_arguments(CATALOG[tool], arguments)
    assert isinstance(call, Endpoint)
    request = call.request()
    return dict(request.query or {}), dict(request.json or {})


def refusal(tool: str, arguments: dict[str, Any]) -> str:
    """Return the words of the refusal of a call."""
    with pytest.raises(ArgumentsError) as refused:
        parse_arguments(CATALOG[f"error-tracking-{tool}"], arguments)
    return str(refused.value)


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        (
            "query-error-tracking-issues-list",
            {"searchQuery": "null", "url": "null", "library": "null", "release": "[1]"},
        ),
        ("query-error-tracking-issues-list", {"library": "[1]", "fingerprint": '{"a": 1}'}),
        ("error-tracking-symbol-sets-list", {"search": "null", "ref": "[1]"}),
        ("error-tracking-grouping-rules-create", {"filters": FILTERS, "description": "null"}),
        ("error-tracking-grouping-rules-create", {"filters": FILTERS, "description": ""}),
        ("error-tracking-alerts-partial-update", {"id": RULE, "enabled": True, "description": ""}),
    ],
)
def test_a_text_is_sent_as_it_is(tool: str, given: dict[str, Any]) -> None:
    call = parse_arguments(CATALOG[tool], given)

    assert isinstance(call, Endpoint)
    request = call.request()
    held = {**(request.query or {}), **(request.json or {})}
    assert {name: held.get(name) for name in given if name not in ("id", "filters")} == {
        name: value for name, value in given.items() if name not in ("id", "filters")
    }


def test_a_list_of_names_in_a_text_is_read() -> None:
    (_, body) = sent_by("query-error-tracking-issues-list", {"library": '["web", "posthog-python"]', "fingerprint": []})

    assert body == {"limit": 25, "library": ["web", "posthog-python"]}


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({"date_from": None, "date_to": None}, {}),
        ({"date_from": "", "date_to": " "}, {}),
        ({"date_from": "-30d", "date_to": "null"}, {"date_from": "-30d"}),
    ],
)
def test_blank_dates_count_as_not_given(given: dict[str, Any], held: dict[str, Any]) -> None:
    for tool in ("query-error-tracking-issues-list", "query-error-tracking-issue", "query-error-tracking-issue-events"):
        issue = {} if tool.endswith("list") else {"issueId": RULE}
        (_, body) = sent_by(tool, {**issue, "dateRange": given})
        assert body["dateRange"] == held, tool


def test_is_set_has_the_value_that_queries_demand_and_rules_do_not() -> None:
    condition = {"key": "$browser", "operator": "is_set", "type": "event"}
    (_, query) = sent_by("query-error-tracking-issues-list", {"filterGroup": [condition]})
    (_, rule) = sent_by("error-tracking-bypass-rules-create", {"filters": {"type": "AND", "values": [condition]}})

    assert query["filterGroup"] == [{**condition, "value": "is_set"}]
    assert rule["filters"]["values"] == [condition]


@pytest.mark.parametrize("tool", ["suppression-rules-create", "bypass-rules-create", "grouping-rules-update"])
def test_filters_without_their_wrapper_are_put_into_it(tool: str) -> None:
    given = {"id": RULE} if tool.endswith("update") else {}
    (_, body) = sent_by(f"error-tracking-{tool}", {**given, **FILTERS})

    assert body == {"filters": {**FILTERS, "values": [{**FILTERS["values"][0], "type": "event"}]}}


def test_other_loose_members_are_refused() -> None:
    assert "- value: unknown argument" in refusal("bypass-rules-create", {"type": "AND", "value": []})
    assert "- values: unknown argument" in refusal(
        "bypass-rules-update", {"id": RULE, "filters": FILTERS, "values": []}
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"type": "cohort", "value": 3},
        {"type": "static-cohort", "value": 3, "operator": "in"},
        {"type": "dynamic-cohort", "value": 3, "operator": "not_in"},
        {"type": "precalculated-cohort", "value": 3},
    ],
)
def test_a_cohort_needs_no_key(condition: dict[str, Any]) -> None:
    (_, body) = sent_by("query-error-tracking-issues-list", {"filterGroup": [condition]})

    assert body["filterGroup"] == [{**condition, "key": "id"}]


def test_every_member_of_a_behavioral_condition_is_sent() -> None:
    condition = {
        "type": "behavioral",
        "key": "$pageview",
        "value": "performed_event",
        "event_type": "events",
        "negation": False,
        "operator": "gte",
        "operator_value": 2,
        "time_value": 7,
        "time_interval": "day",
        "event_filters": [{"key": "$browser", "type": "event", "operator": "exact", "value": "Chrome"}],
        "explicit_datetime": "-7d",
        "explicit_datetime_to": None,
    }
    (_, body) = sent_by("error-tracking-bypass-rules-create", {"filters": {"type": "AND", "values": [condition]}})

    assert body["filters"]["values"] == [condition]


@pytest.mark.parametrize(
    ("tool", "limit", "held", "notes"),
    [
        ("error-tracking-assignment-rules-list", 50_000, 10_000, 1),
        ("error-tracking-symbol-sets-list", 101, 100, 1),
        ("error-tracking-symbol-sets-list", "100", 100, 0),
        ("query-error-tracking-issues-list", 500, 100, 1),
    ],
)
def test_a_limit_above_the_most_is_the_most(tool: str, limit: Any, held: int, notes: int) -> None:
    query, body = sent_by(tool, {"limit": limit})
    call = parse_arguments(CATALOG[tool], {"limit": limit})

    assert {**query, **body}["limit"] == held
    said = [f"limit: {held} is the most for one call; it was sent instead."]
    assert notes_on_arguments(call, {"limit": limit}) == said * notes


def test_verbosity_of_older_tools_is_read_by_both_ages_of_posthog() -> None:
    (_, stack) = sent_by("query-error-tracking-issue-events", {"issueId": RULE, "verbosity": "stack"})
    (_, both) = sent_by(
        "query-error-tracking-issue-events", {"issueId": RULE, "verbosity": "raw", "include": ["release"]}
    )

    assert stack == {"issueId": RULE, "include": ["exception", "stacktrace"], "verbosity": "stack"}
    assert both == {"issueId": RULE, "include": ["release"], "verbosity": "raw"}
