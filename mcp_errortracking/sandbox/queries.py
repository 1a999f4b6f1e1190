"""Questions about issues and their events (contract 6.13); every number is counted from the events."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.conditions import Occurrence
from mcp_errortracking.sandbox.errors import invalid, required
from mcp_errortracking.sandbox.occurrences import occurrences
from mcp_errortracking.sandbox.ranges import Range, read_range
from mcp_errortracking.sandbox.store import Document

_STATUSES = ("archived", "active", "resolved", "pending_release", "suppressed", "all")
_ORDERS = ("last_seen", "first_seen", "occurrences", "users", "sessions")
_DIRECTIONS = ("ASC", "DESC")
_GROUPS = {
    "exception": (
        "$exception_types",
        "$exception_values",
        "$exception_fingerprint",
        "$exception_handled",
        "$exception_level",
    ),
    "stacktrace": (),
    "code_variables": (),
    "environment": ("$lib", "$lib_version", "$browser", "$os"),
    "release": ("$exception_releases",),
    "navigation": ("$current_url",),
    "correlation": ("$session_id",),
    "diagnostics": ("$cymbal_errors",),
}
_USUAL = ["exception", "environment", "navigation", "correlation"]
_BREAKDOWNS = ("$browser", "$os", "$current_url")
_SPARKS = 12


def list_issues(call: Call) -> Response:
    fields = call.fields()
    status = _choice(fields, "status", "active", _STATUSES)
    order = _choice(fields, "orderBy", "occurrences", _ORDERS)
    direction = _choice(fields, "orderDirection", "DESC", _DIRECTIONS)
    limit, offset = _number(fields, "limit", 10, 1, 100), _number(fields, "offset", 0, 0, None)
    resolution = _number(fields, "volumeResolution", 0, 0, 200)
    time = read_range(fields, call.now)
    issues = {
        one["id"]: one
        for one in call.store.all("issue", call.project_id)
        if status in ("all", one["status"]) and _is_assigned(one, fields.get("assignee"))
    }
    found = occurrences(call, fields, time, issues)
    rows = [_summary(call, issues[issue_id], events, time, resolution) for issue_id, events in found.items()]
    rows.sort(key=_sorter(order), reverse=direction == "DESC")
    return json_answer(_part(rows, limit, offset))


def one_issue(call: Call) -> Response:
    fields = call.fields()
    issue = _issue(call, fields)
    if issue is None:
        return Response(status_code=404)
    time = read_range(fields, call.now)
    resolution = _number(fields, "volumeResolution", 0, 0, 200)
    events = occurrences(call, fields, time, {issue["id"]: issue}).get(issue["id"], [])
    answer = _summary(call, issue, events, time, resolution)
    if in_app := _app_frames(events):
        answer["function"] = in_app[-1]["resolved_name"] or in_app[-1]["mangled_name"]
        answer["top_in_app_frame"] = in_app[-1]
    if releases := [one for event in events for one in event["properties"].get("$exception_releases", {}).values()]:
        answer["latest_release"] = releases[-1]
    answer["impact"] = {name: answer["aggregations"][name] for name in ("occurrences", "users", "sessions")}
    if fields.get("includeSparkline"):
        answer["sparkline"] = [one["value"] for one in time.buckets(_times(events), resolution or _SPARKS)]
    if fields.get("includeBreakdown"):
        answer["breakdown"] = {name: _breakdown(events, name) for name in _BREAKDOWNS}
    return json_answer(answer)


def issue_events(call: Call) -> Response:
    fields = call.fields()
    issue = _issue(call, fields)
    if issue is None:
        return Response(status_code=404)
    limit, offset = _number(fields, "limit", 1, 1, 20), _number(fields, "offset", 0, 0, None)
    direction = _choice(fields, "orderDirection", "DESC", _DIRECTIONS)
    include: Any = fields.get("include") or _USUAL
    for number, name in enumerate(include):
        if name not in _GROUPS:
            raise invalid("invalid_choice", f'"{name}" is not a valid choice.', f"include__{number}")
    time = read_range(fields, call.now)
    events = occurrences(call, fields, time, {issue["id"]: issue}, in_events=True).get(issue["id"], [])
    if direction == "DESC":
        events = events[::-1]
    only_app = fields.get("onlyAppFrames", True)
    return json_answer(_part([_shown(event, include, only_app=only_app) for event in events], limit, offset))


def _shown(event: Occurrence, include: list[str], *, only_app: bool) -> Document:
    kept = {name for group in include for name in _GROUPS[group]}
    properties = {name: value for name, value in event["properties"].items() if name in kept}
    if {"exception", "stacktrace", "code_variables"} & set(include):
        listed = [_exception(one, include, only_app=only_app) for one in event["exceptions"]]
        properties["$exception_list"] = listed
    own = {name: event[name] for name in ("distinct_id", "timestamp")}
    return {"uuid": event["id"], **own, "properties": properties}


def _exception(exception: Document, include: list[str], *, only_app: bool) -> Document:
    bare = {name: value for name, value in exception.items() if name != "stacktrace"}
    if not {"stacktrace", "code_variables"} & set(include):
        return bare
    left_out = () if "code_variables" in include else ("code_variables",)
    frames = [
        {name: value for name, value in frame.items() if name not in left_out}
        for frame in exception["stacktrace"]["frames"]
        if frame["in_app"] or not only_app
    ]
    return {**bare, "stacktrace": {"type": "resolved", "frames": frames}}


def _issue(call: Call, fields: Document) -> Document | None:
    issue_id = fields.get("issueId")
    if issue_id is None:
        raise required("issueId")
    if not is_uuid(issue_id):
        raise invalid("invalid_input", "Must be a valid UUID.", "issueId")
    return call.store.get("issue", call.project_id, uuid.UUID(str(issue_id)))


def _is_assigned(issue: Document, wanted: Any) -> bool:
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        detail = f"Invalid data. Expected a dictionary, but got {type(wanted).__name__}."
        raise invalid("invalid_input", detail, "assignee__non_field_errors")
    held: Document = issue["assignee"] or {}
    asked = cast("dict[str, Any]", wanted)
    return all(str(held.get(name)) == str(asked.get(name)) for name in ("type", "id"))


def _summary(call: Call, issue: Document, events: list[Occurrence], time: Range, resolution: int) -> Document:
    counts: Document = {
        "occurrences": len(events),
        "users": len({event["person_id"] for event in events}),
        "sessions": len({event["properties"]["$session_id"] for event in events}),
    }
    if resolution:
        buckets = time.buckets(_times(events), resolution)
        counts |= {"volumeRange": [bucket["value"] for bucket in buckets], "volume_buckets": buckets}
    last = events[-1] if events else None
    frames = _app_frames(events)
    names = ("id", "name", "description", "status", "severity", "first_seen")
    shared = {name: issue[name] for name in names if name != "severity" or call.features.issue_severity}
    return {
        **shared,
        "last_seen": last["timestamp"] if last else None,
        "library": last["properties"]["$lib"] if last else None,
        "source": frames[-1]["source"] if frames else None,
        "assignee": issue["assignee"],
        "aggregations": counts,
    }


def _app_frames(events: list[Occurrence]) -> list[Document]:
    """Return the app's own frames of the newest event, the innermost last."""
    if not events:
        return []
    return [frame for frame in events[-1]["exceptions"][0]["stacktrace"]["frames"] if frame["in_app"]]


def _times(events: list[Occurrence]) -> list[str]:
    return [event["timestamp"] for event in events]


def _breakdown(events: list[Occurrence], name: str) -> list[Document]:
    counted = Counter(event["properties"][name] for event in events if name in event["properties"])
    return [
        {"value": value, "count": count} for value, count in sorted(counted.items(), key=lambda one: (-one[1], one))
    ]


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
    value = fields.get(name) or default
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


ROUTES = [
    Route("query/issues", {"POST": Action(list_issues)}, "issue_queries"),
    Route("query/issue", {"POST": Action(one_issue)}, "issue_queries"),
    Route("query/issue_events", {"POST": Action(issue_events)}, "issue_queries"),
]
