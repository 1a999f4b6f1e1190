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
    """List bypass rules: matching exceptions are kept even over the rate limits."""


class CreateBypassRule(
    CreateRule,
    tool="error-tracking-bypass-rules-create",
    request="POST bypass_rules/",
    since="mid 2026",
    destructive=True,
):
    """Create a rule that lets matching exceptions pass rate limits."""

    filters: Filters


class RetrieveBypassRule(
    Endpoint,
    tool="error-tracking-bypass-rules-retrieve",
    request="GET bypass_rules/{id}/",
    since="mid 2026",
):
    """One bypass rule."""

    id: BypassRuleId


class UpdateBypassRule(
    UpdateRule,
    tool="error-tracking-bypass-rules-update",
    request="PUT bypass_rules/{id}/",
    since="mid 2026",
    aliases=("error-tracking-bypass-rules-partial-update",),
):
    """Replace the filters of a bypass rule and return it."""

    id: BypassRuleId
    filters: Filters | None = None


class DeleteBypassRule(
    DeleteRule,
    undoes=CreateBypassRule,
    tool="error-tracking-bypass-rules-destroy",
    request="DELETE bypass_rules/{id}/",
    since="mid 2026",
):
    """Delete a bypass rule for good. Returns it as it was."""

    id: BypassRuleId


class ReorderBypassRules(
    ReorderRules,
    tool="error-tracking-bypass-rules-reorder",
    request="PATCH bypass_rules/reorder/",
    aliases=("error-tracking-bypass-rules-reorder-partial-update",),
    since="mid 2026",
):
    """Set positions of bypass rules; those not named keep theirs. Returns the order that then holds."""


ENDPOINTS = (
    ListBypassRules,
    CreateBypassRule,
    RetrieveBypassRule,
    UpdateBypassRule,
    DeleteBypassRule,
    ReorderBypassRules,
)
