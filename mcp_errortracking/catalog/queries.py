"""Questions about issues: which there are, how often they happen, what an event of one looks like (contract 6.13)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog import query_meanings
from mcp_errortracking.catalog.assignee import AssigneeArgument
from mcp_errortracking.catalog.breakdowns import notes_on_breakdown, show_breakdown
from mcp_errortracking.catalog.dates import note_on_months, suggested
from mcp_errortracking.catalog.declaration import AtMost
from mcp_errortracking.catalog.endpoint import (
    PAGE,
    ROW_PAGES,
    Outcome,
    Request,
    Steps,
    as_object,
    as_objects,
    number_of,
    text_of,
)
from mcp_errortracking.catalog.filters import WITHOUT_VALUE, PropertyFilter
from mcp_errortracking.catalog.identifiers import IssueId, RealUUID
from mcp_errortracking.catalog.meanings import STATUSES, Means
from mcp_errortracking.catalog.paging import LongEndpoint
from mcp_errortracking.catalog.property_names import explain_nothing, notes_on_keys
from mcp_errortracking.catalog.stack_traces import MAX_FRAMES, exceptions_by_event, legend, show_event, show_top_frame
from mcp_errortracking.catalog.trends import change, picture

_SINCE = "spring 2026"
_UNKNOWN_ISSUE = "Find issues with query-error-tracking-issues-list (status all, a longer dateRange)."
_NO_EVENTS = (
    "No event in this range, so PostHog sent no counts, times or assignee: try a longer dateRange, or "
    "filterTestAccounts false."
)
_CUT = re.compile(r"… \[truncated from \d+ chars\]$")
_RELATIVE = re.compile(r"-?(\d{0,9})([sMhdwmqy])(Start|End)?")
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
_MOST_ISSUES, _MOST_EVENTS, _MOST_BUCKETS = 100, 20, 200
"""The most of each that PostHog can be asked for: of an answer with more, the rest is not looked at."""


def _with_value(condition: PropertyFilter) -> PropertyFilter:
    """Give is_set and is_not_set the value that queries demand of every condition; rules do not."""
    if condition.operator in WITHOUT_VALUE and condition.value is None:
        condition.value = condition.operator
    return condition


QueryFilter = Annotated[PropertyFilter, AfterValidator(_with_value)]
Text = Annotated[str, Field(max_length=500)]
LongText = Annotated[str, Field(max_length=1000)]
Buckets = Annotated[int, Field(ge=0, le=_MOST_BUCKETS)]
OneOrMore = Annotated[str | list[str], WithJsonSchema({"type": "array", "items": {"type": "string"}})]
"""A text, or a list of texts. The schema names the list alone: many clients cannot pass on a union."""


def _date(text: str) -> str:
    """Refuse text that is not a date: PostHog would take any letter of it for a unit, and the rest for now."""
    if text == "all" or _RELATIVE.fullmatch(text) or _moment(text):
        return text
    raise PydanticCustomError(
        "no_date",
        "expected a date like -24h, -7d, -1dStart, all, or 2026-06-01T00:00:00Z{meant}",
        {"meant": suggested(text)},
    )


Date = Annotated[str, AfterValidator(_date)]
StatusFilter = Annotated[
    Literal["active", "resolved", "suppressed", "archived", "pending_release", "all"],
    Means({**STATUSES, "any": "all"}),
]
Direction = Annotated[
    Literal["ASC", "DESC"],
    Means({"ascending": "ASC", "descending": "DESC", "desc": "DESC", "asc": "ASC"}),
]


class DateRange(BaseModel):
    """From when to when."""

    model_config = ConfigDict(extra="forbid", defer_build=True, hide_input_in_errors=True)

    date_from: Date | None = Field(default=None, description="-24h, -7d, -3m, all, ISO 8601. Default -7d.")
    date_to: Date | None = Field(default=None, description="ISO 8601.")

    @model_validator(mode="before")
    @classmethod
    def without_blanks(cls, given: Any) -> Any:
        """Drop null and blank texts, which clients in strict mode fill in: PostHog refuses a null date_from."""
        members: Any = given
        if not isinstance(given, dict):
            return members
        dates: dict[str, Any] = members
        return {name: value for name, value in dates.items() if not _is_blank(value)}

    meant: ClassVar[Mapping[str, str]] = query_meanings.DATES

    @model_validator(mode="after")
    def forwards(self) -> "DateRange":
        """Refuses a range that certainly ends before it begins, which PostHog answers with nothing at all."""
        if self.date_from is not None and self.date_to is not None and _is_backwards(self.date_from, self.date_to):
            raise PydanticCustomError("backwards", "date_to does not lie after date_from: swap them")
        return self


Range = Annotated[DateRange, Field(examples=[{"date_from": "-30d"}])]


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in ("", "null"))


def _is_backwards(begin: str, end: str) -> bool:
    """True if an absolute date does not lie after another, in any time zone. PostHog reads relative ones forward."""
    start, stop = _moment(begin), _moment(end)
    if start is None or stop is None or (start.tzinfo is None) != (stop.tzinfo is None):
        return False
    return stop <= start if start.tzinfo else stop.date() < start.date()


def _note_on_end(dates: DateRange | None) -> list[str]:
    """Return a note on a relative date_to that looks like the past: PostHog reads it forward (contract 6.13)."""
    end = (dates.date_to if dates else None) or ""
    if not (end.startswith("-") and _RELATIVE.fullmatch(end)):
        return []
    return [
        f"date_to {end}: PostHog reads a relative date_to forward, so this range ends after now. To end it in the "
        "past, give a time in ISO 8601."
    ]


def _moment(text: str) -> datetime | None:
    """Return an absolute date; None if the text is not one."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for shape in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(text, shape)
        except ValueError:
            continue
    return None


