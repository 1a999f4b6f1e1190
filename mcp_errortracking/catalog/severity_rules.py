"""Severity rules: the severity of new issues (contract 6.5)."""

from pydantic import Field

from mcp_errortracking.catalog.endpoint import Endpoint
from mcp_errortracking.catalog.filters import Filters
from mcp_errortracking.catalog.identifiers import SeverityRuleId
from mcp_errortracking.catalog.rules import CreateRule, DeleteRule, ListRules, OrderKey, ReorderRules, UpdateRule
from mcp_errortracking.catalog.severity import Severity

_TOO_LARGE = {"rule_too_large": "Nothing was changed: give fewer conditions, or shorter lists in them."}


class ListSeverityRules(
    ListRules,
    tool="error-tracking-severity-rules-list",
    request="GET severity_rules/",
    since="2026-08-20",
):
    """Show the severity (priority) rules: how a new issue's severity is decided; the first match sets it."""


class CreateSeverityRule(
    CreateRule,
    tool="error-tracking-severity-rules-create",
    request="POST severity_rules/",
    since="2026-08-20",
):
    """Automatically set the severity (urgent, low ...) of matching new issues by type, message or url."""

    filters: Filters
    severity: Severity
    order_key: OrderKey | None = Field(default=None, description="Lower runs first.")

    advice = {
        "too_many_rules": "Nothing was created: change a rule, or delete one; error-tracking-severity-rules-list has "
        "them.",
        **_TOO_LARGE,
    }


class RetrieveSeverityRule(
    Endpoint,
    tool="error-tracking-severity-rules-retrieve",
    request="GET severity_rules/{id}/",
    since="2026-08-20",
):
    """Get one severity (priority) rule by id: its exact filters (conditions), severity and position, and why PostHog
    disabled it if it did."""

    id: SeverityRuleId


class UpdateSeverityRule(
    UpdateRule,
    tool="error-tracking-severity-rules-update",
    request="PUT severity_rules/{id}/",
    since="2026-08-20",
    aliases=("error-tracking-severity-rules-partial-update",),
    destructive=False,
):
    """Edit a severity rule: change its filters or its severity."""

    id: SeverityRuleId
    filters: Filters | None = None
    severity: Severity | None = None

    advice = _TOO_LARGE


class DeleteSeverityRule(
    DeleteRule,
    undoes=CreateSeverityRule,
    tool="error-tracking-severity-rules-destroy",
    request="DELETE severity_rules/{id}/",
    since="2026-08-20",
):
    """Delete (remove) a severity rule for good: stop setting priorities by rule. Returns it as it was."""

    id: SeverityRuleId


class ReorderSeverityRules(
    ReorderRules,
    tool="error-tracking-severity-rules-reorder",
    request="PATCH severity_rules/reorder/",
    aliases=("error-tracking-severity-rules-reorder-partial-update",),
    since="2026-08-20",
):
    """Reorder severity rules: move or put one before another, by new positions; those not named keep theirs. Returns
    the order that then holds."""


ENDPOINTS = (
    ListSeverityRules,
    CreateSeverityRule,
    RetrieveSeverityRule,
    UpdateSeverityRule,
    DeleteSeverityRule,
    ReorderSeverityRules,
)
