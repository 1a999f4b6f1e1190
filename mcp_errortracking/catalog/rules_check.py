"""The check of all rules, of which PostHog has no endpoint: their lists, read and judged (rule contract 2.9)."""

from collections.abc import Generator
from typing import Any, Literal, get_args

from pydantic import Field

from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Request, StepError, Steps, as_object
from mcp_errortracking.catalog.rules import rules_from

Kind = Literal["assignment", "grouping", "suppression", "bypass", "severity"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
_NEWER = ("bypass", "severity")
"""Kinds that an older PostHog does not have."""
_LIMITS = ("project_rate_limit_value", "per_issue_rate_limit_value")
_UNCHECKED_ASSIGNEES = (
    "Whether the assignees still exist is not checked: error-tracking-directory-list lists those that do."
)


class CheckRules(
    Endpoint,
    tool="error-tracking-rules-check",
    request="GET assignment_rules/",
    toolset="rules",
):
    """Check (validate, lint, audit) all rules, filters and auto-assignment for mistakes: why a rule does not work, is
    broken, never triggers or matches anything: disabled by PostHog and why, or soon to be, shadowed by an earlier rule
    (dead; conflicts), without a defined order, with filters that mean something else than they seem to. Changes
    nothing."""

    kind: Kind | None = Field(default=None, examples=["suppression"])

    def steps(self) -> Steps:
        from mcp_errortracking.rules.rule_set import check_rules

        found, notes, count = list[tuple[int, dict[str, Any]]](), list[str](), 0
        assigning = False
        for kind in (self.kind,) if self.kind else _KINDS:
            try:
                rules = yield from rules_from(f"error_tracking/{kind}_rules/")
            except StepError as failure:
                if failure.status != 404 or kind not in _NEWER:
                    raise
                notes.append(f"This PostHog has no {kind} rules.")
                continue
            count += len(rules)
            position = {str(rule.get("id")): rule.get("order_key") for rule in rules}
            has_limits = (yield from _has_limits(notes)) if kind == "bypass" and rules else True
            if kind in ("assignment", "grouping") and any(rule.get("assignee") for rule in rules):
                assigning = True
            for rule, findings in check_rules(rules, kind, has_limits=has_limits).items():
                row = {"kind": kind, "rule": rule, "order_key": position[rule]}
                found += [(one.rank, {**row, "level": one.level, "finding": str(one)}) for one in findings]
        rows = [row for _, row in sorted(found, key=lambda one: one[0])]
        notes.insert(0, f"{count} rules checked, {len(rows)} findings.")
        if assigning:
            notes.append(_UNCHECKED_ASSIGNEES)
        return Outcome({"results": rows}, notes)


def _has_limits(notes: list[str]) -> Generator[Request, Any, bool]:
    """Return True if the project limits the rate of exceptions, or if this PostHog does not say; note the latter."""
    try:
        settings = as_object((yield Request("GET", "error_tracking/settings/retrieve_settings/")))
    except StepError as failure:
        if failure.status != 404:
            raise
        notes.append("This PostHog shows no rate limits: whether bypass rules have an effect is not checked.")
        return True
    return any(settings.get(name) is not None for name in _LIMITS)


ENDPOINTS = (CheckRules,)
