"""The change of all issues that match as an agent reads it: the declaration only. `matching` does the work."""

from typing import Annotated

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog import query_meanings
from mcp_errortracking.catalog.assignee import AssigneeArgument
from mcp_errortracking.catalog.date_range import Range
from mcp_errortracking.catalog.identifiers import RealUUID
from mcp_errortracking.catalog.issues import Status
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.catalog.query_arguments import Conditions, LongText, OneOrMore, StatusFilter, Text
from mcp_errortracking.workflows.base import Workflow

CHANGES = ("setStatus", "setAssignee", "unassign")
"""The arguments that say what to change; one of them is given."""
_PREVIEW = "leave apply out to see what would change; the answer has the token to give as apply"


class UpdateMatching(
    Workflow, tool="error-tracking-issues-update-matching", toolset="bulk", destructive=True, since="spring 2026"
):
    """Resolve, suppress, reopen, assign or unassign every issue that matches a filter, at once; filters as in
    query-error-tracking-issues-list. First shows what would change; its token as apply does it."""

    setStatus: Status | None = None  # noqa: N815 as PostHog's arguments below
    setAssignee: AssigneeArgument | None = None  # noqa: N815
    unassign: bool | None = None
    apply: Annotated[str, Shown("<token>")] | None = Field(default=None, max_length=100)
    dateRange: Range | None = None  # noqa: N815
    status: StatusFilter | None = Field(default=None, description="Default active.")
    searchQuery: Text | None = Field(default=None, examples=["ResizeObserver"])  # noqa: N815
    assignee: AssigneeArgument | None = None
    filterGroup: Conditions | None = None  # noqa: N815
    library: OneOrMore | None = None
    release: Text | None = None
    fingerprint: OneOrMore | None = None
    user: Text | None = None
    personId: RealUUID | None = None  # noqa: N815
    url: LongText | None = None
    filePath: LongText | None = None  # noqa: N815
    filterTestAccounts: bool | None = None  # noqa: N815

    _rehearsed: str | None = PrivateAttr(default=None)

    way_back = "If the server keeps a journal, error-tracking-changes-undo undoes it."
    example_fields = ("setStatus", "searchQuery")
    meant = {
        **dict.fromkeys(("query", "search", "text", "message"), "searchQuery"),
        **dict.fromkeys(("filters", "conditions", "where"), "filterGroup"),
        **dict.fromkeys(("date_from", "since", "range", "date_range"), "give dateRange, an object with date_from"),
        **dict.fromkeys(("newStatus", "set_status", "to_status"), "setStatus"),
        **dict.fromkeys(("assign_to", "newAssignee", "set_assignee", "owner"), "setAssignee"),
        **dict.fromkeys(("dry_run", "preview", "force"), _PREVIEW),
        "token": "apply",
        **dict.fromkeys(("ids", "issue_ids"), "call error-tracking-issues-bulk-create with ids"),
        "severity": query_meanings.ISSUES["severity"],
    }
    meant_by = dict.fromkeys(("bulk", "matching", "mass", "all"), "")

    @model_validator(mode="after")
    def one_change(self) -> "UpdateMatching":
        """Refuse a call that says nothing or two things to do, or that names no issues."""
        if sum(bool(getattr(self, name)) for name in CHANGES) != 1:
            raise PydanticCustomError("one_of", "give one of setStatus, setAssignee, unassign true")
        if not self.model_fields_set - {*CHANGES, "apply"}:
            raise PydanticCustomError("no_filter", "give a filter, such as searchQuery, or status active for all")
        return self

    def writes(self) -> bool:
        return self.apply is not None

    def rehearsal(self) -> "UpdateMatching":
        made = self.model_copy(update={"apply": None})
        made._rehearsed = self.apply
        return made

    @property
    def rehearsed(self) -> str | None:
        """The token that a person is asked about: the plan is made again as of its moment, so that it stays the same
        while the person decides."""
        return self._rehearsed
