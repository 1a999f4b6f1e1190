"""Assignment rules: who gets a new issue (contract 3). The first rule in order whose filters match decides."""

from collections.abc import Generator
from typing import Annotated, Any

from pydantic import Field

from mcp_errortracking.catalog.assignee import AssigneeArgument
from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Request, StepError, Steps, as_object, as_objects
from mcp_errortracking.catalog.filters import Filters
from mcp_errortracking.catalog.identifiers import RuleId
from mcp_errortracking.catalog.paging import PagedEndpoint, next_offset

OrderKey = Annotated[int, Field(ge=-(2**31), le=2**31 - 1, examples=[0])]
"""A PostgreSQL 32-bit integer; PostHog fails with 500 on anything larger (contract 3.0)."""

_READ = "error_tracking:read"
_WRITE = "error_tracking:write"
_MATCHES_EVERYTHING = (
    "These filters hold no condition: PostHog lets such a rule match every issue (before May 2026: it disables it)."
)
_UNKNOWN_RULE = "List the rules with error-tracking-assignment-rules-list and use an id from there."


class ListAssignmentRules(
    PagedEndpoint,
    tool="error-tracking-assignment-rules-list",
    request="GET assignment_rules/",
    scope=_READ,
):
    """Assignment rules in the order they are tried; the first match assigns a new issue."""


class CreateAssignmentRule(
    Endpoint,
    tool="error-tracking-assignment-rules-create",
    request="POST assignment_rules/",
    scope=_WRITE,
):
    """Create a rule that assigns matching new issues. Existing issues stay as they are. Useful keys: $exception_types,
    $exception_values, $exception_sources, $exception_functions."""

    filters: Filters
    assignee: AssigneeArgument
    order_key: OrderKey | None = Field(default=None, description="Lower runs first; default 0.")

    advice = {
        "error": "PostHog fails like this when the assignee does not exist: check the user or role id, and list the "
        "rules before you repeat it.",
    }

    def steps(self) -> Steps:
        rule = as_object((yield self.request()))
        notes = [_MATCHES_EVERYTHING] if self.filters.matches_everything() else []
        if self.order_key is not None and rule.get("order_key", self.order_key) != self.order_key:
            notes.append(
                f"This PostHog ignores order_key on create and stored {rule.get('order_key')}: "
                "set the order with error-tracking-assignment-rules-reorder."
            )
        return Outcome(rule, notes)


class RetrieveAssignmentRule(
    Endpoint,
    tool="error-tracking-assignment-rules-retrieve",
    request="GET assignment_rules/{id}/",
    scope=_READ,
):
    """One assignment rule with its exact filters."""

    id: RuleId

    advice = {"not_found": _UNKNOWN_RULE}


class UpdateAssignmentRule(
    Endpoint,
    tool="error-tracking-assignment-rules-partial-update",
    request="PATCH assignment_rules/{id}/",
    scope=_WRITE,
):
    """Replace a rule's filters, assignee or both, and return the rule. Omitted fields stay. Any update re-enables a
    disabled rule."""

    id: RuleId
    filters: Filters | None = None
    assignee: AssigneeArgument | None = None

    advice = {"not_found": _UNKNOWN_RULE, "error": CreateAssignmentRule.advice["error"]}

    def steps(self) -> Steps:
        # 204 without a body, so the rule is read back (contract 3.5).
        sent = self.request()
        yield sent
        try:
            rule = as_object((yield RetrieveAssignmentRule(id=self.id).request()))
        except StepError as failure:
            return Outcome(
                {"id": str(self.id), "updated": True},
                [f"PostHog accepted the update, but the rule could not be read back. {failure.summary}"],
            )
        notes = [_MATCHES_EVERYTHING] if self.filters and self.filters.matches_everything() else []
        kept = [name for name, value in (sent.json or {}).items() if name in rule and rule[name] != value]
        if kept:
            notes.append(f"PostHog accepted the update, but {' and '.join(kept)} read back differs from what was sent.")
        if rule.get("disabled_data") is not None:
            notes.append("The rule is still disabled: this PostHog is too old to re-enable a rule by an update.")
        return Outcome(rule, notes, failed=bool(kept))


