"""Filters as clients send them: what the schema says, what it does not, and members that were only filled in."""

from typing import Any

import pytest
from pydantic import ValidationError

from mcp_errortracking.catalog.filters import FilterGroup
from mcp_errortracking.catalog.rules import ReorderRules

ONE = {"key": "$browser", "operator": "exact", "value": "Chrome", "type": "event"}
RULE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"


def sent(*values: Any) -> Any:
    group = FilterGroup.model_validate({"type": "AND", "values": list(values)})
    return group.model_dump(mode="json", exclude_unset=True)["values"]


@pytest.mark.parametrize(
    ("operator", "value", "taken"),
    [
        ("gt", "5", 5),
        ("lte", "-0.5", -0.5),
        ("gt", "5 apples", "5 apples"),
        ("gt", "1e999", "1e999"),
        ("gt", "9" * 5000, "9" * 5000),
        ("exact", "5", "5"),
        ("exact", '["Chrome", "Safari"]', ["Chrome", "Safari"]),
        ("is_not", "[]", "[]"),
        ("exact", "[1]", "[1]"),
        ("exact", "[\ud800", "[\ud800"),
        ("between", "[1, 2]", [1, 2]),
        ("icontains", '["Chrome"]', '["Chrome"]'),
        ("regex", '["a"]', '["a"]'),
        ("exact", ["a", 1, True], ["a", 1, True]),
        ("exact", True, True),
    ],
)
def test_a_text_is_a_number_or_a_list_only_where_the_operator_wants_one(operator: str, value: Any, taken: Any) -> None:
    condition = {"key": "$browser", "operator": operator, "value": value}

    assert sent(condition) == [{**condition, "value": taken, "type": "event"}]


def test_a_condition_without_an_operator_reads_a_list_as_exact_does() -> None:
    assert sent({"key": "$browser", "value": '["a"]'})[0]["value"] == ["a"]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({**ONE, "values": []}, ONE),
        ({**ONE, "values": None, "type": "", "operator": ""}, ONE),
        ({"type": "OR", "values": [ONE], "key": "", "operator": None, "value": ""}, {"type": "OR", "values": [ONE]}),
        ({"type": "OR", "values": [], "key": "", "operator": "", "value": ""}, {"type": "OR", "values": []}),
    ],
)
def test_members_without_content_are_left_out(given: Any, taken: Any) -> None:
    """A client in strict mode must send every member that the schema names."""
    assert sent(given) == [taken]


def test_groups_nest_deeper_than_the_schema_says() -> None:
    deep = {"type": "AND", "values": [{"type": "OR", "values": [{"type": "AND", "values": [ONE]}]}]}

    assert sent(deep) == [deep]


@pytest.mark.parametrize("given", [{"type": "OR", "values": [ONE], "key": "a"}, {**ONE, "values": [ONE]}])
def test_an_entry_is_not_both_a_condition_and_a_group(given: Any) -> None:
    with pytest.raises(ValidationError):
        sent(given)


@pytest.mark.parametrize(
    ("orders", "says"),
    [
        ([[RULE]], "expected a list of objects with id and order_key"),
        ([{"id": RULE}], "expected a list of objects with id and order_key"),
        ([{"id": RULE, "order_key": 1, "more": 2}], "expected a list of objects with id and order_key"),
        ([RULE], "expected a list of objects with id and order_key"),
        ([[RULE, 1], {"id": RULE, "order_key": 2}], "entry 1 repeats an earlier id"),
    ],
)
def test_other_lists_than_those_of_pairs_are_refused(orders: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ReorderRules.model_validate({"orders": orders})
