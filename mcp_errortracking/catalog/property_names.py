"""The names of event properties: those that look right and that almost no SDK sends (contract/rule-matching.md)."""

from collections.abc import Generator, Iterable
from difflib import get_close_matches
from typing import Any

from mcp_errortracking.catalog.endpoint import Request, StepError, as_object
from mcp_errortracking.catalog.filters import PropertyFilter

_MEANT = {
    **dict.fromkeys(("$exception_type", "exception_type", "exception_types", "error_type"), "$exception_types"),
    **dict.fromkeys(
        ("$exception_message", "$exception_value", "exception_message", "exception_values", "error_message"),
        "$exception_values",
    ),
    **dict.fromkeys(("$exception_source", "exception_sources"), "$exception_sources"),
    **dict.fromkeys(("$exception_function", "exception_functions"), "$exception_functions"),
    **dict.fromkeys(("$url", "current_url"), "$current_url"),
    **dict.fromkeys(("browser", "os", "lib"), ""),
}
_SENT = (
    *("$exception_types", "$exception_values", "$exception_sources", "$exception_functions", "$exception_fingerprint"),
    *("$exception_level", "$exception_handled", "$exception_issue_id", "$exception_releases", "$exception_release"),
    *("$lib", "$lib_version", "$browser", "$browser_version", "$os", "$os_version", "$app_namespace", "$app_version"),
    *("$device_type", "$current_url", "$pathname", "$screen_name", "$referrer", "$host", "$session_id", "$trace_id"),
    *("$span_id", "$ai_trace_id", "$ai_span_id"),
)
"""Properties that events of exceptions have (contract 6.13)."""
_MAX_NAME = 60
_MAX_ASKED = 2
"""Properties that one call asks PostHog for."""


def notes_on_keys(conditions: Iterable[PropertyFilter]) -> list[str]:
    """Return a note on each event property that is not sent under that name."""
    return [
        f"{key}: almost no event has this property; use {meant}."
        for key in dict.fromkeys(_keys(conditions))
        if (meant := _meant(key))
    ]


def ask_for_unseen(conditions: Iterable[PropertyFilter]) -> Generator[Request, Any, list[str]]:
    """Ask PostHog for events with each property that it may never have seen, and return a note on those without any."""
    unknown = [key for key in dict.fromkeys(_keys(conditions)) if key not in _SENT]
    notes = list[str]()
    for key in unknown[:_MAX_ASKED]:
        condition = {"key": key, "type": "event", "operator": "is_set"}
        asked = {"filterGroup": [condition], "status": "all", "dateRange": {"date_from": "all"}, "limit": 1}
        try:
            answer = as_object((yield Request("POST", "error_tracking/query/issues/", json=asked)))
        except StepError:
            return notes
        if answer.get("results") == []:
            notes.append(f"No event of this project has the property {key}.")
    return notes


def _keys(conditions: Iterable[PropertyFilter]) -> list[str]:
    return [one.key for one in conditions if one.type == "event" and one.key]


def _meant(key: str) -> str | None:
    if key in _SENT:
        return None
    if key in _MEANT:
        return _MEANT[key] or f"${key}"
    near = get_close_matches(key, _SENT, n=1, cutoff=0.85) if key[:1] == "$" and len(key) <= _MAX_NAME else []
    return near[0] if near else None
