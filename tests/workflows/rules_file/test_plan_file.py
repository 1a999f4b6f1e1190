"""Plan files that `rules plan` did not write, though their hash is right: refused before anything is sent."""

import json
from typing import Any

import pytest

from mcp_errortracking.workflows.rules_file.plan import Create, Held, KindPlan, Plan
from mcp_errortracking.workflows.rules_file.plan_file import (
    PlanFileError,
    _hash,  # pyright: ignore[reportPrivateUsage]
    read_plan,
    write_plan,
)

CREATES = [Create("a", {}, 0), Create("b", {}, 1)]
KIND = KindPlan("grouping", {"x": Held("x", 0, {})}, creates=CREATES, order=["x", 1, 0])
PLAN = Plan(host="https://us.posthog.com", project="1", file="rules.yaml", digest="0" * 64, people={}, kinds=[KIND])


def with_kind(**changes: Any) -> bytes:
    content = json.loads(write_plan(PLAN))
    del content["hash"]
    content["plan"]["kinds"][0] |= changes
    return json.dumps({**content, "hash": _hash(content)}).encode()


def test_a_plan_is_read_as_it_was_written() -> None:
    assert read_plan(write_plan(PLAN).encode()) == PLAN
    assert read_plan(with_kind(order=["x", 0, 1])).kinds[0].order == ["x", 0, 1]


@pytest.mark.parametrize("order", [None, [], ["x"], [0], [0, 0, 1], [0, 1, 2], [-1, 0, 1], [1, 2], ["0", "1"]])
def test_a_plan_whose_order_names_other_rules_is_refused(order: Any) -> None:
    with pytest.raises(PlanFileError, match="This is not a plan"):
        read_plan(with_kind(order=order))


@pytest.mark.parametrize(
    "changes",
    [{"updates": {"y": {"id": "y", "name": "n", "settings": {}}}}, {"deletes": ["y"]}, {"base": {}, "deletes": ["x"]}],
)
def test_a_plan_that_changes_a_rule_it_does_not_know_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PlanFileError, match="This is not a plan"):
        read_plan(with_kind(**changes))
