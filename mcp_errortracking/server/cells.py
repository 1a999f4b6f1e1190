"""Formatting of one value as short text on one line, safe for untrusted values (`safe_text`).

Every text goes through `line`, every name through `name`, every object and list through `json`.
"""

import re
import sys
from typing import Any, cast

from pydantic_core import to_json

from mcp_errortracking.catalog.endpoint import Verbatim
from mcp_errortracking.safe_text.escaping import break_tags, clean, escape, impersonates, is_plain, replace_surrogates

_WORDS = frozenset(["", "null", "true", "false"])
_GROUP = frozenset(["type", "values"])
_ASSIGNEE = frozenset(["type", "id"])
_CONDITION = frozenset(["key", "type", "operator", "value", "label"])
_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", re.ASCII)
_LONGEST_NAME = 200
_BARE = 200
"""Most characters of a text that goes into an assignee as it is."""
_ROOM_FOR_ASSIGNEE = 5000
"""Characters that an assignee of two such texts, or of the longest integer, has as JSON at most."""
_DEEPEST_GROUP = 8


class Cells:
    """Formats values as text. A value longer than `longest` characters is first cut to half of that."""

    def __init__(self, longest: int = sys.maxsize) -> None:
        self.longest = longest
        self.is_cut = False
        """True if a value was cut."""

    @property
    def kept(self) -> int:
        """The number of characters that a cut value keeps."""
        return self.longest // 2

    def cell(self, value: Any) -> str:
        """Return a value for a table, where filters and assignees are shorter than JSON."""
        # Most cells are plain text, a time, null or a number: shortcuts of `value`.
        if type(value) is str:
            if value[-1:] == "Z" and len(value) < 100 and _FRACTION.fullmatch(value):
                return f"{value[:19]}Z"
            is_short = len(value) <= self.longest
            return value if is_short and is_plain(value) and value not in _WORDS else self.scalar(value)
        if value is None:
            return "null"
        if type(value) is int:
            return str(value)
        if not isinstance(value, dict):
            return self.value(value)
        inner = cast("dict[str, Any]", value)
        keys = inner.keys()
        if keys == _ASSIGNEE:
            kind, who = inner["type"], inner["id"]
            # Both plain and short, as nearly always: nothing to escape, to quote or to cut.
            if _is_bare(kind) and (type(who) is int or _is_bare(who)) and self.longest > _ROOM_FOR_ASSIGNEE:
                return f"{kind} {who}"
        elif keys != _GROUP:
            return self.json(inner)
        encoded = _encode(inner)
        if len(encoded) > self.longest:  # it is cut without formatting its conditions
            return self.json(inner)
        short = self._assignee(inner) if keys == _ASSIGNEE else escape(_filters(inner))
        return escape(encoded) if impersonates(short) else short

    def value(self, value: Any) -> str:
        """Return a value to follow its name."""
        return self.json(value) if isinstance(value, dict | list) else self.scalar(value)

    def scalar(self, value: Any) -> str:
        """Return a string, number, boolean or null; a string that would read as one of the others is JSON."""
        if isinstance(value, Verbatim):
            return self.json(value)
        if isinstance(value, str):
            if value[-1:] == "Z" and len(value) < 100 and _FRACTION.fullmatch(value):
                return f"{value[:19]}Z"
            return self.json(value) if value in _WORDS else self.line(value)
        if value is None:
            return "null"
        return str(value) if type(value) is int else self.json(value)

    def line(self, text: str) -> str:
        """Return a text on one line, as JSON if it imitates something else."""
        return one_line(self._cut(text))

    def json(self, value: Any) -> str:
        """Return a value as JSON on one line."""
        return escape(self._cut(_encode(value)))

    def _cut(self, text: str) -> str:
        if len(text) <= self.longest:
            return text
        self.is_cut = True
        return f"{text[: self.kept]}…"

    def _assignee(self, value: dict[str, Any]) -> str:
        return f"{self.scalar(value['type'])} {self.scalar(value['id'])}"


def one_line(text: str, limit: int | None = None) -> str:
    """Return a text on one line, cut at the limit, as JSON if it imitates a note or a turn of a conversation."""
    if limit is not None and len(text) > limit:
        text = f"{text[: limit - 1]}…"
    if is_plain(text):
        return text
    line = break_tags(clean(text))
    return escape(_encode(text)) if impersonates(line) else line


def name(text: str) -> str:
    """Return the name of a field, which is untrusted text too."""
    text = text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
    return escape(_encode(text)) if impersonates(f"{clean(text)}:") else break_tags(clean(text))


def sendable(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with a replacement character for each lone surrogate, which UTF-8 cannot encode."""
    try:
        to_json(data)
    except ValueError:
        return replace_surrogates(data)
    return data


def json_text(data: dict[str, Any]) -> str:
    """Return the data as standard JSON: NaN and infinite numbers become null."""
    return to_json(sendable(data), inf_nan_mode="null").decode()


def _is_bare(value: Any) -> bool:
    """True for a short text that stays as it is in a cell."""
    return type(value) is str and len(value) <= _BARE and is_plain(value) is not None and value not in _WORDS


def _encode(value: Any) -> str:
    if type(value) is str and is_plain(value):
        return f'"{value}"'  # the same, in a third of the time
    try:
        return to_json(value).decode()
    except ValueError:  # a lone surrogate
        return to_json(replace_surrogates(value)).decode()


def _filters(group: dict[str, Any], depth: int = 0) -> str:
    """Return a group of filters as an expression, e.g. `AND($exception_types icontains "TypeError"; OR(...))`."""
    values = group["values"]
    if not isinstance(values, list) or depth > _DEEPEST_GROUP:
        return _encode(group)
    return f"{group['type']}({'; '.join([_condition(value, depth) for value in cast('list[Any]', values)])})"


def _condition(value: Any, depth: int) -> str:
    if not isinstance(value, dict):
        return _encode(value)
    condition = cast("dict[str, Any]", value)
    if condition.keys() == _GROUP:
        return _filters(condition, depth + 1)
    if "key" not in condition or not condition.keys() <= _CONDITION:
        return _encode(condition)
    kind, value = condition.get("type", "event"), condition.get("value")
    key = condition["key"] if kind == "event" else f"{kind}:{condition['key']}"
    test = f"{key} {condition.get('operator') or 'exact'}"
    return test if value is None else f"{test} {_encode(value)}"
