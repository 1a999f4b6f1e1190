"""Filters and settings in words: one line each, for plans and for the names of rules."""

import json
from collections.abc import Mapping
from typing import Any, cast

from mcp_errortracking.safe_text.escaping import clean

_LONGEST_VALUE, _LONGEST_JOIN = 120, 10


def filters_in_words(filters: Any, *, is_inner: bool = False) -> str:
    """Return filters as a line: `$exception_types exact "TypeError" and ($lib exact "web" or $lib is_set)`."""
    group = cast("dict[str, Any]", filters) if isinstance(filters, dict) else {}
    if not isinstance(group.get("values"), list):
        return _condition(group)
    values = cast("list[Any]", group["values"])
    if not values:
        return "everything"
    if len(values) == 1:
        return filters_in_words(values[0], is_inner=is_inner)
    parts = [filters_in_words(value, is_inner=True) for value in values]
    joined = f" {clean(str(group.get('type')).lower(), _LONGEST_JOIN)} ".join(parts)
    return f"({joined})" if is_inner else joined


def value_in_words(name: str, value: Any, people: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the value of a setting; an assignee by its name in the file."""
    if name == "filters":
        return filters_in_words(value)
    if name == "assignee":
        return assignee_in_words(value, people)
    return clean(json.dumps(value, ensure_ascii=False), _LONGEST_VALUE)


def assignee_in_words(assignee: Any, people: Mapping[str, Mapping[str, Any]]) -> str:
    if not isinstance(assignee, dict):
        return "nobody"
    given = cast("dict[str, Any]", assignee)
    name = next((name for name, one in people.items() if one == given), None)
    identity = f"{given.get('type')} {given.get('id')}"
    return clean(f"{name} ({identity})" if name else identity, _LONGEST_VALUE)


def _condition(condition: Mapping[str, Any]) -> str:
    kind = condition.get("type", "event")
    parts = [] if kind == "event" else [str(kind)]
    parts += [str(condition[name]) for name in ("key", "operator") if condition.get(name) is not None]
    if condition.get("value") is not None:
        parts.append(json.dumps(condition["value"], ensure_ascii=False))
    return clean(" ".join(parts), _LONGEST_VALUE)
