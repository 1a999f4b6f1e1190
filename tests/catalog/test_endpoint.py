"""From a declaration to a request: where each argument goes, and that none can change the endpoint."""

from typing import Any

import pytest

from mcp_errortracking.catalog import ALIASES, CATALOG, Endpoint
from mcp_errortracking.catalog.endpoint import as_object, as_objects

RULE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
FILTERS = {"type": "AND", "values": [{"key": "$browser", "type": "event", "operator": "exact", "value": ["Chrome"]}]}


def call(tool: str, **arguments: Any) -> Endpoint:
    return CATALOG[f"error-tracking-{tool}"].model_validate(arguments)


@pytest.mark.parametrize(
    ("tool", "arguments", "method", "path", "query", "json"),
    [
        ("assignment-rules-list", {}, "GET", "assignment_rules/", None, None),
        (
            "assignment-rules-list",
            {"limit": 5, "offset": 10},
            "GET",
            "assignment_rules/",
            {"limit": 5, "offset": 10},
            None,
        ),
        (
            "assignment-rules-create",
            {"filters": FILTERS, "assignee": {"type": "user", "id": 7}, "order_key": 3},
            "POST",
            "assignment_rules/",
            None,
            {"filters": FILTERS, "assignee": {"type": "user", "id": 7}, "order_key": 3},
        ),
        ("assignment-rules-retrieve", {"id": RULE}, "GET", f"assignment_rules/{RULE}/", None, None),
        (
            "assignment-rules-partial-update",
            {"id": RULE, "assignee": {"type": "role", "id": RULE.upper()}},
            "PATCH",
            f"assignment_rules/{RULE}/",
            None,
            {"assignee": {"type": "role", "id": RULE}},
        ),
        ("assignment-rules-destroy", {"id": RULE}, "DELETE", f"assignment_rules/{RULE}/", None, None),
        (
            "assignment-rules-reorder",
            {"orders": {RULE.upper(): 2}, "filters": {}, "order_key": 1, "disabled_data": {"x": 1}},
            "PATCH",
            "assignment_rules/reorder/",
            None,
            {"orders": {RULE: 2}},
        ),
        ("fingerprints-list", {"issue_id": RULE}, "GET", "fingerprints/", {"issue_id": RULE}, None),
        ("fingerprints-retrieve", {"id": RULE}, "GET", f"fingerprints/{RULE}/", None, None),
        ("symbol-sets-download-retrieve", {"id": RULE}, "GET", f"symbol_sets/{RULE}/download/", None, None),
        ("symbol-sets-bulk-delete", {"ids": [RULE]}, "POST", "symbol_sets/bulk_delete/", None, {"ids": [RULE]}),
        (
            "symbol-sets-bulk-start-upload",
            {
                "symbol_sets": [{"chunk_id": "c1", "release_id": RULE, "content_hash": "h", "content_length": 5}],
                "chunk_ids": ["c2"],
                "release_id": RULE,
                "force": True,
                "skip_on_conflict": False,
            },
            "POST",
            "symbol_sets/bulk_start_upload/",
            None,
            {
                "symbol_sets": [{"chunk_id": "c1", "release_id": RULE, "content_hash": "h", "content_length": 5}],
                "chunk_ids": ["c2"],
                "release_id": RULE,
                "force": True,
                "skip_on_conflict": False,
            },
        ),
        (
            "symbol-sets-bulk-finish-upload",
            {"content_hashes": {RULE: "h"}},
            "POST",
            "symbol_sets/bulk_finish_upload/",
            None,
            {"content_hashes": {RULE: "h"}},
        ),
    ],
)
def test_every_argument_goes_where_the_api_reads_it(
    tool: str, arguments: dict[str, Any], method: str, path: str, query: Any, json: Any
) -> None:
    request = call(tool, **arguments).request()

    assert (request.method, request.path) == (method, f"error_tracking/{path}")
    assert request.query == query
    assert request.json == json


def test_null_means_not_given() -> None:
    request = call("assignment-rules-partial-update", id=RULE, filters=None, assignee=None).request()

    assert request.json == {}


def test_an_event_filter_is_sent_as_posthogs_own_client_sends_it() -> None:
    request = call(
        "assignment-rules-create",
        filters={"type": "or", "values": [{"key": "a", "value": 1}, {"type": "AND", "values": [{"type": "empty"}]}]},
        assignee={"type": "user", "id": "12"},
    ).request()

    assert request.json == {
        "filters": {
            "type": "OR",
            "values": [
                {"key": "a", "type": "event", "operator": "exact", "value": 1},
                {"type": "AND", "values": [{"type": "empty"}]},
            ],
        },
        "assignee": {"type": "user", "id": 12},
    }


def test_filter_values_keep_their_types() -> None:
    values = ["x", 1, 1.5, True, ["x", 2, False]]
    filters = {"type": "AND", "values": [{"key": "k", "value": value} for value in values]}

    request = call("assignment-rules-create", filters=filters, assignee={"type": "user", "id": 1}).request()

    assert request.json is not None
    sent = [condition["value"] for condition in request.json["filters"]["values"]]
    assert [(type(value), value) for value in sent] == [(type(value), value) for value in values]


def test_the_declarations_agree_with_each_other() -> None:
    for name, endpoint in CATALOG.items():
        assert endpoint.tool == name
        assert len(name) <= 50
        assert endpoint.title
        assert endpoint.summary
        assert set(endpoint.path_parameters()) <= set(endpoint.model_fields)
        assert endpoint.read_only == all(scope.endswith(":read") for scope in endpoint.scopes)
        assert endpoint.read_only or endpoint.method != "GET"
        assert not (endpoint.read_only and endpoint.destructive)
    assert set(ALIASES.values()) <= set(CATALOG)
    assert not set(ALIASES) & set(CATALOG)


def test_posthogs_longer_names_mean_the_same_tools() -> None:
    rules = ("bypass", "grouping", "severity", "suppression")
    assert {
        **{f"error-tracking-{rule}-rules-partial-update": f"error-tracking-{rule}-rules-update" for rule in rules},
        **{
            f"error-tracking-{rule}-rules-reorder-partial-update": f"error-tracking-{rule}-rules-reorder"
            for rule in ("assignment", *rules)
        },
        "error-tracking-external-references-link-issue-create": "error-tracking-external-references-link",
        "error-tracking-external-references-search-issues-retrieve": "error-tracking-external-references-search",
        "error-tracking-symbol-sets-bulk-check-upload-create": "error-tracking-symbol-sets-bulk-check-upload",
        "error-tracking-symbol-sets-bulk-delete-create": "error-tracking-symbol-sets-bulk-delete",
        "error-tracking-symbol-sets-bulk-finish-upload-create": "error-tracking-symbol-sets-bulk-finish-upload",
        "error-tracking-symbol-sets-bulk-start-upload-create": "error-tracking-symbol-sets-bulk-start-upload",
    } == ALIASES


def test_answers_of_an_unexpected_shape_become_objects() -> None:
    assert as_object(None) == {}
    assert as_object([1]) == {"result": [1]}
    assert as_objects({"a": 1}) == []
    assert as_objects([{"a": 1}, 2, None]) == [{"a": 1}]
