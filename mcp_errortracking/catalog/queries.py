"""Questions about issues: which there are, how often they happen, what an event of one looks like (contract 6.13)."""

import re
from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from mcp_errortracking.catalog import query_meanings
from mcp_errortracking.catalog.assignee import AssigneeArgument
from mcp_errortracking.catalog.breakdowns import notes_on_breakdown, show_breakdown
from mcp_errortracking.catalog.date_range import DateRange, Range, note_on_end
from mcp_errortracking.catalog.dates import note_on_months
from mcp_errortracking.catalog.declaration import AtMost
from mcp_errortracking.catalog.endpoint import (
    PAGE,
    ROW_PAGES,
    Outcome,
    Request,
    Steps,
    as_object,
    as_objects,
    text_of,
)
from mcp_errortracking.catalog.filters import PropertyFilter
from mcp_errortracking.catalog.identifiers import IssueId, RealUUID
from mcp_errortracking.catalog.meanings import Means
from mcp_errortracking.catalog.paging import LongEndpoint
from mcp_errortracking.catalog.property_names import explain_nothing, notes_on_keys
from mcp_errortracking.catalog.query_answers import beyond, read_part, row_of
from mcp_errortracking.catalog.query_arguments import (
    Buckets,
    Conditions,
    Direction,
    LongText,
    OneOrMore,
    StatusFilter,
    Text,
)
from mcp_errortracking.catalog.stack_traces import MAX_FRAMES, exceptions_by_event, legend, show_event, show_top_frame

_SINCE = "spring 2026"
_UNKNOWN_ISSUE = "Find issues with query-error-tracking-issues-list (status all, a longer dateRange)."
_NO_EVENTS = (
    "No event in this range, so PostHog sent no counts, times or assignee: try a longer dateRange, or "
    "filterTestAccounts false."
)
_CUT = re.compile(r"… \[truncated from \d+ chars\]$")
_GROUPS_OF: dict[str, tuple[str, ...]] = {
    "summary": (),
    "stack": ("exception", "stacktrace"),
    "raw": (
        *("exception", "stacktrace", "code_variables", "environment", "release", "navigation", "correlation"),
        "diagnostics",
    ),
}
"""The groups of include by the verbosity that showed them (contract 6.13)."""
_LIST_LIMIT = 25
_LISTS = ("library", "fingerprint")
"""Lists that PostHog refuses where they are empty: to filter by none is not to filter."""
_MOST_ISSUES, _MOST_EVENTS = 100, 20
"""The most of each that PostHog can be asked for: of an answer with more, the rest is not looked at."""


