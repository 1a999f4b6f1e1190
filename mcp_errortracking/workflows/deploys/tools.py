"""The deploy report as an agent reads it: the declaration only. `report` does the work."""

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog import query_meanings
from mcp_errortracking.catalog.date_range import Date, DateRange
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.workflows.base import Workflow

_RANGE = "give dateRange, an object with date_from and date_to"
_BASELINE = "give compareTo, an object with date_from and date_to"


class Span(DateRange):
    """A range of the report. Relative dates count back from now, `date_to` too: `report` sends absolute ones."""

    date_from: Date | None = Field(default=None)
    date_to: Date | None = Field(default=None)


class DeployReport(
    Workflow, tool="error-tracking-deploy-report", toolset="deploys", read_only=True, since="spring 2026"
):
    """Report if a deploy (release, rollout) is safe: issues that are new, back, rising, falling or gone since then,
    against the time before; verdict (regression?) with reasons. Or compare two ranges, such as this week with last."""

    in_default = False

    release: Annotated[str, Shown("<version>")] | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Version, hash_id, commit or branch; default newest.",
        examples=["1.4.2"],
    )
    dateRange: Span | None = Field(default=None, description="Like -24h, or ISO 8601.")  # noqa: N815 as queries have it
    compareTo: Span | None = Field(default=None, description="Default: the same hours a day before.")  # noqa: N815

    meant = {
        **dict.fromkeys(
            ("version", "commit", "commit_id", "sha", "branch", "tag", "release_id", "hash_id", "deploy", "id"),
            "release",
        ),
        **dict.fromkeys(("baseline", "compare", "against", "before", "previous", "compare_with"), "compareTo"),
        **dict.fromkeys(("date_from", "date_to", *query_meanings.DATES, "range", "time_range"), _RANGE),
        **dict.fromkeys(("compare_from", "compare_until", "baseline_from"), _BASELINE),
    }
    meant_by = dict.fromkeys(("regression", "regressions", "rollout", "deployment"), "")

    @model_validator(mode="after")
    def one_range(self) -> "DeployReport":
        """Refuse a release and a range at once."""
        if self.release is not None and self.dateRange is not None:
            raise PydanticCustomError("both_ranges", "give release or dateRange, not both")
        return self
