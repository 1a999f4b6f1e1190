"""Suppression rules: matching exceptions are dropped at ingestion (contract 6.3)."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Steps
from mcp_errortracking.catalog.filters import Filters
from mcp_errortracking.catalog.identifiers import SuppressionRuleId
from mcp_errortracking.catalog.meanings import Means
from mcp_errortracking.catalog.paging import PagedEndpoint
from mcp_errortracking.catalog.rules import CreateRule, DeleteRule, ReorderRules, UpdateRule

_DROPS_ALL = "This PostHog ignores sampling_rate: the rule drops every matching exception, for good."

Share = Annotated[
    float, Field(ge=0, le=1, examples=[1]), Means(advice="a share from 0 to 1: 0.5 drops half of the exceptions")
]
_RATE = dict.fromkeys(("rate", "percentage", "percent", "sample_rate", "share"), "sampling_rate")


class ListSuppressionRules(
    PagedEndpoint,
    tool="error-tracking-suppression-rules-list",
    request="GET suppression_rules/",
):
    """Show which exceptions are ignored, blocked, filtered out or dropped and never stored."""


class CreateSuppressionRule(
    CreateRule,
    tool="error-tracking-suppression-rules-create",
    request="POST suppression_rules/",
    destructive=True,
):
    """Block noise: stop capturing (ignore, drop, discard, exclude, filter out) exceptions of browser extensions, bots,
    third-party scripts, or keep only a sample. Matches are lost for good. Filters without conditions drop everything.
    For one issue, set its status to suppressed instead."""

    filters: Filters
    sampling_rate: Share | None = Field(default=None, description="Share dropped, 0 to 1; default 1.")

    meant = _RATE

    @model_validator(mode="before")
    @classmethod
    def all_is_asked_for(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Refuses a rule without filters, which PostHog lets drop every exception of the project (contract 6.3)."""
        if given.get("filters") in (None, "", {}):
            raise PydanticCustomError(
                "no_filters",
                'filters: say what to drop; {"type": "AND", "values": []} drops every exception of the project',
            )
        return given

    def steps(self) -> Steps:
        outcome = yield from super().steps()
        undo = "To stop it, call error-tracking-suppression-rules-destroy with its id."
        return _told(outcome, self.sampling_rate, f"The rule was created. {_DROPS_ALL} {undo}")


class RetrieveSuppressionRule(
    Endpoint,
    tool="error-tracking-suppression-rules-retrieve",
    request="GET suppression_rules/{id}/",
):
    """Get one suppression (ignore) rule by id, in detail: what exactly it matches, its filters (conditions), sampling
    rate and position, and why PostHog disabled it if it did."""

    id: SuppressionRuleId


class UpdateSuppressionRule(
    UpdateRule,
    tool="error-tracking-suppression-rules-update",
    request="PUT suppression_rules/{id}/",
    aliases=("error-tracking-suppression-rules-partial-update",),
):
    """Edit an existing ignore rule: change its filters (what is ignored) or sampling_rate."""

    id: SuppressionRuleId
    filters: Filters | None = None
    sampling_rate: Share | None = None

    meant = _RATE

    def steps(self) -> Steps:
        outcome = yield from super().steps()
        undo = "To drop fewer, give it narrower filters, or delete it with error-tracking-suppression-rules-destroy."
        return _told(outcome, self.sampling_rate, f"{_DROPS_ALL} {undo}")


def _told(outcome: Outcome, rate: float | None, note: str) -> Outcome:
    """The outcome, as a failure with a note where the rule drops more than was asked: an older PostHog has no rates."""
    rule = outcome.data
    if rate is None or rate == 1 or "filters" not in rule or "sampling_rate" in rule:
        return outcome
    return replace(outcome, notes=[note, *outcome.notes], failed=True)


class DeleteSuppressionRule(
    DeleteRule,
    undoes=CreateSuppressionRule,
    tool="error-tracking-suppression-rules-destroy",
    request="DELETE suppression_rules/{id}/",
):
    """Delete (remove, turn off) a suppression rule for good: stop ignoring (unblock), so that the exceptions it drops
    (blocks, filters out) are captured and recorded again. Returns it as it was."""

    id: SuppressionRuleId


class ReorderSuppressionRules(
    ReorderRules,
    tool="error-tracking-suppression-rules-reorder",
    request="PATCH suppression_rules/reorder/",
    aliases=("error-tracking-suppression-rules-reorder-partial-update",),
):
    """Change the order of suppression (ignore) rules: move or put one before another, by new positions; those not named
    keep theirs. Returns the order that then holds."""


ENDPOINTS = (
    ListSuppressionRules,
    CreateSuppressionRule,
    RetrieveSuppressionRule,
    UpdateSuppressionRule,
    DeleteSuppressionRule,
    ReorderSuppressionRules,
)
