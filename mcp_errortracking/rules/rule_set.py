"""Lint of all rules of a kind together: disabled, shadowed, and in no defined order (rule contract 1.3, 1.5, 2.9)."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from mcp_errortracking.rules.findings import Finding
from mcp_errortracking.rules.lint import is_applied_in_browser, lint
from mcp_errortracking.rules.lint_budget import LintBudget

_REASONS = (
    ("expected number", "a numeric or version operator met a value that is not a number, or a missing property"),
    ("invalid regex", "Rust's regex engine refuses a pattern"),
    ("expected string", "a pattern is not a text"),
    ("unknown global", "a filter reads what rules do not see, such as a person"),
    ("expected a boolean", "the filters hold no condition: an empty list, a flag or an expression"),
    ("stack overflow", "there are too many values or conditions"),
    ("out of resource", "an event was too large for a condition to read"),
    ("values() only", "a list such as $exception_types was no list in an event"),
)
_MOST_FILTERS = 200
"""Rules that are compared with each other: their pairs are many."""
_NO_LIMITS = Finding(
    "warning",
    "",
    "The project has no rate limit, so this rule has no effect.",
    "Set a limit with error-tracking-settings-update, or delete the rule.",
)
_NO_ASSIGNEE = Finding(
    "warning",
    "",
    "This rule has no assignee, so PostHog skips it.",
    "Give it one with error-tracking-assignment-rules-partial-update.",
)
_STILL_IN_BROWSER = Finding(
    "warning", "", "posthog-js still applies this rule in the browser, also while PostHog has it disabled."
)


def check_rules(rules: Sequence[dict[str, Any]], kind: str, *, has_limits: bool = True) -> dict[str, list[Finding]]:
    """Return the findings about each rule, by id, in the order in which PostHog tries them.

    `rules` are as PostHog lists them. Nothing of the event in `disabled_data` is repeated: it is personal data.

    Args:
        has_limits: False if the project has no rate limit that a bypass rule could bypass.
    """
    ordered, budget = sorted(rules, key=position_of), LintBudget()
    found = {str(rule.get("id")): _own(rule, kind, budget) for rule in ordered}
    if kind == "bypass" and not has_limits:
        for findings in found.values():
            findings.append(_NO_LIMITS)
    for position, group in _by_position(ordered).items():
        if kind != "severity" and len(group) > 1:
            others = f"{len(group) - 1} other rule{'s' if len(group) > 2 else ''}"
            problem = f"order_key {position:g} is also that of {others}: PostHog tries them in no defined order."
            advice = f"Give each its own with error-tracking-{kind}-rules-reorder."
            for rule in group:
                found[str(rule.get("id"))].append(Finding("warning", "", problem, advice))
    enabled, budget = [rule for rule in ordered if rule.get("disabled_data") is None][:_MOST_FILTERS], LintBudget()
    compared = [(rule, _conjunction_of(rule, budget)) for rule in enabled]
    for index, (rule, narrow) in enumerate(compared):
        shadowing = (one for one, wide in compared[:index] if _contains(wide, narrow) and _shadows(one, rule, kind))
        earlier = next(shadowing, None)
        if earlier is not None:
            found[str(rule.get("id"))].append(
                Finding(
                    "warning",
                    "",
                    f"Rule {earlier.get('id')} before it matches all that this one matches, so this one never decides.",
                    "Put the narrower rule first.",
                )
            )
    return found


def reason_in_words(disabled_data: Any) -> str:
    """Return why PostHog disabled a rule, and nothing of the event."""
    message: Any = cast("dict[str, Any]", disabled_data).get("message") if isinstance(disabled_data, dict) else None
    text = str(message).lower()
    return next((words for part, words in _REASONS if part in text), "for a reason that is not known here")


def _own(rule: dict[str, Any], kind: str, budget: LintBudget) -> list[Finding]:
    found = list[Finding]()
    if rule.get("disabled_data") is not None:
        reason = reason_in_words(rule["disabled_data"])
        advice = "Correct the filters with an update, which also enables the rule."
        found.append(Finding("error", "", f"PostHog disabled this rule: {reason}.", advice))
    if kind == "assignment" and rule.get("assignee") is None:
        found.append(_NO_ASSIGNEE)
    try:
        if kind == "suppression" and rule.get("disabled_data") is not None and is_applied_in_browser(rule):
            found.append(_STILL_IN_BROWSER)
        found += lint(rule.get("filters"), kind, sampling_rate=rule.get("sampling_rate"), budget=budget)
    except (AttributeError, KeyError, TypeError, RecursionError):
        found.append(Finding("warning", "", "These filters have a form that is not known here."))
    return found


def position_of(rule: Mapping[str, Any]) -> tuple[float, str, str]:
    """Return a key that sorts rules as PostHog tries them. Equal order keys: only severity rules have an order."""
    position: Any = rule.get("order_key")
    try:
        number = float(position) if isinstance(position, int | float) else 0.0
    except OverflowError:  # more than 309 digits
        number = math.inf if position > 0 else -math.inf
    return number, str(rule.get("created_at")), str(rule.get("id"))


def _by_position(rules: Iterable[dict[str, Any]]) -> dict[float, list[dict[str, Any]]]:
    groups = dict[float, list[dict[str, Any]]]()
    for rule in rules:
        groups.setdefault(position_of(rule)[0], []).append(rule)
    return groups


def _shadows(earlier: dict[str, Any], later: dict[str, Any], kind: str) -> bool:
    """True if the earlier rule surely takes each event that meets its conditions, before the later one can."""
    if position_of(earlier)[0] == position_of(later)[0] and kind != "severity":
        return False
    if kind == "suppression" and earlier.get("sampling_rate", 1) != 1:
        return False
    return kind != "assignment" or earlier.get("assignee") is not None


def _contains(wide: frozenset[str] | None, narrow: frozenset[str] | None) -> bool:
    """True if each event that meets all narrow conditions surely meets all wide ones."""
    return wide is not None and (not wide or (narrow is not None and wide <= narrow))


def _conjunction_of(rule: dict[str, Any], budget: LintBudget) -> frozenset[str] | None:
    try:
        return _conjunction(rule.get("filters"), budget)
    except RecursionError:
        return None


def _conjunction(group: Any, budget: LintBudget) -> frozenset[str] | None:
    """Return the conditions of filters that join all with AND; None for other filters, or too many for the budget."""
    if not isinstance(group, dict) or not isinstance(cast("dict[str, Any]", group).get("values"), list):
        return None
    members = cast("dict[str, Any]", group)
    values = cast("list[Any]", members["values"])
    if members.get("type") != "AND" and len(values) > 1:
        return None
    found = set[str]()
    for value in values:
        if not isinstance(value, dict):
            return None
        condition = cast("dict[str, Any]", value)
        if "values" in condition:
            inner = _conjunction(condition, budget)
            if inner is None:
                return None
            found |= inner
        elif condition.get("type") != "empty":
            if not budget.covers(condition):
                return None
            found.add(_normal(condition))
    return frozenset(found)


def _normal(condition: dict[str, Any]) -> str:
    value: Any = condition.get("value")
    values: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    parts: list[Any] = [condition.get("type") or "event", condition.get("key"), condition.get("operator") or "exact"]
    parts.append(values[0] if len(values) == 1 else values)
    return json.dumps(parts, sort_keys=True, default=str)
