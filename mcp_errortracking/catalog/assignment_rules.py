"""Assignment rules: who gets a new issue (contract 3). The first rule in order whose filters match decides."""

from typing import Annotated, Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from mcp_errortracking.catalog.assignee import ASSIGNEE, AssigneeArgument
from mcp_errortracking.catalog.endpoint import Endpoint, Request, Steps
from mcp_errortracking.catalog.filters import Filters
from mcp_errortracking.catalog.identifiers import AssignmentRuleId
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.catalog.paging import PagedEndpoint
from mcp_errortracking.catalog.rules import (
    ORDER_EXAMPLES,
    ORDER_PAIRS,
    ORDER_SCHEMA,
    CreateRule,
    DeleteRule,
    OrderKey,
    ReorderRules,
    UpdateRule,
)


class ListAssignmentRules(
    PagedEndpoint,
    tool="error-tracking-assignment-rules-list",
    request="GET assignment_rules/",
):
    """Show the ownership rules that auto-assign new issues automatically, in the order tried; the first match decides
    who owns it."""


class CreateAssignmentRule(
    CreateRule,
    tool="error-tracking-assignment-rules-create",
    request="POST assignment_rules/",
):
    """Set up ownership: automatically assign (auto-assign, route) matching exceptions of a type, file path, page (url)
    or text to an owner, a user or role (team). Existing issues stay."""

    filters: Filters
    assignee: AssigneeArgument
    order_key: OrderKey | None = Field(default=None, description="Lower runs first.")

    meant = ASSIGNEE
    advice = {
        "error": "PostHog fails like this when the assignee does not exist: check the user or role id, and list the "
        "rules before you repeat it.",
    }


class RetrieveAssignmentRule(
    Endpoint,
    tool="error-tracking-assignment-rules-retrieve",
    request="GET assignment_rules/{id}/",
):
    """Get (show) a single assignment rule by id: its exact filters, assignee and position, and why PostHog disabled it
    if it did."""

    id: AssignmentRuleId


class UpdateAssignmentRule(
    UpdateRule,
    tool="error-tracking-assignment-rules-partial-update",
    request="PATCH assignment_rules/{id}/",
):
    """Edit an existing assignment (ownership) rule: replace its filters (add a path), its assignee (send its errors to
    someone else, another team) or both. Omitted fields stay. Any update re-enables a disabled
    rule."""

    id: AssignmentRuleId
    filters: Filters | None = None
    assignee: AssigneeArgument | None = None

    meant = ASSIGNEE
    advice = {"error": CreateAssignmentRule.advice["error"]}

    def _still_disabled(self, sent: Request) -> str:
        return "The rule is still disabled: this PostHog is too old to re-enable a rule by an update."


class DeleteAssignmentRule(
    DeleteRule,
    undoes=CreateAssignmentRule,
    tool="error-tracking-assignment-rules-destroy",
    request="DELETE assignment_rules/{id}/",
):
    """Delete (remove, drop) an assignment rule for good: no longer auto-assign (own) new issues, e.g. to someone who
    left."""

    id: AssignmentRuleId


class ReorderAssignmentRules(
    ReorderRules,
    tool="error-tracking-assignment-rules-reorder",
    request="PATCH assignment_rules/reorder/",
    aliases=("error-tracking-assignment-rules-reorder-partial-update",),
):
    """Change the order of assignment (ownership) rules: move one to the top, so that it is tried (checked) first and
    wins over a catch-all; by positions, lower first; rules not named keep theirs."""

    orders: Annotated[
        dict[AssignmentRuleId, OrderKey],
        ORDER_PAIRS,
        ORDER_SCHEMA,
        Shown([{"id": "<id of an assignment rule>", "order_key": 0}]),
    ] = Field(min_length=1, examples=ORDER_EXAMPLES)
    # The docs list these three; the server reads `orders` alone (contract 3.7).
    filters: SkipJsonSchema[dict[str, Any] | None] = Field(default=None, exclude=True)
    order_key: SkipJsonSchema[int | None] = Field(default=None, exclude=True)
    disabled_data: SkipJsonSchema[dict[str, Any] | None] = Field(default=None, exclude=True)

    def steps(self) -> Steps:
        outcome = yield from super().steps()
        ineffective = [name for name in ("filters", "order_key", "disabled_data") if getattr(self, name) is not None]
        if ineffective:
            outcome.notes.append(
                f"Had no effect: {', '.join(ineffective)}. Use error-tracking-assignment-rules-partial-update."
            )
        return outcome


ENDPOINTS = (
    ListAssignmentRules,
    CreateAssignmentRule,
    RetrieveAssignmentRule,
    UpdateAssignmentRule,
    DeleteAssignmentRule,
    ReorderAssignmentRules,
)
