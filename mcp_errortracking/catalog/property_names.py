"""Notes on the event properties that a question names: those that no event has, and values that no event has."""

import json
from collections.abc import Generator, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, cast

from mcp_errortracking.catalog.endpoint import Request, StepError, as_object
from mcp_errortracking.catalog.event_properties import DAYS, MOST_VALUES, Values, query_names, query_values
from mcp_errortracking.catalog.filters import PropertyFilter
from mcp_errortracking.rules.property_names import SENT, meant_property

_MAX_ASKED = 2
"""Requests that explain one empty answer."""
_MOST_NEAR, _MOST_COMMON = 3, 5
_LONGEST, _LONGEST_COMPARED = 60, 100
_COMPARED = ("exact", "icontains")
"""The operators whose values are looked for among those of the events."""

_Notes = Generator[Request, Any, list[str]]


def notes_on_keys(conditions: Iterable[PropertyFilter]) -> list[str]:
    """Return a note on each event property that is not sent under that name."""
    return [
        f"{key}: almost no event has this property; use {meant}."
        for key in dict.fromkeys(_keys(conditions))
        if (meant := meant_property(key))
    ]


def explain_nothing(conditions: Sequence[PropertyFilter]) -> _Notes:
    """Ask PostHog for the properties and values of conditions that nothing met, and return notes on unknown ones."""
    unknown = [key for key in dict.fromkeys(_keys(conditions)) if key not in SENT][:_MAX_ASKED]
    notes, asked = list[str](), 0
    for key in unknown:
        asked += 1
        try:
            is_known = yield from _is_sent(key)
        except StepError:
            return notes
        if not is_known:
            notes.append(f"No exception has the property {_quoted(key)}.")
            if asked < _MAX_ASKED and len(unknown) == 1:
                asked += 1
                notes[-1] += yield from _near(key)
    for one in conditions if not notes and asked < _MAX_ASKED else ():
        if one.type == "event" and one.key and one.operator in _COMPARED and one.value is not None:
            return (yield from _on_value(one, one.key))
    return notes


def nearest_names(name: str, names: Iterable[str]) -> list[str]:
    """Return the known names that are like one, among these and those that SDKs send."""
    known = {one.casefold(): one for one in (*SENT, *names) if len(one) <= _LONGEST_COMPARED}
    if len(name) > _LONGEST_COMPARED:
        return []
    wanted = name.casefold()
    inside = [one for folded, one in known.items() if len(wanted) > 2 and wanted.strip("$_") in folded]
    near = [known[one] for one in get_close_matches(wanted, known, n=_MOST_NEAR, cutoff=0.7)]
    return list(dict.fromkeys([*near, *inside]))[:_MOST_NEAR]


def _is_sent(key: str) -> Generator[Request, Any, bool]:
    condition = {"key": key, "type": "event", "operator": "is_set", "value": "is_set"}
    asked = {"filterGroup": [condition], "status": "all", "dateRange": {"date_from": "all"}, "limit": 1}
    answer = as_object((yield Request("POST", "error_tracking/query/issues/", json=asked)))
    return answer.get("results") != []


def _near(key: str) -> Generator[Request, Any, str]:
    try:
        names = [one.name for one in (yield from query_names())]
    except StepError:
        names = []
    near = nearest_names(key, names)
    return f" Nearest: {', '.join(map(_quoted, near))}." if near else ""


def _on_value(one: PropertyFilter, key: str) -> _Notes:
    try:
        values = yield from query_values(key)
    except StepError:
        return []
    given = cast("list[Any]", one.value) if isinstance(one.value, list) else [one.value]
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in given]
    if not values or any(_is_met(one.operator, text, value) for text in wanted for value, _ in values):
        return []
    return [_no_value(key, wanted[0] if len(wanted) == 1 else "", values)]


def _is_met(operator: str | None, wanted: str, value: str) -> bool:
    """True if a value meets a condition, or may do so: `%` and `_` of icontains stand for other text."""
    if operator == "icontains":
        return "%" in wanted or "_" in wanted or wanted.casefold() in value.casefold()
    return wanted == value


def _no_value(key: str, wanted: str, values: Values) -> str:
    common = ", ".join(f"{_quoted(value)} ({count})" for value, count in values[:_MOST_COMMON])
    value = f"the value {_quoted(wanted)}" if wanted else "one of these values"
    if len(values) >= MOST_VALUES:
        return f"{key}: {value} is not among the {len(values)} most common of {DAYS} days, which begin with {common}."
    return f"{key}: no exception of {DAYS} days has {value}; the most common are {common}."


def _quoted(text: str) -> str:
    """Return a text from outside in quotes, so that it does not read as a part of a sentence."""
    return json.dumps(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…", ensure_ascii=False)


def _keys(conditions: Iterable[PropertyFilter]) -> list[str]:
    return [one.key for one in conditions if one.type == "event" and one.key]
