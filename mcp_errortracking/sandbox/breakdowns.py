"""The breakdown of `query/issue`: where the events of an issue come from (contract 6.13.2)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from mcp_errortracking.sandbox.conditions import Occurrence
from mcp_errortracking.sandbox.ranges import Range
from mcp_errortracking.sandbox.store import Document
from mcp_errortracking.sandbox.truncation import cut

_DIMENSIONS = {
    "path": "$pathname",
    "url": "$current_url",
    "screen": "$screen_name",
    "browser": "$browser",
    "os": "$os",
    "library": "$lib",
    "library_version": "$lib_version",
    "app_version": "$app_version",
}
_MAX_VALUES, _MAX_LENGTH = 5, 200
_LONGEST = timedelta(days=30)


def breakdown(events: list[Occurrence], time: Range) -> Document:
    """Count the values of these events in the last thirty days of a range."""
    limited = time.end - time.begin > _LONGEST
    begin = time.end - _LONGEST if limited else time.begin
    within = [event for event in events if datetime.fromisoformat(event["timestamp"]) >= begin]
    tops = {name: top for name, key in _DIMENSIONS.items() if (top := _top(within, key))}
    if "path" in tops:
        tops.pop("url", None)
    sessions = Counter(session for event in within if (session := event["properties"].get("$session_id")))
    return {
        "date_from": _iso(begin),
        "date_to": _iso(time.end),
        "range_limited": limited,
        "occurrences": len(within),
        "sample_session_ids": [session for session, _ in _most_frequent(sessions)],
        "top_values": tops,
    }


def _top(events: list[Occurrence], key: str) -> list[Document]:
    values = Counter(str(value) for event in events if (value := event["properties"].get(key)))
    return [{"value": cut(value, _MAX_LENGTH), "count": count} for value, count in _most_frequent(values)]


def _most_frequent(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:_MAX_VALUES]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
