"""Grouping rules: exceptions that match one become one issue, regardless of their stack traces (contract 6.2)."""

from pydantic import Field

from mcp_errortracking.catalog.assignee import AssigneeArgument
from mcp_errortracking.catalog.endpoint import Endpoint
from mcp_errortracking.catalog.filters import Filters
from mcp_errortracking.catalog.identifiers import GroupingRuleId
from mcp_errortracking.catalog.rules import CreateRule, DeleteRule, ListRules, ReorderRules, UpdateRule


class ListGroupingRules(
    ListRules,
    tool="error-tracking-grouping-rules-list",
    request="GET grouping_rules/",
):
    """List (show) custom grouping rules: how new exceptions are grouped together into issues."""


class CreateGroupingRule(
    CreateRule,
    tool="error-tracking-grouping-rules-create",
    request="POST grouping_rules/",
):
    """Create (add) a custom grouping rule: group matching new exceptions together into one single issue. Existing
    issues stay."""

    filters: Filters
    assignee: AssigneeArgument | None = Field(default=None, description="Of that issue.")
    description: str | None = None

    meant = dict.fromkeys(("name", "title"), "description")


class RetrieveGroupingRule(
    Endpoint,
    tool="error-tracking-grouping-rules-retrieve",
    request="GET grouping_rules/{id}/",
):
    """Get the details of one grouping rule by id: its exact filters (conditions), assignee and position, and why
    PostHog disabled it if it did."""

    id: GroupingRuleId


class UpdateGroupingRule(
    UpdateRule,
    tool="error-tracking-grouping-rules-update",
    request="PUT grouping_rules/{id}/",
    aliases=("error-tracking-grouping-rules-partial-update",),
    destructive=False,
):
    """Edit an existing grouping rule: replace its filters, to match more or other error types; this enables a disabled
    one."""

    id: GroupingRuleId
    filters: Filters | None = None


class DeleteGroupingRule(
    DeleteRule,
    undoes=CreateGroupingRule,
    tool="error-tracking-grouping-rules-destroy",
    request="DELETE grouping_rules/{id}/",
):
    """Delete (remove, get rid of) a grouping rule for good, so that exceptions are grouped as by default again. Returns
    it as it was."""

    id: GroupingRuleId


class ReorderGroupingRules(
    ReorderRules,
    tool="error-tracking-grouping-rules-reorder",
    request="PATCH grouping_rules/reorder/",
    aliases=("error-tracking-grouping-rules-reorder-partial-update",),
):
    """Reorder grouping rules: move or put one before another, by new positions; those not named keep theirs. Returns
    the order that then holds."""


ENDPOINTS = (
    ListGroupingRules,
    CreateGroupingRule,
    RetrieveGroupingRule,
    UpdateGroupingRule,
    DeleteGroupingRule,
    ReorderGroupingRules,
)
