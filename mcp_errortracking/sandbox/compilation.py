"""The errors of PostHog's compiler, which turns the filters of a rule into bytecode when they are saved.

Only the check of function names is a 400; no other error of the compiler is caught (contract 3.1, rule contract 2.1).
"""

import re
from typing import Any, cast

from mcp_errortracking.sandbox.errors import invalid, server_error

_REFUSED_TYPES = ("cohort", "revenue_analytics")
_LISTS = ("$exception_types", "$exception_values", "$exception_sources", "$exception_functions")
_FIELD, _LAMBDA = 10, 32
"""Entries of the bytecode that reads a property, and one of the lists."""
_VERSION = re.compile(r"\d+(\.\d+){0,2}")


def check_compiles(group: dict[str, Any]) -> None:
    """Fail as PostHog does on validated filters that it cannot compile.

    Raises:
        ErrorAnswer: 400 for a function that rules may not call, else 500.
    """
    for value in cast("list[dict[str, Any]]", group["values"]):
        if "values" in value:
            check_compiles(value)
        elif not compiles(value):
            raise server_error()


def bytecode_size(group: dict[str, Any]) -> int:
    """Return about how many entries the bytecode of filters has: two for each value, and those that read the property.

    PostHog's compiler is not copied here; its limit is far above what its pages can write.
    """
    size = 2
    for value in cast("list[dict[str, Any]]", group["values"]):
        size += bytecode_size(value) if "values" in value else _size(value)
    return size


def _size(condition: dict[str, Any]) -> int:
    value: Any = condition.get("value")
    count = len(cast("list[Any]", value)) if isinstance(value, list) else 1
    reading = _LAMBDA if condition.get("key") in _LISTS else _FIELD
    return count * (reading + 2) if condition.get("operator") in ("regex", "not_regex") else reading + 2 * count


def compiles(condition: dict[str, Any]) -> bool:
    """True if PostHog's compiler takes a condition.

    Raises:
        ErrorAnswer: 400 for a function that rules may not call.
    """
    kind, operator, value = condition.get("type", "event"), condition.get("operator"), condition.get("value")
    if kind in ("empty", "flag", "hogql"):
        return True
    if kind in _REFUSED_TYPES:
        return False
    if value == [] and operator not in ("between", "not_between"):
        return True
    if operator in ("is_date_exact", "is_date_before", "is_date_after"):
        if not isinstance(value, str):
            return False
        raise invalid("invalid_input", "Unknown global function: toDateTime")
    if operator in ("in", "not_in"):
        return isinstance(value, list) and len(cast("list[Any]", value)) > 1
    if operator in ("between", "not_between"):
        return _is_range(value)
    if operator in ("semver_tilde", "semver_caret", "semver_wildcard"):
        versions = cast("list[Any]", value) if isinstance(value, list) else [value]
        return all(isinstance(one, str) and _VERSION.match(one) for one in versions)
    return operator != "flag_evaluates_to"


def _is_range(value: Any) -> bool:
    try:
        low, high = (float(one) for one in value)
    except (TypeError, ValueError):
        return False
    return low <= high
