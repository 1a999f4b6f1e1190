"""The filters of a rule that PostHog's schema accepts (contract 3.1)."""

from typing import Any

import pytest

from mcp_errortracking.sandbox.errors import ErrorAnswer
from mcp_errortracking.sandbox.filters import check_filters, has_condition

EVENT: dict[str, Any] = {"key": "$browser", "type": "event", "operator": "exact", "value": "Chrome"}


def one(**parts: Any) -> dict[str, Any]:
    return {"type": "AND", "values": [EVENT | parts]}


def exactly(**parts: Any) -> dict[str, Any]:
    return {"type": "AND", "values": [parts]}


@pytest.mark.parametrize(
    "filters",
    [
        {"type": "AND", "values": []},
        one(),
        one(label=None, value=["a", 1, True, None]),
        one(operator=None),
        exactly(key="$browser", value="x"),
        exactly(type="empty"),
        exactly(type="cohort", key="id", value=3, operator="in", cohort_name="Beta"),
        exactly(type="cohort", value=3),
        exactly(type="hogql", key="1 = 1"),
        exactly(type="flag", key="new-cart", operator="flag_evaluates_to", value=True),
        exactly(type="flag", key="new-cart", value="test"),
        exactly(type="group", key="name", operator="exact", value="a", group_type_index=0, group_key_names={"0": "b"}),
        exactly(type="element", key="selector", operator="exact", value="a"),
        exactly(type="behavioral", key="a", event_type="events", value="performed_event", negation=False),
        *(
            one(type=kind)
            for kind in (
                *("person", "person_metadata", "event_metadata", "session", "recording", "log_entry", "feature"),
                *("data_warehouse", "data_warehouse_person_property", "error_tracking_issue", "log", "log_attribute"),
                *("log_resource_attribute", "span", "span_attribute", "span_resource_attribute", "metric"),
                *("revenue_analytics", "workflow_variable", "metric_attribute", "account_custom_property"),
            )
        ),
        {"type": "OR", "values": [{"type": "AND", "values": [one(), {"type": "OR", "values": []}]}, EVENT]},
    ],
)
def test_taken(filters: dict[str, Any]) -> None:
    check_filters(filters)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"type": "AND"},
        {"values": []},
        {"type": "XOR", "values": []},
        {"type": "AND", "values": {}},
        {"type": "AND", "values": ["x"]},
        {"type": "AND", "values": [], "name": "x"},
        {"type": "AND", "values": [{"type": "OR"}]},
        one(operator="like"),
        one(type="planet"),
        one(colour="red"),
        one(value={"a": 1}),
        one(key=None),
        exactly(type="event", value="x"),
        exactly(type="person", key="email", value="x"),
        exactly(type="element", key="colour", operator="exact", value="red"),
        exactly(type="empty", key="x"),
        exactly(type="hogql", key="1", operator="exact"),
        one(group_type_index=0),
    ],
)
def test_refused(filters: dict[str, Any]) -> None:
    with pytest.raises(ErrorAnswer) as refusal:
        check_filters(filters)
    assert refusal.value.body["detail"] == "Invalid filters payload."


def test_a_real_condition_at_any_depth() -> None:
    nothing: dict[str, Any] = {"type": "AND", "values": [{"type": "OR", "values": [{"type": "empty"}]}]}
    assert not has_condition(nothing)
    assert has_condition({"type": "AND", "values": [nothing, one()]})
