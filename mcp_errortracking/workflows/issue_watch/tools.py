"""The watch of an issue as an agent reads it: the declaration only. `watch` does the work."""

from typing import Annotated, Literal

from pydantic import Field

from mcp_errortracking.catalog.declaration import AtMost
from mcp_errortracking.catalog.identifiers import IssueId
from mcp_errortracking.workflows.base import Workflow

Change = Literal["event", "reopened", "status", "spike"]
DEFAULT_WAIT, LONGEST_WAIT = 30, 540
"""Seconds. The longest is below `Workflow.patience`, the time limit of a call whose client follows its progress."""


class WatchIssue(Workflow, tool="error-tracking-issue-watch", toolset="briefs", read_only=True, since="spring 2026"):
    """Wait until an issue comes back (new event, reopened, status change or spike), with its release; or return a
    cursor to go on waiting."""

    in_default = False

    id: IssueId
    wait: Annotated[int, Field(ge=0), AtMost(LONGEST_WAIT)] | None = Field(
        default=None, description=f"Seconds, default {DEFAULT_WAIT}; 0 looks once."
    )
    cursor: str | None = Field(default=None, min_length=1, description="From the last answer.")
    until: list[Change] | None = Field(default=None, description="Default any.", examples=[["spike"]])

    meant = {
        **dict.fromkeys(("issue_id", "issue", "issueId"), "id"),
        **dict.fromkeys(("seconds", "timeout", "duration", "wait_seconds"), "wait"),
        **dict.fromkeys(("after", "next_cursor", "since"), "cursor"),
        **dict.fromkeys(("events", "changes", "event"), "until"),
    }
    meant_by = {"wait": "", "monitor": "", "follow": ""}
