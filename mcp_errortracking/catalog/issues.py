"""Issues: groups of exceptions, and their life cycle (contract 6.6)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog import issue_meanings
from mcp_errortracking.catalog.assignee import ASSIGNEE, AssigneeArgument
from mcp_errortracking.catalog.endpoint import (
    PAGE,
    Endpoint,
    Outcome,
    Snapshot,
    StepError,
    Steps,
    as_object,
    as_objects,
    call_of,
)
from mcp_errortracking.catalog.identifiers import IssueId
from mcp_errortracking.catalog.issue_ids import missing_issues, note_on_missing
from mcp_errortracking.catalog.issue_reading import SCOPED, read_back, read_issue
from mcp_errortracking.catalog.meanings import FIND_ASSIGNEES, STATUSES, Means, Shown
from mcp_errortracking.catalog.merging import MergeIssues, SplitIssue
from mcp_errortracking.catalog.paging import ActivityEndpoint, PagedEndpoint
from mcp_errortracking.catalog.severity import Severity

_ANOTHER = "01936f30-0c4d-7000-8000-77b1e6d2f0a9"
_MOST_READ = 20
"""Issues of a bulk change that are read before it: each takes a request."""

_UNKNOWN_ASSIGNEE = f"Nothing was assigned. {FIND_ASSIGNEES}."

Status = Annotated[
    Literal["active", "resolved", "suppressed"],
    Field(examples=["resolved"]),
    Means({**STATUSES, "archived": "resolved", "deleted": "suppressed"}),
]


class ListIssues(
    PagedEndpoint,
    tool="error-tracking-issues-list",
    request="GET issues/",
):
    """Dump plain issues (id, name, status), without counts or other statistics. To search, filter or sort, use
    query-error-tracking-issues-list."""

    meant = {
        **dict.fromkeys(
            ("search", "query", "search_query", "name"), "call query-error-tracking-issues-list with searchQuery"
        ),
        **dict.fromkeys(
            (
                "status",
                "filter_group",
                "date_range",
                "order_by",
                "assignee",
                "library",
                "release",
                "filters",
                "severity",
            ),
            "call query-error-tracking-issues-list, which filters and sorts",
        ),
    }


class RetrieveIssue(
    Endpoint,
    tool="error-tracking-issues-retrieve",
    request="GET issues/{id}/",
):
    """Get one issue record by id, raw: status, assignee, first seen, its linked tickets and cohort, and where a merged
    issue went. For counts and stack, use query-error-tracking-issue."""

    id: IssueId
    fingerprint: str | None = Field(default=None, description="Says where the issue of this fingerprint went.")


class UpdateIssue(
    Endpoint,
    tool="error-tracking-issues-partial-update",
    request="PATCH issues/{id}/",
    nulls=("severity", "name", "description"),
    destructive=False,
):
    """Resolve (fixed), close, ignore, hide, mute, silence, archive, reopen or unsuppress an issue (bug), change its
    severity (priority), rename or describe it; null removes these. suppressed drops its new events; resolved reopens
    when it comes back."""

    id: IssueId
    status: Status | None = None
    severity: Annotated[
        Severity | None, Means(dict.fromkeys(("none", "unset", "clear"), "give null, which removes it"))
    ] = None
    name: str | None = None
    description: str | None = None

    example_fields = ("status",)
    meant = issue_meanings.UPDATE
    meant_by = issue_meanings.UPDATE_NAMES

    @model_validator(mode="after")
    def something_changes(self) -> "UpdateIssue":
        """Refuses an update of nothing."""
        if all(getattr(self, name) is None and name not in self.nulls for name in self.model_fields_set - {"id"}):
            raise PydanticCustomError("nothing_to_do", "give status, severity, name or description")
        return self

    def steps(self) -> Steps:
        issue = as_object((yield self.request()))
        is_ignored = self.severity is not None and "id" in issue and "severity" not in issue
        notes = ["This PostHog ignores severity: it is too old for it."] if is_ignored else []
        return Outcome(issue, notes, failed=is_ignored, page=f"{PAGE}/{self.id}")

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return self.restore(before)


class AssignIssue(
    Endpoint,
    tool="error-tracking-issues-assign-partial-update",
    request="PATCH issues/{id}/assign/",
    nulls=("assignee",),
    destructive=False,
    since=SCOPED,
    older_status=403,
):
    """Assign, reassign, delegate or hand over an issue (bug) to its owner (responsible): a user (me) or role (team)
    takes it; null unassigns, removing the assignee."""

    id: IssueId
    assignee: Annotated[AssigneeArgument | None, Means(advice="null unassigns")] = Field(
        examples=[{"type": "user", "id": "1"}]
    )

    meant = {
        **issue_meanings.ID,
        **ASSIGNEE,
        **dict.fromkeys(("ids", "issue_ids"), issue_meanings.IN_BULK.format(action="assign")),
        "status": "call error-tracking-issues-partial-update with status",
    }
    meant_by = {"assign": "", "reassign": "assignee", "unassign": "assignee null", "owner": "assignee"}
    advice = {
        "unknown_assignee": _UNKNOWN_ASSIGNEE,
        "error": "An older PostHog fails like this when the assignee does not exist: check the user or role id.",
    }

    def steps(self) -> Steps:
        answer = as_object((yield self.request()))
        return (yield from read_back(str(self.id), answer))

    def snapshot(self) -> Snapshot:
        return as_object((yield read_issue(self.id)))

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return call_of(AssignIssue, {"id": self.id, "assignee": _writable(before.get("assignee"))})


class SetIssueCohort(
    Endpoint,
    tool="error-tracking-issues-cohort-update",
    request="PUT issues/{id}/cohort/",
    since=SCOPED,
    older_status=403,
):
    """Attach (link, connect, add) a cohort (segment of users) to an issue."""

    id: IssueId
    cohortId: Annotated[int, Shown("<number of a cohort>")] = Field(ge=1, examples=[3])  # noqa: N815 PostHog's name

    meant = {**issue_meanings.ID, "cohort": "cohortId"}

    advice = {"not_found": "The issue or the cohort does not exist in this project."}

    def snapshot(self) -> Snapshot:
        return as_object((yield read_issue(self.id)))

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return call_of(SetIssueCohort, {"id": self.id, "cohortId": as_object(before.get("cohort")).get("id")})


class UpdateIssuesInBulk(
    Endpoint,
    tool="error-tracking-issues-bulk-create",
    request="POST issues/bulk/",
    nulls=("assignee",),
    since=SCOPED,
    older_status=403,
    destructive=True,
    idempotent=True,
):
    """In bulk, many issues (bugs) at once, several together, a batch or a whole list: resolve, close, ignore, suppress,
    archive, reopen or assign (give) them in one go; null unassigns."""

    action: Annotated[Literal["set_status", "assign"], Means(issue_meanings.ACTIONS)] = Field(examples=["set_status"])
    ids: list[IssueId] = Field(min_length=1, examples=[[_ANOTHER]])
    status: Status | None = None
    assignee: AssigneeArgument | None = None

    example_fields = ("status",)
    meant = {
        **dict.fromkeys(("issue_ids", "issues", "id"), "ids"),
        **ASSIGNEE,
        **dict.fromkeys(("severity", "name"), "call error-tracking-issues-partial-update for each id"),
    }
    advice = {"unknown_assignee": _UNKNOWN_ASSIGNEE}
    meant_by = {"bulk": "", "all": "", "many": ""}

    @model_validator(mode="after")
    def action_has_its_value(self) -> "UpdateIssuesInBulk":
        """Refuses an action without what it sets."""
        if self.action == "set_status" and self.status is None:
            raise PydanticCustomError("no_status", "status: needed by set_status")
        if self.action == "assign" and "assignee" not in self.model_fields_set:
            raise PydanticCustomError(
                "no_assignee",
                "assignee: needed by assign; null unassigns, or give an object with type user or role and id",
            )
        idle = "assignee" if self.action == "set_status" else "status"
        if getattr(self, idle) is not None:
            raise PydanticCustomError(
                "idle",
                "{idle}: {action} does not set it; give it in a call of its own",
                {"idle": idle, "action": self.action},
            )
        return self

    def steps(self) -> Steps:
        answer = as_object((yield self.request()))
        try:
            missing = yield from missing_issues(self.ids)  # PostHog ignores unknown ids (contract 6.6)
        except StepError:
            return Outcome(answer)
        return Outcome(answer, note_on_missing(missing, len(self.ids)), failed=len(missing) == len(self.ids))

    def snapshot(self) -> Snapshot:
        return (yield from _read_all(self.ids))

    def differences(self, after: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, tuple[Any, Any]] | None:
        name = "status" if self.action == "set_status" else "assignee"
        wanted = self.model_dump(mode="json")[name]
        held = {str(issue.get("id")): _writable(issue.get(name)) for issue in as_objects(current.get("results"))}
        return {
            f"{name} of {issue}": (wanted, held.get(str(issue))) for issue in self.ids if held.get(str(issue)) != wanted
        }

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        name = "status" if self.action == "set_status" else "assignee"
        issues = {str(issue.get("id")): _writable(issue.get(name)) for issue in as_objects(before.get("results"))}
        old = [issues.get(str(issue)) for issue in self.ids]
        if any(str(issue) not in issues for issue in self.ids) or any(value != old[0] for value in old):
            return None  # one call for each old value
        return call_of(UpdateIssuesInBulk, {"action": self.action, "ids": self.ids, name: old[0]})


class IssuesExist(
    Endpoint,
    tool="error-tracking-issues-exists-retrieve",
    request="GET issues/exists/",
):
    """Check if error tracking works and receives data: if the project has at least one issue. If not, no exception was
    ever captured."""


class ListIssuesActivity(
    ActivityEndpoint,
    tool="error-tracking-issues-all-activity-retrieve",
    request="GET issues/activity/",
    scope="activity_log:read",
):
    """Show the recent activity of the team on all errors (audit log, feed): changes that people made to issues, who
    resolved, reopened or assigned which, and when."""


class ListIssueActivity(
    ActivityEndpoint,
    tool="error-tracking-issues-activity-retrieve",
    request="GET issues/{id}/activity/",
    scope="activity_log:read",
):
    """Show the history of this one issue (activity log, changelog, timeline of status changes), newest first: who
    resolved, reopened, assigned or renamed it, and when."""

    id: IssueId

    meant_by = dict.fromkeys(("history", "log", "changes"), "")


class FindIssueValues(
    Endpoint,
    tool="error-tracking-issues-values-retrieve",
    request="GET issues/values/",
    since=SCOPED,
    older_status=403,
):
    """Suggest values while someone types (autocomplete, typeahead): the names (titles) or descriptions of issues that
    contain, start with or match a text."""

    key: Annotated[
        Literal["name", "issue_description"], Means({"description": "issue_description", "title": "name"})
    ] = Field(examples=["name"])
    value: Annotated[str, Shown("<part of it>")] = Field(min_length=1, examples=["Type"])

    meant = {**dict.fromkeys(("query", "search", "text"), "value"), "property": "key"}


def _writable(value: Any) -> Any:
    """Return an issue's value as a write takes it: an assignee is read with more fields than its type and id."""
    return {name: value.get(name) for name in ("type", "id")} if isinstance(value, dict) else value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _read_all(ids: Sequence[object]) -> Snapshot:
    """Read each issue; none of them if they are many."""
    results = list[dict[str, Any]]()
    if len(ids) <= _MOST_READ:
        for issue in ids:
            results.append(as_object((yield read_issue(issue))))
    return {"results": results}


ENDPOINTS = (
    ListIssues,
    RetrieveIssue,
    UpdateIssue,
    AssignIssue,
    MergeIssues,
    SplitIssue,
    SetIssueCohort,
    UpdateIssuesInBulk,
    FindIssueValues,
    IssuesExist,
    ListIssuesActivity,
    ListIssueActivity,
)
