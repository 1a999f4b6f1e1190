"""Lint of a rule's filters: all that can be proved wrong, or misleading, without an event (rule contract 2.9)."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any, cast

from mcp_errortracking.rules.condition_lint import check_condition, check_refused
from mcp_errortracking.rules.findings import Finding
from mcp_errortracking.rules.lint_budget import MOST_VALUES, LintBudget

_STEPS, _OVERHEAD, _PER_ELEMENT = 10_000, 28, 23
_MANY = 10
_NOT_CHECKED = "Not checked from here on: there are too many conditions, or too long patterns, to check at once."
_ARRAY_PREFIX = "$exception_"
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
    if kind == "suppression" and sampling_rate in (None, 1):
        findings += _browser(filters, conditions)
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
    if len(conditions) > MOST_VALUES:
        yield Finding(
            "error",
            "",
            f"{len(conditions)} conditions: above about 110 PostHog's machine overflows and disables the rule.",
            "Put alternatives into one regex: (?:a|b|c).",
        )
    on_arrays = [place for place, condition in conditions if str(condition.get("key")).startswith(_ARRAY_PREFIX)]
    if len(on_arrays) >= _MANY:
        elements = (_STEPS // len(on_arrays) - _OVERHEAD) // _PER_ELEMENT
        yield Finding(
            "warning",
            "",
            f"{len(on_arrays)} conditions on lists: PostHog skips the rule for an event whose lists hold more than "
            f"about {max(elements, 0)} entries.",
            "Put alternatives into one regex.",
        )


def _browser(filters: Any, conditions: list[tuple[str, dict[str, Any]]]) -> Iterator[Finding]:
    """Find conditions that posthog-js evaluates differently: rules that it can, it applies before an event is sent."""
    if any("values" in value for value in filters["values"]):
        return
    sent = all(
        condition.get("key") in _BROWSER_KEYS
        and condition.get("operator", "exact") in ("exact", "icontains", *_BROWSER_NEGATIVES)
        for _, condition in conditions
    )
    for place, condition in conditions if sent else []:
        if condition.get("operator") in _BROWSER_NEGATIVES:
            yield Finding(
                "warning",
                place,
                "posthog-js applies this rule in the browser too, and there it means that no entry does, not that "
                "some entry does not: the two drop different events.",
                "Use a positive condition, or a sampling_rate of 0.9999, which is applied on the server only.",
            )
