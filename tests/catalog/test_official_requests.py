"""Our requests beside those of PostHog's own client, for the same arguments of the same tools; and our refusals.

The recordings are made by `python -m tests.catalog.record_official`. What differs stands in the tables below.
"""

import json
from collections.abc import Sequence
from typing import Any, cast

import pytest

from mcp_errortracking.catalog import CATALOG, Endpoint, Request
from mcp_errortracking.server.arguments import ArgumentsError, parse_arguments
from tests.catalog.official_arguments import ACCEPTED, ID, OTHER, REFUSED, TRIGGER, Arguments
from tests.catalog.record_official import REFUSALS, REQUESTS

REQUESTS_SEEN: list[dict[str, Any]] = json.loads(REQUESTS.read_text("utf-8"))
REFUSALS_SEEN: list[dict[str, Any]] = json.loads(REFUSALS.read_text("utf-8"))

# What PostHog takes for given where a request does not say it (contract 3.3, 6): the official client always says it.
DEFAULTS: dict[str, dict[str, Any]] = {
    "error_tracking/assignment_rules/": {"order_key": 0},
    "error_tracking/severity_rules/": {"order_key": 0},
    "error_tracking/suppression_rules/": {"sampling_rate": 1},
    "error_tracking/symbol_sets/": {"status": "all"},
    "error_tracking/query/issues/": {
        "status": "active",
        "filterTestAccounts": True,
        "orderBy": "occurrences",
        "orderDirection": "DESC",
        "offset": 0,
        "volumeResolution": 0,
    },
    "error_tracking/query/issue/": {"filterTestAccounts": True, "volumeResolution": 0, "includeSparkline": False},
    "error_tracking/query/issue_events/": {
        "filterTestAccounts": True,
        "orderDirection": "DESC",
        "limit": 1,
        "offset": 0,
        "onlyAppFrames": True,
    },
}

# What we say and the official client leaves out: PostHog would make a
# destination that is off and that nothing sets off, and older ones list destinations alone.
SAID_BY_OURS: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "hog_functions/"): {"type": "internal_destination"},
    ("POST", "hog_functions/"): {"type": "internal_destination", "enabled": True},
}

# An answer that fits each look before a write, and each look after it.
ANSWER: dict[str, Any] = {
    "id": ID,
    "success": True,
    "results": [],
    "new_issue_ids": [OTHER],
    "filters": {"events": [{"id": "$error_tracking_issue_created", "type": "events"}]},
}

_NOTHING = "an update of nothing says so"
_NO_UUID = "an id that is no UUID is explained before PostHog refuses it"
_TRUTH = "a word that means true is understood"
_EMPTY = "an empty text counts as not given: some clients send one for each argument that is left out"

REFUSED_BY_OURS: list[tuple[str, Arguments, str]] = [
    (
        "error-tracking-alerts-partial-update",
        {"id": ID, "name": None, "masking": None},
        "an alert without a name is told from no other",
    ),
    ("error-tracking-issues-assign-partial-update", {"id": ID}, "whether to unassign should be said"),
    ("error-tracking-issues-merge-create", {"id": ID, "ids": [ID]}, "an issue cannot be merged into itself"),
    ("error-tracking-issues-merge-create", {"id": ID, "ids": []}, "PostHog refuses it"),
    ("error-tracking-issues-merge-create", {"id": ID, "ids": ["x"]}, _NO_UUID),
    ("error-tracking-issues-partial-update", {"id": ID}, _NOTHING),
    ("error-tracking-issues-partial-update", {"id": ID, "description": "", "name": ""}, f"{_EMPTY}; null removes"),
    ("error-tracking-issues-split-create", {"id": ID}, "a split of nothing does nothing"),
    ("error-tracking-issues-split-create", {"id": ID, "fingerprints": []}, "a split of nothing does nothing"),
    ("error-tracking-settings-update", {}, _NOTHING),
    ("error-tracking-suppression-rules-create", {}, "whether to drop every exception should be said"),
    (
        "error-tracking-external-references-create",
        {"integration_id": 3, "issue": "x", "config": {"title": "t"}},
        _NO_UUID,
    ),
    *(
        (tool, given, "PostHog answers an error to a cohort in a rule")
        for tool, given in ACCEPTED
        if '"type": "cohort"' in json.dumps(given)
    ),
    ("query-error-tracking-issue", {"issueId": "x"}, _NO_UUID),
    ("query-error-tracking-issues-list", {"personId": "me"}, _NO_UUID),
]
"""Calls that the official client sends and ours refuses, with the reason."""

