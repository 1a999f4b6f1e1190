"""Questions about issues and their events (contract 6.13); every number is counted from the events."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.breakdowns import breakdown
from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import HogError, invalid, required
from mcp_errortracking.sandbox.event_rows import GROUPS, USUAL_GROUPS, VERBOSITIES, event_rows, verbose_rows
from mcp_errortracking.sandbox.issue_rows import issue_object, issue_row, times_of
from mcp_errortracking.sandbox.occurrences import occurrences, status_of
from mcp_errortracking.sandbox.ranges import read_range
from mcp_errortracking.sandbox.store import Document

_STATUSES = ("archived", "active", "resolved", "pending_release", "suppressed", "all")
_ORDERS = ("last_seen", "first_seen", "occurrences", "users", "sessions")
_DIRECTIONS = ("ASC", "DESC")
_SPARKS = 12
_LIMIT, _OLD_LIMIT = 10, 25
_BUDGET_WAIT = 1800


def list_issues(call: Call) -> Response:
    fields = call.fields()
    status = _choice(fields, "status", "active", _STATUSES)
    order = _choice(fields, "orderBy", "occurrences", _ORDERS)
    direction = _choice(fields, "orderDirection", "DESC", _DIRECTIONS)
    default = _LIMIT if call.features.lean_queries else _OLD_LIMIT
    limit, offset = _number(fields, "limit", default, 1, 100), _number(fields, "offset", 0, 0, None)
    resolution = _number(fields, "volumeResolution", 0, 0, 200)
    time = read_range(fields, call.now, forward_end=True)
    assignee = _read_assignee(fields.get("assignee"))
    issues = {
        one["id"]: one
        for one in call.store.all("issue", call.project_id)
        if status in ("all", status_of(call, one)) and _is_assigned(one, assignee)
    }
    found = occurrences(call, fields, time, issues)
    rows = [issue_row(call, issues[issue_id], events, time, resolution) for issue_id, events in found.items()]
    rows.sort(key=_sorter(order), reverse=direction == "DESC")
    return json_answer(_part(rows, limit, offset))


def one_issue(call: Call) -> Response:
    fields = call.fields()
    issue = _issue(call, fields)
    if issue is None:
        return Response(status_code=404)
    time = read_range(fields, call.now, forward_end=True)
    resolution = _number(fields, "volumeResolution", 0, 0, 200)
    events = occurrences(call, fields, time, {issue["id"]: issue}).get(issue["id"], [])
    answer = issue_object(call, issue, events)
    if fields.get("includeSparkline"):
        buckets = time.buckets(times_of(events), resolution or _SPARKS) if events else []
        answer["sparkline"] = [one["value"] for one in buckets]
    if fields.get("includeBreakdown") and events and call.features.lean_queries:
        if call.features.breakdown_fails:
            raise invalid("invalid_input", "The issue breakdown could not be calculated.")
        answer["breakdown"] = breakdown(events, time)
    return json_answer(answer)


def issue_events(call: Call) -> Response:
    fields = call.fields()
    issue = _issue(call, fields)
    if issue is None:
        return Response(status_code=404)
    limit, offset = _number(fields, "limit", 1, 1, 20), _number(fields, "offset", 0, 0, None)
    direction = _choice(fields, "orderDirection", "DESC", _DIRECTIONS)
    include = _include(fields)
    verbosity = _choice({} if call.features.lean_queries else fields, "verbosity", "summary", VERBOSITIES)
    time = read_range(fields, call.now)
    events = occurrences(call, fields, time, {issue["id"]: issue}, in_events=True).get(issue["id"], [])
    if direction == "DESC":
        events = events[::-1]
    only_app = fields.get("onlyAppFrames", True)
    answer = _part(events, limit, offset)
    if call.features.lean_queries:
        answer["results"] = event_rows(answer["results"], include, only_app=only_app)
    else:
        answer["results"] = verbose_rows(answer["results"], verbosity, only_app=only_app)
    return json_answer(answer)


def _include(fields: Document) -> list[str]:
    include: Any = fields.get("include")
    if include is None:
        return USUAL_GROUPS
    if not isinstance(include, list):
        detail = f'Expected a list of items but got type "{type(include).__name__}".'
        raise invalid("not_a_list", detail, "include")
    for number, name in enumerate(cast("list[Any]", include)):
        if name not in GROUPS:
            raise invalid("invalid_choice", f'"{name}" is not a valid choice.', f"include__{number}")
    return cast("list[str]", include)


def _issue(call: Call, fields: Document) -> Document | None:
    issue_id = fields.get("issueId")
    if issue_id is None:
        raise required("issueId")
    if not is_uuid(issue_id):
        raise invalid("invalid_input", "Must be a valid UUID.", "issueId")
    return call.store.get("issue", call.project_id, uuid.UUID(str(issue_id)))


def _read_assignee(wanted: Any) -> Document | None:
    if wanted is None:
        return None
    if not isinstance(wanted, dict):
        detail = f"Invalid data. Expected a dictionary, but got {type(wanted).__name__}."
        raise invalid("invalid_input", detail, "assignee__non_field_errors")
    given = cast("Document", wanted)
    for name in ("id", "type"):
        if name not in given:
            raise required(f"assignee__{name}")
    if isinstance(given["id"], bool) or not isinstance(given["id"], int | str):
        raise invalid("invalid_input", "Expected a string or integer.", "assignee__id")
    if given["type"] not in ("user", "role"):
        raise invalid("invalid_choice", f'"{given["type"]}" is not a valid choice.', "assignee__type")
    return given


def _is_assigned(issue: Document, wanted: Document | None) -> bool:
    held: Document = issue["assignee"] or {}
    return wanted is None or all(str(held.get(name)) == str(wanted[name]) for name in ("type", "id"))


def _sorter(order: str) -> Callable[[Document], Any]:
    """Sort by a column, and by id where that is equal, so that pages neither repeat nor lose a row."""
    if order in ("first_seen", "last_seen"):
        return lambda row: (row[order] or "", row["id"])
    return lambda row: (row["aggregations"][order], row["id"])


def _part(rows: list[Document], limit: int, offset: int) -> Document:
    more = offset + limit < len(rows)
    head: Document = {"results": rows[offset : offset + limit], "hasMore": more, "limit": limit, "offset": offset}
    return {**head, "nextOffset": offset + limit} if more else head


def _choice(fields: Document, name: str, default: str, choices: tuple[str, ...]) -> str:
    value = fields.get(name, default)
    if value is None:
        return default
    if value not in choices:
        raise invalid("invalid_choice", f'"{value}" is not a valid choice.', name)
    return value


def _number(fields: Document, name: str, default: int, least: int, most: int | None) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("invalid_input", "A valid integer is required.", name)
    if value < least:
        raise invalid("min_value", f"Ensure this value is greater than or equal to {least}.", name)
    if most is not None and value > most:
        raise invalid("max_value", f"Ensure this value is less than or equal to {most}.", name)
    return value


def budgeted(view: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Refuse a query once the project's hourly budget is spent. PostHog's text of this error is not known."""

    def checked(call: Call) -> Response:
        if call.features.query_budget_spent:
            detail = "The project's budget of queries with API keys is spent."
            wait = {"Retry-After": str(_BUDGET_WAIT)}
            raise HogError(429, "throttled_error", "api_queries_budget_exceeded", detail, headers=wait)
        return view(call)

    return checked


ROUTES = [
    Route("query/issues", {"POST": Action(budgeted(list_issues))}, "issue_queries"),
    Route("query/issue", {"POST": Action(budgeted(one_issue))}, "issue_queries"),
    Route("query/issue_events", {"POST": Action(budgeted(issue_events))}, "issue_queries"),
]
