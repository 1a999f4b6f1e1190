"""Issues as queries return them: a row of `query/issues`, and the object of `query/issue` (contract 6.13.1, 6.13.2)."""

from typing import Any

from mcp_errortracking.sandbox.call import Call
from mcp_errortracking.sandbox.conditions import Occurrence
from mcp_errortracking.sandbox.occurrences import git_of, releases_of_event, status_of
from mcp_errortracking.sandbox.ranges import Range
from mcp_errortracking.sandbox.stacks import frames_of, is_empty, show_frame
from mcp_errortracking.sandbox.store import Document
from mcp_errortracking.sandbox.truncation import cut

_MAX_DESCRIPTION = 300


def issue_row(call: Call, issue: Document, events: list[Occurrence], time: Range, resolution: int) -> Document:
    """Return a row of the list, for an issue with these events, oldest first."""
    counts: Document = impact_of(events)
    if not call.features.lean_queries:
        resolution = resolution or 1
    if resolution:
        buckets = time.buckets(times_of(events), resolution)
        counts |= {"volumeRange": [bucket["value"] for bucket in buckets], "volume_buckets": buckets}
    row = {**_head(call, issue), **_newest(issue, events), "aggregations": counts}
    if call.features.lean_queries and issue["description"] is not None:
        row["description"] = cut(issue["description"], _MAX_DESCRIPTION)
    return row


def issue_object(call: Call, issue: Document, events: list[Occurrence]) -> Document:
    """Return one issue with what its newest event says, without anything null or empty."""
    if not events:
        known = _head(call, issue)
        known.pop("first_seen")
        return {**_without_empty(known), "impact": {}}
    newest = _newest(issue, events)
    assignee = newest.pop("assignee")
    functions = events[-1]["properties"].get("$exception_functions") or [None]
    known = {
        **_head(call, issue),
        **newest,
        "function": functions[-1],
        "assignee": assignee,
        "top_in_app_frame": _top_frame(events[-1], functions[-1], newest["source"]),
        "latest_release": _latest_release(events[-1]),
    }
    return {**_without_empty(known), "impact": impact_of(events)}


def impact_of(events: list[Occurrence]) -> Document:
    """Count events, people and sessions."""
    sessions = {session for event in events if (session := event["properties"].get("$session_id"))}
    return {
        "occurrences": float(len(events)),
        "users": float(len({event["person_id"] or event["distinct_id"] for event in events})),
        "sessions": float(len(sessions)),
    }


def times_of(events: list[Occurrence]) -> list[str]:
    """Return the timestamps of events."""
    return [event["timestamp"] for event in events]


def _head(call: Call, issue: Document) -> Document:
    names = ("id", "name", "description", "status", "severity", "first_seen")
    shown = {name: issue[name] for name in names if name != "severity" or call.features.issue_severity}
    return {**shown, "status": status_of(call, issue)}


def _newest(issue: Document, events: list[Occurrence]) -> Document:
    last = events[-1]["properties"]
    sources = last.get("$exception_sources") or [None]
    held: Document | None = issue["assignee"]
    return {
        "last_seen": events[-1]["timestamp"],
        "library": last.get("$lib"),
        "source": sources[-1],
        "assignee": held and {"id": held["id"], "type": held["type"]},
    }


def _top_frame(event: Occurrence, function: str | None, source: str | None) -> Document | None:
    """Return the last in-app frame of the last exception that has one, its function named as the SDK sent it."""
    for exception in reversed(event["exceptions"]):
        in_app = [frame for frame in frames_of(exception.get("stacktrace")) if frame.get("in_app")]
        if in_app:
            frame = show_frame(in_app[-1], variables=False)
            sent = frame.get("mangled_name")
            return _without_empty(
                {
                    "function": function if sent in (None, "?") else sent,
                    "source": frame.get("source") or frame.get("module") or source,
                    "line": frame.get("line"),
                    "column": frame.get("column"),
                    "in_app": True,
                }
            )
    return None


def _latest_release(event: Occurrence) -> Document | None:
    releases = releases_of_event(event)
    if not releases:
        return None
    newest = max(releases.values(), key=lambda one: str(one.get("timestamp") or one.get("created_at") or ""))
    git = git_of(newest)
    shown: dict[str, Any] = {
        "version": newest.get("version"),
        "project": newest.get("project"),
        "timestamp": newest.get("timestamp") or newest.get("created_at"),
        **{name: git.get(name) for name in ("commit_id", "branch", "repo_name")},
    }
    return _without_empty(shown)


def _without_empty(known: Document) -> Document:
    return {name: value for name, value in known.items() if not is_empty(value)}
