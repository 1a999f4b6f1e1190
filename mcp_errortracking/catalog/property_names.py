"""Notes on the event properties that a question names: those that no event has, or that are sent under another name."""

from collections.abc import Generator, Iterable
from typing import Any

from mcp_errortracking.catalog.endpoint import Request, StepError, as_object
from mcp_errortracking.catalog.filters import PropertyFilter
from mcp_errortracking.rules.property_names import SENT, meant_property

_MAX_ASKED = 2
"""Properties that one call asks PostHog for."""


def notes_on_keys(conditions: Iterable[PropertyFilter]) -> list[str]:
    """Return a note on each event property that is not sent under that name."""
    return [
        f"{key}: almost no event has this property; use {meant}."
        for key in dict.fromkeys(_keys(conditions))
        if (meant := meant_property(key))
    ]


def ask_for_unseen(conditions: Iterable[PropertyFilter]) -> Generator[Request, Any, list[str]]:
    """Ask PostHog for events with each property that it may never have seen, and return a note on those without any."""
    unknown = [key for key in dict.fromkeys(_keys(conditions)) if key not in SENT]
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