TAKEN_BY_OURS: list[tuple[str, Arguments, str]] = [
    ("error-tracking-alerts-create", {"filters": TRIGGER, "enabled": "yes"}, _TRUTH),
    ("error-tracking-alerts-create", {"filters": TRIGGER, "description": None}, "null means not given"),
    *(
        ("error-tracking-alerts-create", {"filters": TRIGGER, **given}, "PostHog looks into it, and explains it well")
        for given in (
            {"masking": {"ttl": 59, "hash": "x"}},
            {"masking": {"ttl": 60}},
            {"inputs_schema": [{"key": "a"}]},
            {"filters": {**TRIGGER, "source": "elsewhere"}},
        )
    ),
    ("error-tracking-alerts-list", {"enabled": "yes"}, _TRUTH),
    ("error-tracking-alerts-list", {"created_at": "yesterday"}, "PostHog reads dates"),
    ("error-tracking-alerts-partial-update", {"id": ID, "base_updated_at": "yesterday"}, "PostHog reads dates"),
    (
        "error-tracking-external-references-create",
        {"integration_id": 3, "issue": ID, "config": {"title": 5}},
        "a number is a title as well",
    ),
    *(("error-tracking-symbol-sets-list", {name: ""}, _EMPTY) for name in ("ref", "search", "order_by")),
    ("query-error-tracking-issue", {"issueId": ID, "includeSparkline": "yes"}, _TRUTH),
    ("query-error-tracking-issues-list", {"library": []}, "of no library: no filter"),
    ("query-error-tracking-issues-list", {"limit": 101}, "the most is sent, and a note says so"),
    ("query-error-tracking-issue-events", {"issueId": ID, "limit": 21}, "the most is sent, and a note says so"),
]
"""Calls that the official client refuses and ours takes, with the reason."""


def reason(entry: dict[str, Any], table: Sequence[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """The line of a table that is about a recorded call."""
    return next((line for line in table if line[:2] == (entry["tool"], entry["arguments"])), None)


def named(entry: dict[str, Any]) -> str:
    return f"{entry['tool']} {json.dumps(entry['arguments'])}"[:120]


def ours(tool: str, arguments: dict[str, Any]) -> list[Request]:
    """The requests of our call, without looks before and after a write, or after a query that found nothing."""
    call = cast("Endpoint", parse_arguments(CATALOG[tool], arguments))
    steps = call.steps()
    sent = [next(steps)]
    while True:
        try:
            sent.append(steps.send(ANSWER))
        except StopIteration:
            break
    writes = [request for request in sent if request.method != "GET"]
    return (sent[:1] if call.read_only else writes) or sent


def shape(method: str, path: str, query: Any, body: Any) -> dict[str, Any]:
    """A request with what PostHog would take for given left out: two that are the same here mean the same."""
    defaults = DEFAULTS.get(path, {}) if method in ("GET", "POST") else {}
    said = {name: _plain(name, value) for name, value in (body or {}).items() if defaults.get(name, _NONE) != value}
    if method == "POST":  # of a new thing, and of a question, null says no more than nothing does
        said = {name: value for name, value in said.items() if value is not None}
    asked = {name: _text(value) for name, value in (query or {}).items() if defaults.get(name) != value}
    return {
        "method": method,
        "path": path,
        "query": {name: text for name, text in asked.items() if text},  # an empty filter is none
        "body": None if body is None else said,
    }


_NONE = object()


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(name: str, value: Any) -> Any:
    """A value of a body, with the defaults of its parts."""
    if isinstance(value, list):
        return [_plain(name, one) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    plain = {inner: _plain(inner, one) for inner, one in cast("dict[str, Any]", value).items()}
    if name == "assignee":
        return {**plain, "id": int(plain["id"]) if str(plain["id"]).isdigit() else plain["id"]}
    if name == "inputs_schema":
        return {"required": False, "secret": False, "hidden": False} | plain
    if name == "filters" and "events" in plain:  # of an alert
        return {"source": "events"} | plain
    if name == "dateRange":
        return {part: date for part, date in plain.items() if date is not None}
    if "key" in plain:  # a property filter
        return {"type": "event", "operator": "exact"} | {part: one for part, one in plain.items() if one is not None}
    return plain


@pytest.mark.parametrize("entry", REQUESTS_SEEN, ids=named)
def test_ours_sends_what_the_official_client_sends(entry: dict[str, Any]) -> None:
    if reason(entry, REFUSED_BY_OURS):
        with pytest.raises(ArgumentsError):
            parse_arguments(CATALOG[entry["tool"]], entry["arguments"])
        return
    found = [shape(one.method, one.path, one.query, one.json) for one in ours(entry["tool"], entry["arguments"])]

    expected = [shape(one["method"], one["path"], one["query"], one["body"]) for one in entry["requests"]]
    for one in expected:
        said = SAID_BY_OURS.get((one["method"], one["path"]), {})
        place = "query" if one["method"] == "GET" else "body"
        one[place] = {**said, **one[place]} if said else one[place]
    assert found == expected


@pytest.mark.parametrize("entry", REFUSALS_SEEN, ids=named)
def test_ours_refuses_what_the_official_client_refuses(entry: dict[str, Any]) -> None:
    if reason(entry, TAKEN_BY_OURS):
        parse_arguments(CATALOG[entry["tool"]], entry["arguments"])
        return
    with pytest.raises(ArgumentsError) as refusal:
        parse_arguments(CATALOG[entry["tool"]], entry["arguments"])
    assert "nothing was sent" in str(refusal.value)


def test_the_recordings_are_of_these_arguments() -> None:
    for seen, wanted in ((REQUESTS_SEEN, ACCEPTED), (REFUSALS_SEEN, REFUSED)):
        assert [(one["tool"], one["arguments"]) for one in seen] == [(tool, given) for tool, given in wanted]
    assert len({one["tool"] for one in REQUESTS_SEEN}) == 32
    assert {one["tool"] for one in REQUESTS_SEEN} <= set(CATALOG)


def test_the_tables_name_recorded_calls_only() -> None:
    for seen, table in ((REQUESTS_SEEN, REFUSED_BY_OURS), (REFUSALS_SEEN, TAKEN_BY_OURS)):
        found = [reason(entry, table) for entry in seen]
        assert [line for line in table if line not in found] == []
