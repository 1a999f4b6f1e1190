"""Lint of a rule's filters: all that can be proved wrong, or misleading, without an event (rule contract 2.9)."""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, cast

from mcp_errortracking.rules.condition_lint import check_condition, check_refused
from mcp_errortracking.rules.events import ARRAY_KEYS
from mcp_errortracking.rules.findings import Finding
from mcp_errortracking.rules.lint_budget import MOST_VALUES, LintBudget

_STEPS, _OVERHEAD, _PER_ELEMENT = 10_000, 28, 23
_MANY = 10
_NOT_CHECKED = "Not checked from here on: there are too many conditions, or too long patterns, to check at once."
_JOINED = ("regex", "not_regex", "icontains_multi", "not_icontains_multi", "semver_eq", "semver_neq")
"""Operators that PostHog compiles to one test for each value."""
_BROWSER_KEYS = ("$exception_types", "$exception_values")
_BROWSER_NEGATIVES = ("is_not", "not_icontains")


def lint(
    filters: Any, kind: str | None = None, *, sampling_rate: float | None = None, budget: LintBudget | None = None
) -> list[Finding]:
    """Return the findings about validated filters, the worst first.

    Args:
        filters: as they are sent.
        kind: that of the rule, such as `grouping`.
        sampling_rate: of a suppression rule; None is 1.
        budget: shared by several rules. A finding names the first condition that is not checked for it.
    """
    budget = budget or LintBudget()
    conditions = list(_conditions(filters, ""))
    if all(condition.get("type") == "empty" for _, condition in conditions):
        return []
    findings = list[Finding]()
    for place, condition in conditions:
        if not budget.covers(condition):
            findings.append(Finding("warning", place, _NOT_CHECKED, "Use fewer conditions and shorter patterns."))
            break
        findings += check_condition(condition, place, kind, is_alone=len(conditions) == 1)
    findings += _capacity(conditions)
    if kind == "suppression" and is_applied_in_browser({"filters": filters, "sampling_rate": sampling_rate}):
        findings += _browser(conditions)
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.rank)


def refusal(filters: Any) -> Finding | None:
    """Return the first finding for which PostHog is certain to refuse these filters; look for no others."""
    budget = LintBudget()
    checked = takewhile(lambda entry: budget.covers(entry[1]), _conditions(filters, ""))
    found = (check_refused(condition, place) for place, condition in checked)
    return next(filter(None, found), None)


def _conditions(group: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the conditions with their places; an empty group counts as the condition `empty`, as it compiles."""
    values = cast("list[dict[str, Any]]", group["values"])
    if not values:
        yield place, {"type": "empty"}
    for index, value in enumerate(values):
        inner = f"{place}{'.' if place else ''}values[{index}]"
        if "values" in value:
            yield from _conditions(value, inner)
        else:
            yield inner, value


def _capacity(conditions: list[tuple[str, dict[str, Any]]]) -> Iterator[Finding]:
    tests = [(condition, _tests(condition)) for _, condition in conditions]
    if (count := sum(number for _, number in tests)) > MOST_VALUES and len(conditions) > 1:
        yield Finding(
            "error",
            "",
            f"{count} conditions: above about 110 PostHog's machine overflows and disables the rule.",
            "Put alternatives into one regex: (?:a|b|c).",
        )
    on_arrays = sum(number for condition, number in tests if condition.get("key") in ARRAY_KEYS)
    if on_arrays >= _MANY:
        elements = (_STEPS // on_arrays - _OVERHEAD) // _PER_ELEMENT
        yield Finding(
            "warning",
            "",
            f"{on_arrays} conditions on lists: PostHog skips the rule for an event whose lists hold more than "
            f"about {max(elements, 0)} entries.",
            "Put alternatives into one regex.",
        )


def _tests(condition: dict[str, Any]) -> int:
    """Return the number of tests that a condition is compiled to."""
    value: Any = condition.get("value")
    is_joined = isinstance(value, list) and condition.get("operator") in _JOINED
    return max(len(cast("list[Any]", value)), 1) if is_joined else 1


def is_applied_in_browser(rule: Mapping[str, Any]) -> bool:
    """True if posthog-js gets this suppression rule, and applies it before an event is sent (rule contract 1.4)."""
    values = cast("list[dict[str, Any]]", rule["filters"]["values"])
    return rule.get("sampling_rate") in (None, 1) and bool(values) and all(map(_is_for_browser, values))


def _is_for_browser(condition: dict[str, Any]) -> bool:
    value: Any = condition.get("value")
    texts: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    return (
        "values" not in condition
        and condition.get("key") in _BROWSER_KEYS
        and condition.get("operator", "exact") in ("exact", "icontains", *_BROWSER_NEGATIVES)
        and all(isinstance(text, str) for text in texts)
    )


def _browser(conditions: list[tuple[str, dict[str, Any]]]) -> Iterator[Finding]:
    """Find conditions that posthog-js evaluates differently."""
    for place, condition in conditions:
        if condition.get("operator") in _BROWSER_NEGATIVES:
            yield Finding(
                "warning",
                place,
                "posthog-js applies this rule in the browser too, and there it means that no entry does, not that "
                "some entry does not: the two drop different events.",
                "Use a positive condition, or a sampling_rate of 0.9999, which is applied on the server only.",
            )
