"""The brief of an issue as an agent reads it: the declaration only. `brief` does the work."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from mcp_errortracking.catalog.date_range import Range
from mcp_errortracking.catalog.identifiers import IssueId
from mcp_errortracking.workflows.base import Workflow

Section = Literal[
    "what",
    "trend",
    "impact",
    "who",
    "shared",
    "releases",
    "stack",
    "source",
    "suspects",
    "recordings",
    "tickets",
    "duplicates",
    "rules",
]
SECTIONS: tuple[Section, ...] = get_args(Section)
DEFAULT_TOKENS = 1500


class BriefIssue(Workflow, tool="error-tracking-issue-brief", toolset="briefs", read_only=True):
    """Explain one issue on one page: impact, trend, affected users and what they share, stack with source, suspect
    commits, owner, recordings, tickets, duplicates, rules."""

    id: IssueId
    sections: list[Section] | None = Field(default=None, description="Default all.", examples=[["stack", "suspects"]])
    dateRange: Range | None = Field(default=None, description="Default -30d.")  # noqa: N815 PostHog's name
    max_tokens: Annotated[int, Field(ge=100, le=1_000_000)] | None = Field(default=None, exclude=True)

    meant = {
        **dict.fromkeys(("issue_id", "issue"), "id"),
        **dict.fromkeys(("section", "include", "parts"), "sections"),
        **dict.fromkeys(("date_range", "range", "period"), "dateRange"),
    }
    meant_by = {"summary": "", "explain": "", "investigate": "", "blame": 'sections ["suspects"]'}