class DeleteAssignmentRule(
    Endpoint,
    tool="error-tracking-assignment-rules-destroy",
    request="DELETE assignment_rules/{id}/",
    scope=_WRITE,
):
    """Delete a rule for good. Returns it as it was, complete enough to create it again."""

    id: RuleId

    advice = {"not_found": _UNKNOWN_RULE}

    def steps(self) -> Steps:
        rule = as_object((yield RetrieveAssignmentRule(id=self.id).request()))
        yield self.request()
        return Outcome(
            {"deleted": rule},
            ["To undo, call error-tracking-assignment-rules-create with these filters, assignee and order_key."],
        )


class ReorderAssignmentRules(
    Endpoint,
    tool="error-tracking-assignment-rules-reorder",
    request="PATCH assignment_rules/reorder/",
    scope=_WRITE,
    aliases=("error-tracking-assignment-rules-reorder-partial-update",),
):
    """Set positions in the order rules are tried (lower first); rules not named keep theirs. Returns the order that
    then holds."""

    # The docs list the last three; the server reads `orders` alone (contract 3.7).
    orders: dict[RuleId, OrderKey] = Field(
        min_length=1,
        description="{rule id: position}",
        examples=[{"01936f2e-7a51-7000-8000-3d0f1c9a42b7": 0}],
    )
    filters: dict[str, Any] | None = Field(default=None, exclude=True, description="No effect.")
    order_key: int | None = Field(default=None, exclude=True, description="No effect.")
    disabled_data: dict[str, Any] | None = Field(default=None, exclude=True, description="No effect.")

    advice = {
        "no_api_key_access": "PostHog before about September 2026 lets no API key reorder: reorder in PostHog's "
        "settings (Error tracking, Assignment rules), or upgrade PostHog.",
    }

    def steps(self) -> Steps:
        # 204 whether or not anything changed, so the whole list is read back and compared (contract 3.7).
        yield self.request()
        try:
            rules = yield from _all_rules()
        except StepError as failure:
            return Outcome(
                {"reordered": None},
                [f"PostHog accepted the call, but the new order could not be read back. {failure.summary}"],
            )
        wanted = {str(rule): position for rule, position in self.orders.items()}
        held = {str(rule.get("id")): rule.get("order_key") for rule in rules}
        unknown = [rule for rule in wanted if rule not in held]
        unmoved = [rule for rule, position in wanted.items() if rule in held and held[rule] != position]
        order = [{"id": rule.get("id"), "order_key": rule.get("order_key")} for rule in rules]
        notes = list[str]()
        if unmoved:
            notes.append(
                "Nothing was reordered: PostHog answered 204 but kept the old positions of "
                f"{', '.join(unmoved)}. It is too old for this call, or another reorder came in between."
            )
        if unknown:
            notes.append(f"Ignored, no rules of this project: {', '.join(unknown)}.")
        if len(set(held.values())) < len(held):
            notes.append("Some rules share a position; PostHog tries those in no defined order.")
        ineffective = [name for name in ("filters", "order_key", "disabled_data") if getattr(self, name) is not None]
        if ineffective:
            notes.append(
                f"Had no effect: {', '.join(ineffective)}. Use error-tracking-assignment-rules-partial-update."
            )
        return Outcome({"order": order}, notes, failed=bool(unmoved) or len(unknown) == len(wanted))


def _all_rules() -> Generator[Request, Any, list[dict[str, Any]]]:
    rules = list[dict[str, Any]]()
    offset: int | None = None
    while True:
        page = as_object((yield ListAssignmentRules(limit=1000, offset=offset).request()))
        rules += as_objects(page.get("results"))
        following = next_offset(page.get("next"))
        if following is None or following <= (offset or 0):
            return rules
        offset = following
