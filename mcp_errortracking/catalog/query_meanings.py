"""The meaning of wrong names and values in questions about issues, see `meanings`."""

from collections.abc import Mapping

from mcp_errortracking.catalog.assignee import ASSIGNEE
from mcp_errortracking.catalog.paging import PAGES

_COLUMNS = ("last_seen", "first_seen", "occurrences", "users", "sessions")
ORDERS: Mapping[str, str] = {
    **dict.fromkeys(("count", "frequency", "events", "volume", "total"), "occurrences"),
    **dict.fromkeys(("created_at", "created", "age"), "first_seen"),
    **dict.fromkeys(("updated_at", "recent", "latest", "timestamp", "date"), "last_seen"),
    **dict.fromkeys(("affected_users", "impact"), "users"),
    **{f"-{name}": f"give orderBy {name} and orderDirection DESC" for name in _COLUMNS},
}
"""Words for the column that issues are sorted by."""
GROUPS: Mapping[str, str] = {
    **dict.fromkeys(("stack_trace", "stack", "trace", "frames", "stack_traces"), "stacktrace"),
    **dict.fromkeys(("variables", "locals", "local_variables"), "code_variables"),
    **dict.fromkeys(("browser", "device", "os"), "environment"),
    **dict.fromkeys(("url", "page"), "navigation"),
    **dict.fromkeys(("session", "replay", "recording"), "correlation"),
}
"""Words for what `include` adds to an event."""
DATES: Mapping[str, str] = {
    **dict.fromkeys(("from", "start", "begin", "since", "after", "start_date", "date_start"), "date_from"),
    **dict.fromkeys(("to", "end", "until", "before", "end_date", "date_end"), "date_to"),
    **dict.fromkeys(("days", "last", "hours", "period"), "give date_from, e.g. -30d or -24h"),
}
"""Members of `dateRange`."""

_RANGE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("date_from", "since", "start", "start_date", "from", "after", "days", "last", "period"),
            *("time_range", "range"),
        ),
        "give dateRange, an object with date_from, e.g. -30d",
    ),
    **dict.fromkeys(
        ("date_to", "until", "end", "end_date", "before", "to"), "give dateRange, an object with date_from and date_to"
    ),
}
_FILTERS: Mapping[str, str] = dict.fromkeys(
    ("filters", "filter", "properties", "conditions", "where", "property_filters"), "filterGroup"
)
_SEARCH: Mapping[str, str] = dict.fromkeys(
    ("query", "search", "text", "q", "term", "keyword", "name", "title", "message"), "searchQuery"
)
_ONE_ISSUE: Mapping[str, str] = dict.fromkeys(("id", "issue", "issue_ids"), "issueId")


def _by_property(key: str, operator: str = "exact") -> str:
    return f"give filterGroup, a list with the condition key {key}, operator {operator} and value"


ISSUES: Mapping[str, str] = {
    **PAGES,
    **_RANGE,
    **_FILTERS,
    **_SEARCH,
    **ASSIGNEE,
    "severity": "give filterGroup, a list with the condition type error_tracking_issue, key severity, operator exact "
    "and value",
    **dict.fromkeys(("type", "exception_type", "error_type"), _by_property("$exception_types", "icontains")),
    "browser": _by_property("$browser"),
    **dict.fromkeys(("level", "exception_level"), _by_property("$exception_level")),
    **dict.fromkeys(("handled", "unhandled", "is_handled"), _by_property("$exception_handled")),
    **dict.fromkeys(("country", "country_code"), _by_property("$geoip_country_code")),
    **dict.fromkeys(
        ("unassigned", "no_assignee"), "no filter finds issues without an owner: read assignee in the rows"
    ),
    **dict.fromkeys(("os", "operating_system"), _by_property("$os")),
    **dict.fromkeys(
        ("sort", "sort_by", "order_by", "ordering", "order", "sorting"),
        "give orderBy (last_seen, first_seen, occurrences, users or sessions) and orderDirection (ASC or DESC)",
    ),
    **dict.fromkeys(("email", "distinct_id"), "user"),
    **dict.fromkeys(("file", "path", "filename", "source", "source_file"), "filePath"),
    **dict.fromkeys(("page_url", "current_url", "route", "pathname"), "url"),
    **dict.fromkeys(("sdk", "lib", "platform", "language"), "library"),
    **dict.fromkeys(("version", "app_version", "release_id", "deploy"), "release"),
    **dict.fromkeys(("issue_id", "id", "issue"), "call query-error-tracking-issue with issueId"),
    **dict.fromkeys(("issue_ids", "ids"), "call query-error-tracking-issue with issueId, once for each"),
}
"""Arguments of the list of issues."""
ISSUE: Mapping[str, str] = {
    **_RANGE,
    **_ONE_ISSUE,
    **dict.fromkeys(
        ("include", "stacktrace", "events", "limit", "offset", "searchQuery", "filterGroup", "onlyAppFrames"),
        "call query-error-tracking-issue-events, which has it",
    ),
    "sparkline": "includeSparkline",
    **dict.fromkeys(
        ("breakdown", "top_values", "browser", "browsers", "os", "url", "urls", "pages", "paths", "versions"),
        "includeBreakdown",
    ),
    "fingerprint": "call error-tracking-fingerprints-resolve-retrieve with fingerprint; its issue_id is the issueId",
}
"""Arguments of one issue."""
EVENTS: Mapping[str, str] = {
    **PAGES,
    **_RANGE,
    **_FILTERS,
    **_SEARCH,
    **_ONE_ISSUE,
    **dict.fromkeys(("stacktrace", "stack", "trace", "frames", "stack_trace"), 'give include, a list: ["stacktrace"]'),
    **dict.fromkeys(("variables", "code_variables"), 'give include, a list: ["code_variables"]'),
    **dict.fromkeys(("event_id", "uuid", "event"), "PostHog finds events by their issue: give issueId"),
    **dict.fromkeys(
        ("order_by", "order", "ordering", "sort", "sort_by"),
        "events are in the order of their time: give orderDirection (ASC or DESC)",
    ),
}
"""Arguments of the events of an issue."""
