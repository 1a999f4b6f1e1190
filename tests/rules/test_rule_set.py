"""Findings about all rules of a kind together."""

from typing import Any

import pytest

from mcp_errortracking.rules.rule_set import check_rules, reason_in_words

WEB = {"key": "$lib", "type": "event", "operator": "exact", "value": "web"}
TYPE = {"key": "$exception_types", "type": "event", "operator": "exact", "value": ["TypeError"]}
USER = {"type": "user", "id": 1}


def rule(name: str, order_key: int, *conditions: dict[str, Any], join: str = "AND", **more: Any) -> dict[str, Any]:
    filters = {"type": "AND", "values": [{"type": join, "values": list(conditions)}]}
    return {"id": name, "order_key": order_key, "filters": filters, "disabled_data": None, "assignee": USER, **more}


def words(rules: list[dict[str, Any]], kind: str = "assignment") -> dict[str, str]:
    return {name: " ".join(map(str, found)) for name, found in check_rules(rules, kind).items() if found}


@pytest.mark.parametrize(
    ("earlier", "kind", "is_shadowed"),
    [
        (rule("wide", 0, WEB), "assignment", True),
        (rule("wide", 0), "assignment", True),
        (rule("wide", 0, {**WEB, "value": ["web"]}, {"type": "empty"}), "assignment", True),
        (rule("wide", 0, {**WEB, "value": "node"}), "assignment", False),
        (rule("wide", 0, WEB, TYPE, {**WEB, "key": "$os"}), "assignment", False),
        (rule("wide", 0, WEB, TYPE, join="OR"), "assignment", False),
        (rule("wide", 2, WEB), "assignment", False),
        (rule("wide", 1, WEB), "suppression", False),
        (rule("wide", 0, WEB, disabled_data={"message": "off"}), "assignment", False),
        (rule("wide", 0, WEB, assignee=None), "assignment", False),
        (rule("wide", 0, WEB, assignee=None), "grouping", True),
        (rule("wide", 0, WEB, sampling_rate=0.5), "suppression", False),
        (rule("wide", 0, WEB, sampling_rate=1.0), "suppression", True),
    ],
)
def test_a_rule_behind_one_that_takes_all_it_would(earlier: dict[str, Any], kind: str, is_shadowed: bool) -> None:
    found = words([rule("narrow", 1, WEB, TYPE), earlier], kind).get("narrow", "")

    assert ("Rule wide before it matches all that this one matches" in found) is is_shadowed


def test_equal_positions() -> None:
    rules = [rule("a", 0, WEB), rule("b", 0, TYPE), rule("c", 1, {**WEB, "key": "$os"})]

    found = words(rules, "grouping")

    assert list(found) == ["a", "b"]
    assert "order_key 0 is also that of 1 other rule: PostHog tries them in no defined order." in found["a"]
    assert "error-tracking-grouping-rules-reorder" in found["b"]
    assert words(rules, "severity") == {}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Invalid value of type Null, expected Number", "not a number"),
        ("Invalid regex secret(: unclosed group", "refuses a pattern"),
        ("Unknown Global: person", "such as a person"),
        ("Stack overflow", "too many values"),
        ("alice@example.com broke it", "not known here"),
        (None, "not known here"),
    ],
)
def test_a_disabled_rule_says_why_and_nothing_of_the_event(message: Any, reason: str) -> None:
    data = {"message": message, "props": {"email": "alice@example.com"}, "issue": {"name": "secret"}}

    found = words([rule("a", 0, WEB, disabled_data=data)])["a"]

    assert reason in found
    assert "Correct the filters with an update" in found
    assert "alice" not in found
    assert "secret" not in found
    assert reason_in_words("text") == "for a reason that is not known here"


def test_each_rule_is_linted_and_a_strange_one_is_named() -> None:
    found = words(
        [rule("a", 0, {**WEB, "operator": "gt", "value": "x"}), {"id": "b", "order_key": None, "filters": [1]}]
    )

    assert "the value is not a number" in found["a"]
    assert "a form that is not known here" in found["b"]


def test_an_assignment_rule_without_assignee() -> None:
    gone = rule("gone", 0, WEB, assignee=None)

    assert "This rule has no assignee, so PostHog skips it." in words([gone])["gone"]
    assert words([gone], "grouping") == words([rule("kept", 0, WEB)]) == {}


def test_bypass_rules_of_a_project_without_limits() -> None:
    rules = [rule("a", 0, WEB), rule("b", 1, TYPE)]

    found = {name: list(map(str, one)) for name, one in check_rules(rules, "bypass", has_limits=False).items()}

    problem = "The project has no rate limit, so this rule has no effect."
    assert (
        found["a"]
        == found["b"]
        == [f"filters: {problem} Set a limit with error-tracking-settings-update, or delete the rule."]
    )
    assert words(rules, "bypass") == {}


@pytest.mark.parametrize(
    ("conditions", "more", "is_applied"),
    [
        ((TYPE,), {}, True),
        ((TYPE,), {"sampling_rate": 1}, True),
        ((TYPE,), {"sampling_rate": 0.5}, False),
        ((TYPE, WEB), {}, False),
        ((), {}, False),
        (({**TYPE, "operator": "regex"},), {}, False),
        (({**TYPE, "value": [7]},), {}, False),
        (({"type": "AND", "values": [TYPE]},), {}, False),
    ],
)
def test_a_disabled_suppression_rule_that_the_browser_still_applies(
    conditions: tuple[dict[str, Any], ...], more: dict[str, Any], is_applied: bool
) -> None:
    """Rule contract 1.4: posthog-js gets disabled rules too, but flat ones that drop everything alone."""
    filters = {"type": "AND", "values": list(conditions)}
    off = rule("off", 0, disabled_data={"message": "Unknown Global"}) | {"filters": filters} | more

    assert ("posthog-js still applies this rule" in words([off], "suppression")["off"]) is is_applied
    assert "posthog-js" not in words([off], "bypass")["off"]
    on = {**off, "disabled_data": None}
    assert "posthog-js" not in words([on], "suppression").get("off", "")
