"""Questions about issues and their events (contract 6.13); every number is counted from the events."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import invalid, required
from mcp_errortracking.sandbox.history import EVENT, EXCEPTION
from mcp_errortracking.sandbox.store import Document

_STATUSES = ("archived", "active", "resolved", "pending_release", "suppressed", "all")
_ORDERS = ("last_seen", "first_seen", "occurrences", "users", "sessions")
_DIRECTIONS = ("ASC", "DESC")
_INCLUDES = (
    "exception",
    "stacktrace",
    "code_variables",
    "environment",
    "release",
    "navigation",
    "correlation",
    "diagnostics",
)
_GROUPS = {
    "exception": (
        "$exception_types",
        "$exception_values",
        "$exception_list",
        "$exception_fingerprint",
        "$exception_handled",
        "$exception_level",
    ),
    "environment": ("$lib", "$lib_version", "$browser", "$os"),
    "navigation": ("$current_url",),
    "correlation": ("$session_id",),
    "release": ("$release",),
}
_RELATIVE = re.compile(r"-(\d+)([hdwmqy])(Start|End)?")
_UNITS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "q": 91, "y": 365}
_TESTERS = "@acme.example"  # what the project counts as test accounts


@dataclass(frozen=True, slots=True)
class _Range:
    begin: datetime
    end: datetime

    def holds(self, event: Document) -> bool:
        return self.begin.isoformat() <= _comparable(event["timestamp"]) <= self.end.isoformat()


def list_issues(call: Call) -> Response:
    fields = call.fields()
    status = _choice(fields, "status", "active", _STATUSES)
    order = _choice(fields, "orderBy", "occurrences", _ORDERS)
    direction = _choice(fields, "orderDirection", "DESC", _DIRECTIONS)
    limit, offset = _number(fields, "limit", 10, 1, 100), _number(fields, "offset", 0, 0, None)
    resolution = _number(fields, "volumeResolution", 0, 0, 200)
    time = _range(fields)
    by_issue = _events_by_issue(call, fields, time)
    rows = list[Document]()
    for issue in call.store.all("issue", call.project_id):
        events = by_issue.get(issue["id"], [])
        if not events or (status != "all" and issue["status"] != status):
            continue
        if fields.get("assignee") is not None and issue["assignee"] != fields["assignee"]:
            continue
        rows.append(_summary(call, issue, events, time, resolution))
    rows.sort(key=_sorter(order), reverse=direction == "DESC")
    return json_answer(_part(rows, limit, offset))


def one_issue(call: Call) -> Response:
    fields = call.fields()
    issue = _issue(call, fields)
    if issue is None:
        return Response(status_code=404)
    time = _range(fields)
    resolution = _number(fields, "volumeResolution", 0, 0, 200)
    events = _events_by_issue(call, fields, time).get(issue["id"], [])
    answer = _summary(call, issue, events, time, resolution)
    frames = _frames(call, events[-1]) if events else []
    in_app = [frame for frame in frames if frame["in_app"]]
    if in_app:
        answer["function"] = in_app[-1]["resolved_name"] or in_app[-1]["mangled_name"]
        answer["top_in_app_frame"] = in_app[-1]
    releases = [event["properties"]["$release"] for event in events if "$release" in event["properties"]]
    if releases:
        answer["latest_release"] = releases[-1]
    if fields.get("includeSparkline"):
        answer["sparkline"] = _buckets(events, time, resolution or 20)
    return json_answer(answer)


def issue_events(call: Call) -> Response:
    fields = call.fields()
    issue = _issue(call, fields)
    if issue is None:
        return Response(status_code=404)
    limit, offset = _number(fields, "limit", 1, 1, 20), _number(fields, "offset", 0, 0, None)
    direction = _choice(fields, "orderDirection", "DESC", _DIRECTIONS)
    include: Any = fields.get("include") or ["exception", "environment", "navigation", "correlation"]
    for number, name in enumerate(include):
        if name not in _INCLUDES:
            raise invalid("invalid_choice", f'"{name}" is not a valid choice.', f"include__{number}")
    only_app = fields.get("onlyAppFrames", True)
    events = _events_by_issue(call, fields, _range(fields)).get(issue["id"], [])
    if direction == "DESC":
        events = events[::-1]
    return json_answer(_part([_shown(call, event, include, only_app) for event in events], limit, offset))


def _shown(call: Call, event: Document, include: list[str], only_app: bool) -> Document:
    kept = {name for group in include for name in _GROUPS.get(group, ())}
    properties = {name: value for name, value in event["properties"].items() if name in kept}
    exceptions = cast("list[dict[str, Any]]", _exception(call, event)["list"])
    if "stacktrace" in include or "code_variables" in include:
        frames = [frame for frame in _frames(call, event) if frame["in_app"] or not only_app]
        trace = {"type": "resolved", "frames": frames}
        properties["$exception_list"] = [{**exceptions[0], "stacktrace": trace}]
    elif "exception" in include:
        bare = {name: value for name, value in exceptions[0].items() if name != "stacktrace"}
        properties["$exception_list"] = [bare]
    own = {name: event[name] for name in ("distinct_id", "timestamp")}
    return {"uuid": event["id"], **own, "properties": properties}


def _exception(call: Call, event: Document) -> Document:
    return call.store.get(EXCEPTION, call.project_id, event["origin"]) or {"list": [{}], "lib": None}


def _frames(call: Call, event: Document) -> list[dict[str, Any]]:
    return _exception(call, event)["list"][0].get("stacktrace", {}).get("frames", [])


def _issue(call: Call, fields: Document) -> Document | None:
    issue_id = fields.get("issueId")
    if issue_id is None:
        raise required("issueId")
    if not is_uuid(issue_id):
        raise invalid("invalid", "Must be a valid UUID.", "issueId")
    return call.store.get("issue", call.project_id, uuid.UUID(str(issue_id)))


def _events_by_issue(call: Call, fields: Document, time: _Range) -> dict[str, list[Document]]:
    """The events that the query asks for, oldest first, by the issue that owns their fingerprint now."""
    owner = {one["fingerprint"]: one["issue_id"] for one in call.store.all("fingerprint", call.project_id)}
    wanted = _conditions(fields)
    found = dict[str, list[Document]]()
    for event in sorted(call.store.all(EVENT, call.project_id), key=lambda event: event["timestamp"]):
        issue = owner.get(event["properties"]["$exception_fingerprint"])
        if issue is not None and time.holds(event) and all(holds(event) for holds in wanted):
            found.setdefault(issue, []).append(event)
    return found


def _conditions(fields: Document) -> list[Callable[[Document], bool]]:
    wanted = list[Callable[[Document], bool]]()
    if fields.get("filterTestAccounts", True):
        wanted.append(lambda event: not event["distinct_id"].endswith(_TESTERS))
    text = _text(fields, "searchQuery", 500)
    if text:
        wanted.append(
            lambda event: any(
                text in str(event["properties"].get(name, "")).lower()
                for name in ("$exception_types", "$exception_values", "$current_url")
            )
        )
    for name, property_name, limit in (
        ("release", "$release", 500),
        ("url", "$current_url", 1000),
        ("filePath", "$exception_sources", 1000),
    ):
        if part := _text(fields, name, limit):
            wanted.append(_contains(property_name, part))
    for name, property_name in (("library", "$lib"), ("fingerprint", "$exception_fingerprint")):
        if given := fields.get(name):
            choices = cast("list[Any]", given) if isinstance(given, list) else [given]
            wanted.append(_one_of(property_name, choices))
    if user := _text(fields, "user", 500):
        wanted.append(lambda event: user in event["distinct_id"].lower())
    if fields.get("personId"):
        wanted.append(lambda _event: False)  # the sandbox has no persons
    for condition in cast("list[dict[str, Any]]", fields.get("filterGroup") or []):
        if condition.get("type") == "hogql":
            raise invalid("invalid_input", "HogQL property filters are not supported here.", "filterGroup")
        wanted.append(_filter(condition))
    return wanted


def _contains(name: str, part: str) -> Callable[[Document], bool]:
    return lambda event: part in str(event["properties"].get(name, "")).lower()


def _one_of(name: str, choices: list[Any]) -> Callable[[Document], bool]:
    return lambda event: event["properties"].get(name) in choices


def _filter(condition: dict[str, Any]) -> Callable[[Document], bool]:
    """One property filter; of a list property it is enough that one item matches."""
    key, operator = condition.get("key"), condition.get("operator") or "exact"
    given: Any = condition.get("value")
    values = [str(one).lower() for one in (cast("list[Any]", given) if isinstance(given, list) else [given])]
    tests: dict[str, Callable[[str], bool]] = {
        "exact": lambda text: text in values,
        "icontains": lambda text: any(value in text for value in values),
        "starts_with": lambda text: any(text.startswith(value) for value in values),
        "ends_with": lambda text: any(text.endswith(value) for value in values),
        "regex": lambda text: any(re.search(value, text, re.IGNORECASE) for value in values),
        "gt": lambda text: text > values[0],
        "gte": lambda text: text >= values[0],
        "lt": lambda text: text < values[0],
        "lte": lambda text: text <= values[0],
    }
    negative = {"is_not": "exact"} | {
        f"not_{name}": name for name in ("icontains", "starts_with", "ends_with", "regex")
    }

    def holds(event: Document) -> bool:
        held: Any = event["properties"].get(key)
        if operator in ("is_set", "is_not_set"):
            return (held is not None) == (operator == "is_set")
        texts = [str(one).lower() for one in (cast("list[Any]", held) if isinstance(held, list) else [held])]
        if operator in negative:
            return not any(tests[negative[operator]](text) for text in texts)
        return any(tests.get(operator, tests["exact"])(text) for text in texts if held is not None)

    return holds


def _summary(call: Call, issue: Document, events: list[Document], time: _Range, resolution: int) -> Document:
    counts: Document = {
        "occurrences": len(events),
        "users": len({event["distinct_id"] for event in events}),
        "sessions": len({event["properties"]["$session_id"] for event in events}),
    }
    if resolution:
        buckets = _buckets(events, time, resolution)
        counts |= {"volumeRange": [bucket["value"] for bucket in buckets], "volume_buckets": buckets}
    last = events[-1] if events else None
    frames = [frame for frame in _frames(call, last) if frame["in_app"]] if last else []
    shared = {name: issue[name] for name in ("id", "name", "description", "status", "severity", "first_seen")}
    return {
        **shared,
        "last_seen": last["timestamp"] if last else None,
        "library": last["properties"]["$lib"] if last else None,
        "source": frames[-1]["source"] if frames else None,
        "assignee": issue["assignee"],
        "aggregations": counts,
    }


def _buckets(events: list[Document], time: _Range, number: int) -> list[Document]:
    width = (time.end - time.begin) / number
    counts = [0] * number
    for event in events:
        place = int((datetime.fromisoformat(event["timestamp"]) - time.begin) / width)
        counts[min(max(place, 0), number - 1)] += 1
    return [{"label": _iso(time.begin + width * place), "value": count} for place, count in enumerate(counts)]


def _sorter(order: str) -> Callable[[Document], Any]:
    if order in ("first_seen", "last_seen"):
        return lambda row: row[order] or ""
    return lambda row: row["aggregations"][order]


def _part(rows: list[Document], limit: int, offset: int) -> Document:
    more = offset + limit < len(rows)
    head: Document = {"results": rows[offset : offset + limit], "hasMore": more, "limit": limit, "offset": offset}
    return {**head, "nextOffset": offset + limit} if more else head


def _range(fields: Document) -> _Range:
    given: Any = fields.get("dateRange") or {}
    now = datetime.now(UTC)
    return _Range(
        _moment(given.get("date_from") or "-7d", now, "date_from"),
        _moment(given["date_to"], now, "date_to") if given.get("date_to") else now,
    )


def _moment(text: str, now: datetime, name: str) -> datetime:
    if found := _RELATIVE.fullmatch(text):
        return now - timedelta(days=int(found[1]) * _UNITS[found[2]])
    if text == "all":
        return datetime(2015, 1, 1, tzinfo=UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("invalid_input", f"Invalid date: {text}", f"dateRange__{name}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _choice(fields: Document, name: str, default: str, choices: tuple[str, ...]) -> str:
    value = fields.get(name) or default
    if value not in choices:
        raise invalid("invalid_choice", f'"{value}" is not a valid choice.', name)
    return value


def _number(fields: Document, name: str, default: int, least: int, most: int | None) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("invalid", "A valid integer is required.", name)
    if value < least:
        raise invalid("min_value", f"Ensure this value is greater than or equal to {least}.", name)
    if most is not None and value > most:
        raise invalid("max_value", f"Ensure this value is less than or equal to {most}.", name)
    return value


def _text(fields: Document, name: str, limit: int) -> str:
    value = str(fields.get(name) or "")
    if len(value) > limit:
        raise invalid("max_length", f"Ensure this field has no more than {limit} characters.", name)
    return value.lower()


def _comparable(timestamp: str) -> str:
    return datetime.fromisoformat(timestamp).isoformat()


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


ROUTES = [
    Route("query/issues", {"POST": Action(list_issues)}),
    Route("query/issue", {"POST": Action(one_issue)}),
    Route("query/issue_events", {"POST": Action(issue_events)}),
]