class QueryIssues(
    LongEndpoint,
    tool="query-error-tracking-issues-list",
    request="POST query/issues/",
    since=_SINCE,
    read_only=True,
    toolset="issues",
):
    """Find (look for, list) errors (issues, exceptions, bugs, crashes, failures) to triage: what is broken or failing
    in production, in an app, API, page (url), file or browser (Safari ...); new today or since a deploy (first seen),
    last seen this week or in a date range, sorted by most common (top), latest, users affected. By status (open,
    unresolved), assignee (assigned to me, nobody), user (customer), message, release version, environment, library;
    filterGroup (severity, device ...): all must hold."""

    dateRange: Range | None = None  # noqa: N815 PostHog's name, as all like it below
    status: StatusFilter | None = Field(default=None, description="Default active.", examples=["all"])
    searchQuery: Text | None = Field(default=None, description="Search in type, message, stack.")  # noqa: N815
    orderBy: (  # noqa: N815
        Annotated[Literal["last_seen", "first_seen", "occurrences", "users", "sessions"], Means(query_meanings.ORDERS)]
        | None
    ) = None
    orderDirection: Direction | None = None  # noqa: N815
    assignee: AssigneeArgument | None = None
    filterGroup: Conditions | None = None  # noqa: N815
    library: OneOrMore | None = Field(default=None, description="web, posthog-python ...")
    release: Text | None = None
    fingerprint: OneOrMore | None = None
    user: Text | None = Field(default=None, description="distinct_id or email.")
    personId: RealUUID | None = None  # noqa: N815
    url: LongText | None = None
    filePath: LongText | None = None  # noqa: N815
    filterTestAccounts: bool | None = Field(default=None, description="Default true: leave them out.")  # noqa: N815
    volumeResolution: Buckets | None = Field(default=None, description="Sparkline buckets, to see spikes.")  # noqa: N815
    limit: Annotated[int, Field(ge=1), AtMost(_MOST_ISSUES)] | None = Field(default=None, examples=[5])
    offset: Annotated[int, Field(ge=0)] | None = None

    meant = query_meanings.ISSUES
    meant_by = {"list": "", "search": "searchQuery", "find": "searchQuery", "top": "orderBy"}

    def request(self) -> Request:
        sent = super().request()
        body = {name: value for name, value in (sent.json or {}).items() if name not in _LISTS or value != []}
        return Request(sent.method, sent.path, json={"limit": _LIST_LIMIT, **body})

    def steps(self) -> Steps:
        answer = read_part((yield self.request()))
        issues = as_objects(answer.get("results"))
        rows = [row_of(issue) for issue in issues[:_MOST_ISSUES]]
        notes = beyond(issues, _MOST_ISSUES) + _notes_on(self.dateRange, self.filterGroup)
        if any(_CUT.search(text_of(issue, "description")[-100:]) for issue in issues[:_MOST_ISSUES]):
            notes.append("PostHog cut a description; query-error-tracking-issue has it whole.")
        if answer.get("results") == [] and not notes:
            notes = [self._why_empty()] + (yield from explain_nothing(() if self.offset else self.filterGroup or ()))
        notes += note_on_end(self.dateRange)
        return Outcome(answer, notes, display={**answer, "results": rows}, page=ROW_PAGES)

    def _why_empty(self) -> str:
        """Return the conditions that no issue fulfils, those that hold by default too."""
        if self.offset:
            return f"offset {self.offset} lies past the end of the list, or nothing matches: start at offset 0."
        given = sorted(self.model_fields_set - {"limit", "offset", "orderBy", "orderDirection", "max_tokens"})
        start = (self.dateRange and self.dateRange.date_from) or "-7d"
        also = ", ".join(name for name in given if name not in ("status", "dateRange"))
        return (
            f"No issue matches status {self.status or 'active'} and dateRange from {start}{also and f' and {also}'}. "
            "Leave one out, or try status all and a longer dateRange."
        )


class QueryIssue(
    LongEndpoint,
    tool="query-error-tracking-issue",
    request="POST query/issue/",
    since=_SINCE,
    read_only=True,
    toolset="issues",
):
    """Summarize one issue: its impact and trend (graph), how bad, how many times and for how many users and sessions it
    happens, when it started or stopped (getting worse, better), status, owner, release, top frame."""

    issueId: IssueId  # noqa: N815
    dateRange: Range | None = None  # noqa: N815
    includeSparkline: bool | None = None  # noqa: N815
    includeBreakdown: bool | None = Field(default=None, description="Top paths, browsers, versions.")  # noqa: N815
    volumeResolution: Buckets | None = None  # noqa: N815
    filterTestAccounts: bool | None = None  # noqa: N815

    advice = {
        **dict.fromkeys(("not_found", "no_details"), _UNKNOWN_ISSUE),
        "no_breakdown": "Call again without includeBreakdown, or with a shorter dateRange.",
    }
    meant = query_meanings.ISSUE
    meant_by = {"retrieve": "", "detail": "", "stats": ""}

    def steps(self) -> Steps:
        issue = as_object((yield self.request()))
        shown = row_of(issue)
        notes = [_NO_EVENTS] * (issue.get("impact") == {})
        frame = as_object(issue.get("top_in_app_frame"))
        if frame:
            shown["top_in_app_frame"] = show_top_frame(frame, issue.get("library"))
        if isinstance(issue.get("breakdown"), dict):
            shown |= show_breakdown(as_object(shown.pop("breakdown")))
        if self.includeBreakdown:
            notes += notes_on_breakdown(issue)
        notes += _notes_on(self.dateRange) + note_on_end(self.dateRange)
        return Outcome(issue, notes, display=shown, page=f"{PAGE}/{self.issueId}")


