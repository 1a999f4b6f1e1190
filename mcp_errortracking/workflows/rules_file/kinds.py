"""The kinds of rules: their settings, their tools, and a rule of PostHog as the settings that a file can say."""

from collections.abc import Mapping
from typing import Any, cast

from mcp_errortracking.catalog.rules_check import Kind

KINDS: tuple[Kind, ...] = ("suppression", "grouping", "assignment", "severity", "bypass")
"""In the order of a file: that of ingestion (rule contract 1.1)."""

SETTINGS: Mapping[Kind, tuple[str, ...]] = {
    "assignment": ("assignee", "filters"),
    "grouping": ("description", "assignee", "filters"),
    "suppression": ("sampling_rate", "filters"),
    "bypass": ("filters",),
    "severity": ("severity", "filters"),
}
WRITE_ONCE: Mapping[Kind, tuple[str, ...]] = {"grouping": ("description", "assignee")}
"""Settings that PostHog takes when it creates a rule, and never changes."""

ORDERED_ON_CREATE: tuple[Kind, ...] = ("assignment", "severity")
"""Kinds that are created at a position. A rule of another kind is created at position 0, and then moved."""

NEEDS_CONDITION: tuple[Kind, ...] = ("grouping", "bypass")
"""Kinds of which a rule cannot match everything (rule contract 1.3)."""

NEWER: tuple[Kind, ...] = ("bypass", "severity")
"""Kinds that an older PostHog does not have."""

DEFAULTS: Mapping[str, Any] = {"assignee": None, "description": "", "sampling_rate": 1.0, "severity": None}


def tool(kind: Kind, verb: str) -> str:
    """Return the name of a tool; `verb`: list, create, update, destroy or reorder."""
    if kind == "assignment" and verb == "update":
        verb = "partial-update"
    return f"error-tracking-{kind}-rules-{verb}"


def settings_of(kind: Kind, rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a rule as PostHog holds it, with defaults for what it does not have."""
    settings = dict[str, Any]()
    for name in SETTINGS[kind]:
        value = rule.get(name)
        if name == "filters":
            settings[name] = with_defaults(value)
        elif name == "assignee" and isinstance(value, dict):
            assignee = cast("dict[str, Any]", value)
            settings[name] = {"type": assignee.get("type"), "id": assignee.get("id")}
        elif name == "sampling_rate" and isinstance(value, int):
            settings[name] = float(value)
        else:
            settings[name] = DEFAULTS[name] if value is None else value
    return settings


def with_defaults(filters: Any) -> Any:
    """Return filters with the type and the operator that PostHog assumes where a condition has none."""
    if not isinstance(filters, dict):
        return filters
    group = cast("dict[str, Any]", filters)
    if isinstance(group.get("values"), list):
        return {**group, "values": [with_defaults(value) for value in cast("list[Any]", group["values"])]}
    condition = {"type": "event", **group}
    if condition["type"] == "event":
        condition.setdefault("operator", "exact")
    return condition
