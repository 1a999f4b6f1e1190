"""The argument `confirm`: the tools that have it, and its schema. It imports neither the SDK nor the catalog."""

from typing import Any, Literal

Mode = Literal["never", "destructive", "writes"]
ARGUMENT = "confirm"
_SCHEMA = {"type": "string", "description": "The token that the refusal of this call gave."}


def is_confirmed(mode: Mode, *, read_only: bool, destructive: bool) -> bool:
    """True if calls of a tool with these annotations are confirmed."""
    return not read_only and (mode == "writes" or (mode == "destructive" and destructive))


def with_argument(tool: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Return a tool of tools/list, with the argument if its calls are confirmed."""
    marks = tool["annotations"]
    if not is_confirmed(mode, read_only=marks["readOnlyHint"], destructive=marks["destructiveHint"]):
        return tool
    schema = tool["inputSchema"]
    return {**tool, "inputSchema": {**schema, "properties": {**schema["properties"], ARGUMENT: _SCHEMA}}}
