"""The grammar of filters as agents read it: conditions, or groups of conditions, one level written out.

The validator (`filters`) takes more: groups that nest deeper, every operator, values that are numbers, booleans or
lists. The schema is what every client family can pass on to its model: no recursion, no union, one type a node.
LangChain's converters for Gemini refuse a tool with a union, or make a bare object of it.
"""

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_JOIN: Schema = {"type": "string", "enum": ["AND", "OR"]}

# All operators would cost more tokens than the rest of a rule; a wrong one is answered with the nearest.
_OPERATORS = ("exact", "is_not", "icontains", "not_icontains", "regex", "gt", "lt", "is_set", "is_not_set")
_MEMBERS: dict[str, Schema] = {
    "key": {"type": "string", "description": "e.g. $exception_types"},
    "operator": {"type": "string", "enum": list(_OPERATORS)},
    "value": {"type": "string", "description": "or JSON list"},
}

CONDITION: Schema = {
    "type": "object",
    "properties": {**_MEMBERS, "type": {"type": "string", "default": "event"}},
    "required": ["key"],
}
"""A condition on one property."""

_INNER_CONDITION: Schema = {"type": "object", "properties": {"key": _TEXT, "operator": _TEXT, "value": _TEXT}}
"""A condition in an inner group, as short as it can be: ten tools repeat it."""

_ENTRY: Schema = {
    "type": "object",
    "properties": {
        **_MEMBERS,
        "type": {"type": "string", "description": "event; AND, OR"},
        "values": {"type": "array", "items": _INNER_CONDITION},
    },
}
"""A condition, or a group: its `type` and `values`."""

GROUP: Schema = {
    "type": "object",
    "properties": {"type": _JOIN, "values": {"type": "array", "items": _ENTRY}},
    "required": ["type", "values"],
}
"""The filters of a rule."""