class QueryIssueEvents(
    LongEndpoint,
    tool="query-error-tracking-issue-events",
    request="POST query/issue_events/",
    since=_SINCE,
    read_only=True,
    toolset="issues",
):
    """Get sample occurrences (events) of an issue or crash, latest first, to find why it happens (root cause):
    exception message, stack trace (which line of code throws; nearest frames first), url, browser, system, the users
    who hit it, feature flags, session recording (replay), as include asks."""

    issueId: IssueId  # noqa: N815
    include: (
        list[
            Annotated[
                Literal[
                    "exception",
                    "stacktrace",
                    "code_variables",
                    "environment",
                    "release",
                    "navigation",
                    "correlation",
                    "diagnostics",
                ],
                Means(query_meanings.GROUPS),
            ]
        ]
        | None
    ) = Field(default=None, examples=[["exception", "stacktrace"]])
    onlyAppFrames: bool | None = Field(default=None, description="Default true: no library frames.")  # noqa: N815
    verbosity: SkipJsonSchema[str | None] = Field(default=None, exclude=True)
    maxFrames: int | None = Field(default=None, ge=1, exclude=True)  # noqa: N815
    dateRange: Range | None = None  # noqa: N815
    searchQuery: Text | None = None  # noqa: N815
    filterGroup: Conditions | None = None  # noqa: N815
    filterTestAccounts: bool | None = None  # noqa: N815
    orderDirection: Direction | None = None  # noqa: N815
    limit: Annotated[int, Field(ge=1), AtMost(_MOST_EVENTS)] | None = Field(default=None, description="Default 1.")
    offset: Annotated[int, Field(ge=0)] | None = None

    advice = {"not_found": _UNKNOWN_ISSUE, "no_details": _UNKNOWN_ISSUE}
    meant = query_meanings.EVENTS
    meant_by = {
        "event": "",
        "occurrence": "",
        **dict.fromkeys(("stack", "trace", "stacktrace"), 'include ["stacktrace"]'),
    }

    def request(self) -> Request:
        """Return the request. verbosity came before include; an older PostHog reads it, and ignores include."""
        sent = super().request()
        groups = _GROUPS_OF.get(self.verbosity or "", ())
        if not groups:
            return sent
        asked = {"include": list(groups), **(sent.json or {}), "verbosity": self.verbosity}
        return Request(sent.method, sent.path, json=asked)

    def steps(self) -> Steps:
        answer = read_part((yield self.request()))
        found = as_objects(answer.get("results"))
        shown = found[:_MOST_EVENTS]
        page = exceptions_by_event(shown)
        events = [show_event(event, self.maxFrames or MAX_FRAMES, page) for event in shown]
        notes = legend(shown) + beyond(found, _MOST_EVENTS)
        if self.verbosity and not (self.verbosity in _GROUPS_OF and self.include is None):
            notes.append("verbosity has an effect on an older PostHog only: include says what to show.")
        if not events and self.offset:
            notes.append(f"No event at offset {self.offset}: it lies past the end of this range; start at 0.")
        elif not events:
            notes.append("No event in this range matches: try a longer dateRange, e.g. date_from -30d.")
            notes += yield from explain_nothing(self.filterGroup or ())
        notes += _notes_on(self.dateRange, self.filterGroup)
        return Outcome(answer, notes, display={**answer, "results": events}, page=f"{PAGE}/{self.issueId}")


def _notes_on(given: DateRange | None, filters: list[PropertyFilter] | None = None) -> list[str]:
    """Return notes on what looks right and is not: months for minutes, properties that SDKs do not send."""
    dates = (given.date_from, given.date_to) if given else ()
    return note_on_months(dates) + notes_on_keys(filters or ())


ENDPOINTS = (
    QueryIssues,
    QueryIssue,
    QueryIssueEvents,
)
