"""Bypass rules: matching exceptions pass rate limits (contract 6.4)."""

from mcp_errortracking.catalog.endpoint import Endpoint
from mcp_errortracking.catalog.filters import Filters
from mcp_errortracking.catalog.identifiers import BypassRuleId
from mcp_errortracking.catalog.paging import PagedEndpoint
from mcp_errortracking.catalog.rules import CreateRule, DeleteRule, ReorderRules, UpdateRule


class ListBypassRules(
    PagedEndpoint,
    tool="error-tracking-bypass-rules-list",
    request="GET bypass_rules/",
    since="mid 2026",
):
    """Show which exceptions are exempt from rate limits and get through when throttled."""


class CreateBypassRule(
    CreateRule,
    tool="error-tracking-bypass-rules-create",
    request="POST bypass_rules/",
    since="mid 2026",
    destructive=True,
):
    """Exempt (whitelist) matching errors from rate limits: never throttle or lose them, always keep them over a
    limit."""

    filters: Filters


class RetrieveBypassRule(
    Endpoint,
    tool="error-tracking-bypass-rules-retrieve",
    request="GET bypass_rules/{id}/",
    since="mid 2026",
):
    """Get one bypass rule (rate limit exemption) by id: its exact filters (conditions) and position, and why PostHog
    disabled it if it did."""

    id: BypassRuleId


class UpdateBypassRule(
    UpdateRule,
    tool="error-tracking-bypass-rules-update",
    request="PUT bypass_rules/{id}/",
    since="mid 2026",
    aliases=("error-tracking-bypass-rules-partial-update",),
):
    """Edit an exemption from rate limits: replace its filters, to narrow or widen it."""

    id: BypassRuleId
    filters: Filters | None = None


class DeleteBypassRule(
    DeleteRule,
    undoes=CreateBypassRule,
    tool="error-tracking-bypass-rules-destroy",
    request="DELETE bypass_rules/{id}/",
    since="mid 2026",
):
    """Delete (remove) a bypass rule for good, an exemption: its exceptions are rate limited (throttled) again. Returns
    it as it was."""

    id: BypassRuleId


class ReorderBypassRules(
    ReorderRules,
    tool="error-tracking-bypass-rules-reorder",
    request="PATCH bypass_rules/reorder/",
    aliases=("error-tracking-bypass-rules-reorder-partial-update",),
    since="mid 2026",
):
    """Change the order of bypass rules (exemptions from rate limits): move or put one before another, by new positions;
    those not named keep theirs. Returns the order that then holds."""


ENDPOINTS = (
    ListBypassRules,
    CreateBypassRule,
    RetrieveBypassRule,
    UpdateBypassRule,
    DeleteBypassRule,
    ReorderBypassRules,
)
