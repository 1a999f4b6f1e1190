"""The tool that simulates a rule as an agent reads it: a declaration only. `simulation` does the work."""

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.date_range import DateRange
from mcp_errortracking.catalog.filters import Filters
from mcp_errortracking.catalog.identifiers import RealUUID
from mcp_errortracking.catalog.meanings import Means, Shown
from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.workflows.base import Workflow


class SimulateRule(Workflow, tool="error-tracking-rules-simulate", toolset="rules", read_only=True):
    """Simulate (preview, test, dry run) a rule before it is created or changed: how many exceptions and issues of a
    date range it would match, examples, which earlier rules take them first, what it would drop, group or assign.
    Give filters, or the id of a rule."""

    kind: Annotated[Kind, Means({"ignore": "suppression", "owner": "assignment"})] = Field(examples=["suppression"])
    filters: Filters | None = None
    id: Annotated[RealUUID | None, Shown("<id of a rule>")] = None
    order_key: int | None = Field(default=None, description="Position; default: last, or that of the rule.")
    sampling_rate: float | None = Field(default=None, ge=0, le=1, description="Of a suppression rule.")
    dateRange: DateRange | None = None  # noqa: N815 PostHog's name

    example_fields = ("filters",)
    meant = {
        **dict.fromkeys(("rule_id", "rule"), "id"),
        **dict.fromkeys(("type", "rule_type"), "kind"),
        **dict.fromkeys(("date_range", "range"), "dateRange"),
        **dict.fromkeys(("position", "order"), "order_key"),
    }
    meant_by = dict.fromkeys(("simulate", "preview", "dry"), "")

    @model_validator(mode="after")
    def one_rule(self) -> "SimulateRule":
        """Refuse none of the two, and both."""
        if (self.filters is None) == (self.id is None):
            raise PydanticCustomError("one_of", "give filters or id, one of them")
        return self
