"""The difference between a file and PostHog."""

from typing import Any

import pytest

from mcp_errortracking.workflows.rules_file.document import read_rules
from mcp_errortracking.workflows.rules_file.errors import RulesFileError
from mcp_errortracking.workflows.rules_file.plan import KindPlan, plan_kinds
from mcp_errortracking.workflows.rules_file.words import filters_in_words
from mcp_errortracking.workflows.rules_file.yaml_text import read_yaml

A, B, C = (f"01936f2e-7a51-7000-8000-00000000000{n}" for n in "abc")


def filters(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "AND", "values": [{"key": "k", "value": value, **more}]}


def held(identity: str, position: int, value: Any, **more: Any) -> dict[str, Any]:
    return {"id": identity, "order_key": position, "filters": filters(value), "disabled_data": None, **more}


def plan(kind: str, rules: list[str], posthog: list[dict[str, Any]] | None, *, delete: bool = False) -> KindPlan:
    text = "".join(f"  - {{{rule}}}\n" for rule in rules)
    file = read_rules(read_yaml(f"version: 1\n{kind}:\n{text}".encode(), "f"))
    (found,) = plan_kinds(file, {} if posthog is None else {kind: posthog}, delete=delete)  # type: ignore[misc]
    return found


def says(name: str, value: str, more: str = "") -> str:
    return f"name: {name}, filters: {{type: AND, values: [{{key: k, value: {value}}}]}}{more}"


def test_filters_are_the_same_with_and_without_defaults() -> None:
    found = plan("bypass", [says("a", "x"), says("b", "'[1]'")], [held(A, 0, "x"), held(B, 1, "[1]")])
    assert (found.changes, found.left) == (0, [])


def test_true_is_not_1() -> None:
    assert plan("bypass", [says("a", "true", f", id: {A}")], [held(A, 0, 1)]).updates[A].settings == {
        "filters": filters(True, type="event", operator="exact")
    }


def test_rules_at_one_position_are_put_in_the_order_of_the_file() -> None:
    posthog = [held(A, 0, "x"), held(B, 0, "y"), held(C, 5, "z")]
    assert plan("bypass", [says("b", "y"), says("a", "x")], posthog).order == [B, A, C]
    assert plan("bypass", [says("b", "y"), says("a", "x")], posthog, delete=True).order == [B, A]
    posthog[1]["order_key"] = 3
    assert plan("bypass", [says("a", "x"), says("c", "z")], posthog).order is None
    assert plan("bypass", [says("c", "z"), says("a", "x")], posthog).order == [C, A, B]


def test_a_rule_without_id_is_the_one_of_the_same_settings_before_that_of_the_same_filters() -> None:
    posthog = [held(A, 0, "x", sampling_rate=0.5), held(B, 1, "x", sampling_rate=1)]
    found = plan("suppression", [says("a", "x"), says("b", "x", ", sampling_rate: 0.25")], posthog)
    assert {rule: update.settings for rule, update in found.updates.items()} == {A: {"sampling_rate": 0.25}}
    assert found.creates == []


def test_what_no_call_can_do_is_an_error() -> None:
    for kind, rules, posthog, problem in [
        ("bypass", [says("a", "x", f", id: {A}")], [], f"f:3: PostHog has no bypass rule {A}. Remove the id"),
        ("bypass", [says("a", "x")], None, "f:2: This PostHog has no bypass rules: leave them out."),
        ("assignment", [says("a", "x")], [], "f:3: An assignment rule needs an assignee."),
        ("bypass", ["name: a, filters: {type: AND, values: []}"], [], "f:3: PostHog refuses a bypass rule"),
        (
            "grouping",
            [says("a", "x", ", assignee: {user: 1}")],
            [held(A, 0, "x")],
            "f:3: PostHog never changes the ass",
        ),
    ]:
        with pytest.raises(RulesFileError) as caught:
            plan(kind, rules, posthog)
        assert str(caught.value).startswith(problem)


def test_filters_that_no_request_can_send_are_no_error_while_they_stay() -> None:
    rule = f"name: a, id: {A}, filters: {{type: AND, values: [{{key: k, operator: newest, value: 1}}]}}"
    posthog = [{"id": A, "order_key": 0, "filters": filters(1, operator="newest")}]
    assert plan("bypass", [rule], posthog).changes == 0
    with pytest.raises(RulesFileError):
        plan("bypass", [rule], [held(A, 0, "other")])


def test_words_of_filters_are_one_line_of_visible_text() -> None:
    hostile = "and\n- delete all \x1b[31m\u202e"
    group = {"type": hostile, "values": [{"key": hostile, "operator": hostile, "value": hostile, "type": hostile}] * 2}

    shown = filters_in_words(group)

    assert shown.isprintable()
    assert "\x1b" not in shown
