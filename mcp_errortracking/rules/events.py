"""An event's properties as a rule sees them (rule contract 1.2)."""

import json
from collections.abc import Mapping
from typing import Any, cast

from mcp_errortracking.rules.outcomes import DisabledError
from mcp_errortracking.rules.values import size_of

ARRAY_KEYS = ("$exception_types", "$exception_values", "$exception_sources", "$exception_functions")
"""Keys whose elements are tested one by one."""
KINDS = ("assignment", "grouping", "suppression", "bypass", "severity")
_OF_ISSUES = ("assignment", "severity")
_NOT_WITH_ISSUES = ("$issue_name", "$issue_description")
_ISSUE_ID = "$exception_issue_id"


def seen_by(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that a kind of rule sees of an event."""
    if kind in _OF_ISSUES:
        return {key: value for key, value in properties.items() if key not in _NOT_WITH_ISSUES}
    return {**properties, _ISSUE_ID: None}


class Event:
    """The properties of one event, with what several rules want of them."""

    __slots__ = ("_elements", "_properties", "_sizes", "largest", "longest")

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._properties = properties
        self._elements = dict[str, list[Any]]()
        self._sizes = dict[str, int]()
        self.longest = 0
        """The length of the longest array that was read."""
        self.largest = 0
        """The size of the largest value that was read."""

    def value(self, key: str) -> Any:
        """Return a property; a missing one is None."""
        value = self._properties.get(key)
        if value is not None and key not in self._sizes:
            self._measure(key, value)
        return value

    def elements(self, key: str) -> list[Any]:
        """Return the elements of an array key.

        Raises:
            DisabledError: it is not an array.
        """
        found = self._elements.get(key)
        if found is None:
            found = self._elements[key] = _elements(self.value(key))
            self.longest = max(self.longest, len(found))
        return found

    def size(self, key: str) -> int:
        """Return the size of a property that was read."""
        return self._sizes.get(key, 0)

    def _measure(self, key: str, value: Any) -> None:
        size = self._sizes[key] = size_of(value)
        self.largest = max(self.largest, size)


def _elements(value: Any) -> list[Any]:
    if isinstance(value, str):  # text is read as JSON first
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if isinstance(value, list):
        return cast("list[Any]", value)
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    raise DisabledError("values() only supports arrays and objects")
