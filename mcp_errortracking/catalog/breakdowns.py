"""The breakdown of an issue: where its events come from, as short lines (contract 6.13.2)."""

import json
from typing import Any

from mcp_errortracking.catalog.endpoint import Lines, as_object, as_objects, text_of

_MOST_DIMENSIONS, _MOST_VALUES = 20, 5
"""PostHog sends eight dimensions, and five values of each."""


def show_breakdown(breakdown: dict[str, Any]) -> dict[str, Any]:
    """Return fields in place of a breakdown: itself without its values, and a line for each dimension of these.

    Values are in quotes, each with its number of events.
    """
    tops = breakdown.get("top_values")
    if not isinstance(tops, dict):
        return {"breakdown": breakdown}
    rest = {name: value for name, value in breakdown.items() if name != "top_values"}
    return {"breakdown": rest, "top_values": _lines(as_object(tops)) or "none"}


def notes_on_breakdown(issue: dict[str, Any]) -> list[str]:
    """Return notes on the breakdown of an issue that was asked for one: it is short of a part, or missing."""
    breakdown = as_object(issue.get("breakdown"))
    if breakdown.get("range_limited") is True:
        return ["The breakdown covers no more than the last 30 days of the range."]
    if not breakdown and issue.get("impact") != {}:
        return ["This PostHog sent no breakdown: it is too old for includeBreakdown (autumn 2026)."]
    return []


def _lines(tops: dict[str, Any]) -> Lines:
    dimensions = list(tops.items())[:_MOST_DIMENSIONS]
    lines = ((name, ", ".join(map(_value, as_objects(values)[:_MOST_VALUES]))) for name, values in dimensions)
    return tuple(f"{name}: {values}" for name, values in lines if values)


def _value(top: dict[str, Any]) -> str:
    """Return a value and its number of events; quotes keep text from outside apart from the numbers."""
    return f"{json.dumps(text_of(top, 'value'), ensure_ascii=False)} {json.dumps(top.get('count'))}"
