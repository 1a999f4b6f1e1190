"""One value as short text on one line, whatever strangers made of it.

Every text goes through `line`, every name through `name`, every object and list through `json`: see `untrusted`.
"""

import re
import sys
from typing import Any, cast

from pydantic_core import to_json

from mcp_errortracking.safe_text.escaping import break_tags, clean, escape, impersonates, is_plain, replace_surrogates

_WORDS = frozenset(["", "null", "true", "false"])
_GROUP = frozenset(["type", "values"])
_ASSIGNEE = frozenset(["type", "id"])
_CONDITION = frozenset(["key", "type", "operator", "value", "label"])
_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", re.ASCII)
_LONGEST_NAME = 200
_DEEPEST_GROUP = 8


class Cells:
    """Values as text; what is longer than `longest` characters is cut to half of it, before any work is done on it."""

    def __init__(self, longest: int = sys.maxsize) -> None:
        self.longest = longest
        self.is_cut = False
        """True once a value has been cut."""

    @property
    def kept(self) -> int:
        """Characters that are left of a value that is cut."""
        return self.longest // 2

    def cell(self, value: Any) -> str:
        """A value in a table, where filters and assignees are shorter than JSON."""
        if type(value) is str and len(value) <= self.longest and is_plain(value) and value not in _WORDS:
            return value  # most cells: the way of `scalar`, but short
        if not isinstance(value, dict):
            return self.value(value)
        inner = cast("dict[str, Any]", value)
        if inner.keys() == _GROUP or inner.keys() == _ASSIGNEE:
            encoded = _encode(inner)
            if len(encoded) <= self.longest:  # else not a line of Python runs for each of its conditions
                short = escape(_filters(inner)) if "values" in inner else self._assignee(inner)
                return escape(encoded) if impersonates(short) else short
        return self.json(inner)

    def value(self, value: Any) -> str:
        """A value beside its name."""
        return self.json(value) if isinstance(value, dict | list) else self.scalar(value)

    def scalar(self, value: Any) -> str:
        """A text, number, truth or null; a text that would read as one of the others is JSON."""
        if isinstance(value, str):
            if value[-1:] == "Z" and len(value) < 100 and _FRACTION.fullmatch(value):
                return f"{value[:19]}Z"
            return self.json(value) if value in _WORDS else self.line(value)
        if value is None:
            return "null"
        return str(value) if type(value) is int else self.json(value)

    def line(self, text: str) -> str:
        """A text on one line, as JSON where it would pass for something else."""
        return one_line(self._cut(text))

    def json(self, value: Any) -> str:
        """A value as JSON on one line."""
        return escape(self._cut(_encode(value)))

    def _cut(self, text: str) -> str:
        if len(text) <= self.longest:
            return text
        self.is_cut = True
        return f"{text[: self.kept]}…"

    def _assignee(self, value: dict[str, Any]) -> str:
        return f"{self.scalar(value['type'])} {self.scalar(value['id'])}"


def one_line(text: str, limit: int | None = None) -> str:
    """A text on one line, as JSON where it would pass for something else; what is longer than the limit is cut."""
    if limit is not None and len(text) > limit:
        text = f"{text[: limit - 1]}…"
    if is_plain(text):
        return text
    line = break_tags(clean(text))
    return escape(_encode(text)) if impersonates(line) else line


def name(text: str) -> str:
    """A field's name; strangers name theirs too."""
    text = text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
    return escape(_encode(text)) if impersonates(f"{clean(text)}:") else break_tags(clean(text))


def sendable(data: dict[str, Any]) -> dict[str, Any]:
    """The data, with a replacement character for each half of a surrogate pair, which JSON in UTF-8 cannot hold."""
    try:
        to_json(data)
    except ValueError:
        return replace_surrogates(data)
    return data


def json_text(data: dict[str, Any]) -> str:
    """The data as JSON that every program reads: numbers beyond those of JSON are null."""
    return to_json(sendable(data), inf_nan_mode="null").decode()


def _encode(value: Any) -> str:
    try:
        return to_json(value).decode()
    except ValueError:  # half of a surrogate pair
        return to_json(replace_surrogates(value)).decode()


def _filters(group: dict[str, Any], depth: int = 0) -> str:
    """A group of filters as an expression, e.g. `AND($exception_types icontains "TypeError"; OR(...))`."""
    values = group["values"]
    if not isinstance(values, list) or depth > _DEEPEST_GROUP:
        return _encode(group)
    return f"{group['type']}({'; '.join(_condition(value, depth) for value in cast('list[Any]', values))})"


def _condition(value: Any, depth: int) -> str:
    if not isinstance(value, dict):
        return _encode(value)
    condition = cast("dict[str, Any]", value)
    if condition.keys() == _GROUP:
        return _filters(condition, depth + 1)
    if "key" not in condition or not condition.keys() <= _CONDITION:
        return _encode(condition)
    kind, wanted = condition.get("type", "event"), condition.get("value")
    key = condition["key"] if kind == "event" else f"{kind}:{condition['key']}"
    said = f"{key} {condition.get('operator') or 'exact'}"
    return said if wanted is None else f"{said} {_encode(wanted)}"
