"""The property filters of a query, evaluated on events (contract 3.1, 6.13; rule contract 2.4, 3.3).

Of a property that holds a list, such as `$exception_types`, one item that passes is enough, also with a negative
operator: "some item is not", never "no item is".
"""

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from mcp_errortracking.sandbox.errors import invalid
from mcp_errortracking.sandbox.filters import OPERATORS
from mcp_errortracking.sandbox.store import Document

Occurrence = Document
"""An event with everything a filter may ask for: `properties` in full, `distinct_id`, `person`, `issue`."""
Condition = Callable[[Occurrence], bool]

_LISTS = ("$exception_types", "$exception_values", "$exception_sources", "$exception_functions")
_NEGATIVE = {
    "is_not": "exact",
    "not_in": "in",
    "not_between": "between",
    "semver_neq": "semver_eq",
    **{f"not_{name}": name for name in ("icontains", "starts_with", "ends_with", "regex", "icontains_multi")},
}


def read_conditions(group: Any) -> list[Condition]:
    """Return the conditions of a `filterGroup`, a flat list in which all must hold.

    Raises:
        ErrorAnswer: 400.
    """
    if group is None:
        return []
    if not isinstance(group, list):
        detail = f'Expected a list of items but got type "{type(group).__name__}".'
        raise invalid("not_a_list", detail, "filterGroup")
    conditions = list[Condition]()
    for index, given in enumerate(cast("list[Any]", group)):
        if not isinstance(given, dict):
            detail = f"Invalid data. Expected a dictionary, but got {type(given).__name__}."
            raise invalid("invalid_input", detail, f"filterGroup__{index}__non_field_errors")
        one = cast("dict[str, Any]", given)
        if one.get("type") == "hogql":
            raise invalid("invalid_input", "HogQL property filters are not supported here.", "filterGroup")
        operator = one.get("operator") or "exact"
        if operator not in OPERATORS:
            raise invalid("invalid_choice", f'"{operator}" is not a valid choice.', f"filterGroup__{index}__operator")
        conditions.append(_condition(str(one.get("type") or "event"), str(one.get("key")), operator, one.get("value")))
    return conditions


def _condition(kind: str, key: str, operator: str, value: Any) -> Condition:
    if kind == "empty":
        return lambda _: True
    wanted = cast("list[Any]", value) if isinstance(value, list) else [value]

    def holds(event: Occurrence) -> bool:
        held = _held(event, kind, key)
        if isinstance(held, list) or (kind == "event" and key in _LISTS):
            return any(_passes(operator, item, wanted) for item in cast("list[Any]", held or []))
        return _passes(operator, held, wanted)

    return holds


def _passes(operator: str, item: Any, wanted: list[Any]) -> bool:
    if operator in ("is_set", "is_not_set"):
        return (item is not None) == (operator == "is_set")
    if operator in _NEGATIVE:
        return item is None or not _matches(_NEGATIVE[operator], item, wanted)
    return item is not None and _matches(operator, item, wanted)


def _held(event: Occurrence, kind: str, key: str) -> Any:
    """Return an event's value of a key. The sandbox has no groups, sessions, cohorts or logs: None for those."""
    if kind == "event":
        return event["properties"].get(key)
    if kind == "feature":
        return event["properties"].get(f"$feature/{key.removeprefix('$feature/')}")
    if kind == "person":
        return event["person"].get(key)
    if kind == "event_metadata":
        return {name: event[name] for name in ("timestamp", "distinct_id", "person_id")}.get(key)
    if kind == "error_tracking_issue":
        return event["issue"].get({"issue_id": "id", "issue_description": "description"}.get(key, key))
    return None


def _matches(operator: str, item: Any, wanted: list[Any]) -> bool:
    if operator in ("between", "min", "max", "gt", "gte", "lt", "lte"):
        return _compares(operator, item, wanted)
    if operator.startswith("semver_"):
        return _is_version(operator.removeprefix("semver_"), str(item), str(wanted[0]))
    if operator.startswith("is_date_"):
        return _is_date(operator.removeprefix("is_date_"), str(item), str(wanted[0]))
    text = _text(item)
    if operator == "regex":
        return any(re.search(_text(one), text, re.ASCII) is not None for one in wanted)
    if operator == "icontains" and len(wanted) == 1:
        return _like(_text(wanted[0])).search(text) is not None
    if operator in ("icontains", "icontains_multi"):
        return any(_text(one).lower() in text.lower() for one in wanted)
    if operator in ("starts_with", "ends_with"):
        test = str.startswith if operator == "starts_with" else str.endswith
        return any(test(text.lower(), _text(one).lower()) for one in wanted)
    return any(text == _text(one) for one in wanted)


@functools.lru_cache
def _like(text: str) -> re.Pattern[str]:
    """Return a search for `%text%` as ILIKE has it: % is any text, _ any character, a backslash makes them literal."""

    def translate(found: re.Match[str]) -> str:
        part = found[0]
        if part == "\\":  # the last character: it makes the % behind it literal, which must then end the text
            return "%$"
        if part[0] == "\\":
            return re.escape(part[1] if part[1] in "%_\\" else part)
        return {"%": ".*", "_": "[^\n]"}.get(part, re.escape(part))

    return re.compile(re.sub(r"\\?.|\\$", translate, text, flags=re.DOTALL), re.IGNORECASE | re.DOTALL)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compares(operator: str, item: Any, wanted: list[Any]) -> bool:
    """Compare numbers as numbers, everything else as text."""
    try:
        held, bounds = float(item), [float(one) for one in wanted]
    except (TypeError, ValueError):
        held, bounds = str(item), [str(one) for one in wanted]
    low, high = cast("Any", bounds[0]), cast("Any", bounds[-1])
    value = cast("Any", held)
    return {
        "gt": value > low,
        "gte": value >= low,
        "min": value >= low,
        "lt": value < low,
        "lte": value <= low,
        "max": value <= low,
        "between": low <= value <= high,
    }[operator]


def _is_date(operator: str, item: str, wanted: str) -> bool:
    try:
        held, bound = (_utc(datetime.fromisoformat(text)) for text in (item, wanted))
    except ValueError:
        return False
    return {"exact": held.date() == bound.date(), "before": held < bound, "after": held > bound}[operator]


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_version(operator: str, item: str, wanted: str) -> bool:
    """Compare semantic versions by their numbers; text that is not a version never matches."""
    held, bound = _numbers(item), _numbers(wanted.replace(".*", ""))
    if held is None or bound is None:
        return False
    full = (*bound, *(0, 0, 0)[len(bound) :])
    above = {
        "tilde": (*full[:1], full[1] + 1, 0) if len(bound) > 1 else (full[0] + 1, 0, 0),
        "caret": (full[0] + 1, 0, 0) if full[0] else (0, full[1] + 1, 0) if full[1] else (0, 0, full[2] + 1),
    }
    whole = (*held, *(0, 0, 0)[len(held) :])
    if operator == "wildcard":
        return whole[: len(bound)] == bound
    if operator in above:
        return full <= whole < above[operator]
    return {
        "eq": whole == full,
        "gt": whole > full,
        "gte": whole >= full,
        "lt": whole < full,
        "lte": whole <= full,
    }[operator]


def _numbers(text: str) -> tuple[int, ...] | None:
    found = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+].*)?$", text.strip())
    return tuple(int(part) for part in found.groups() if part is not None) if found else None