def _no_group(value: Any) -> Any:
    """Refuse a group, which the filters of rules are."""
    if isinstance(value, dict):
        raise PydanticCustomError(
            "no_list", "should be a list of conditions that all must hold: give the values of a group, without type"
        )
    return value


Conditions = Annotated[list[QueryFilter], BeforeValidator(_no_group)]


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
        answer = _read_part((yield self.request()))
        issues = as_objects(answer.get("results"))
        rows = [_row(issue) for issue in issues[:_MOST_ISSUES]]
        notes = _beyond(issues, _MOST_ISSUES) + _notes_on(self.dateRange, self.filterGroup)
        if any(_CUT.search(text_of(issue, "description")[-100:]) for issue in issues[:_MOST_ISSUES]):
            notes.append("PostHog cut a description; query-error-tracking-issue has it whole.")
        if answer.get("results") == [] and not notes:
            notes = [self._why_empty()] + (yield from explain_nothing(() if self.offset else self.filterGroup or ()))
        notes += _note_on_end(self.dateRange)
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
        shown = _row(issue)
        notes = [_NO_EVENTS] * (issue.get("impact") == {})
        frame = as_object(issue.get("top_in_app_frame"))
        if frame:
            shown["top_in_app_frame"] = show_top_frame(frame, issue.get("library"))
        if isinstance(issue.get("breakdown"), dict):
            shown |= show_breakdown(as_object(shown.pop("breakdown")))
        if self.includeBreakdown:
            notes += notes_on_breakdown(issue)
        notes += _notes_on(self.dateRange) + _note_on_end(self.dateRange)
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
        answer = _read_part((yield self.request()))
        found = as_objects(answer.get("results"))
        shown = found[:_MOST_EVENTS]
        page = exceptions_by_event(shown)
        events = [show_event(event, self.maxFrames or MAX_FRAMES, page) for event in shown]
        notes = legend(shown) + _beyond(found, _MOST_EVENTS)
        if self.verbosity and not (self.verbosity in _GROUPS_OF and self.include is None):
            notes.append("verbosity has no effect: include says what to show.")
        if not events and self.offset:
            notes.append(f"No event at offset {self.offset}: it lies past the end of this range; start at 0.")
        elif not events:
            notes.append("No event in this range matches: try a longer dateRange, e.g. date_from -30d.")
            notes += yield from explain_nothing(self.filterGroup or ())
        notes += _notes_on(self.dateRange, self.filterGroup)
        return Outcome(answer, notes, display={**answer, "results": events}, page=f"{PAGE}/{self.issueId}")


def _read_part(answer: Any) -> dict[str, Any]:
    """A part of a longer answer, with `next_offset` as lists have it."""
    part = as_object(answer)
    following = part.get("nextOffset")
    own = {name: value for name, value in part.items() if name not in ("hasMore", "nextOffset", "limit", "offset")}
    return {"next_offset": following if part.get("hasMore") else None, **own}


def _row(issue: dict[str, Any]) -> dict[str, Any]:
    """An issue with its counts beside its other fields, and a sparkline as numbers.

    The counts are `aggregations` in a list, `impact` of one issue, and both of one issue on an older server.
    """
    row = dict(issue)
    counts: dict[str, Any] = {}
    for name in ("aggregations", "impact"):
        if isinstance(row.get(name), dict):
            counts |= as_object(row.pop(name))
    hidden = (*row, "volume_buckets", "volumeRange")
    row |= {name: _whole(value) for name, value in counts.items() if name not in hidden}
    buckets = as_objects(counts.get("volume_buckets"))
    if buckets:
        row["volume"] = _sparkline(buckets)
    sparkline = row.get("sparkline")
    if as_objects(sparkline):
        row["sparkline"] = _sparkline(as_objects(sparkline))
    elif isinstance(sparkline, list):
        row["sparkline"] = [_whole(value) for value in cast("list[Any]", sparkline)[:_MOST_BUCKETS]]
        if trend := picture(row["sparkline"]):
            row["trend"] = trend
    return row


def _notes_on(given: DateRange | None, filters: list[PropertyFilter] | None = None) -> list[str]:
    """Return notes on what looks right and is not: months for minutes, properties that SDKs do not send."""
    dates = (given.date_from, given.date_to) if given else ()
    return note_on_months(dates) + notes_on_keys(filters or ())


def _beyond(found: list[dict[str, Any]], most: int) -> list[str]:
    return [f"PostHog answered {len(found)}, more than can be asked for; the first {most} are shown."] * (
        len(found) > most
    )


def _whole(value: Any) -> Any:
    """Return a count as people write it: PostHog sends floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sparkline(buckets: list[dict[str, Any]]) -> str:
    """Return equal parts of a range as numbers, with the start of the first and of the last, and the change."""
    shown = buckets[:_MOST_BUCKETS]
    numbers = " ".join(str(_count_of(bucket)) for bucket in shown)
    last = f" to {shown[-1].get('label')}" if len(shown) > 1 else ""
    trend = change([bucket.get("value") for bucket in shown])
    return f"from {shown[0].get('label')}{last}: {numbers}{trend and f', {trend}'}"


def _count_of(bucket: dict[str, Any]) -> float | None:
    """Return the count of a bucket; None if it is not a number, or has more than 64 bits, which take long to print."""
    value, whole = bucket.get("value"), number_of(bucket, "value")
    return value if whole is None and isinstance(value, float) else whole


ENDPOINTS = (
    QueryIssues,
    QueryIssue,
    QueryIssueEvents,
)
