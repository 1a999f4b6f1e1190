"""The catalog as an agent sees it."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from mcp_errortracking.catalog import CATALOG, Declaration
from mcp_errortracking.server.app import INSTRUCTIONS
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.tools import TOOL_LIST, tool_list
from mcp_errortracking.workflows.registry import WORKFLOWS

DECLARED: dict[str, type[Declaration]] = {**CATALOG, **{tool.tool: tool for tool in WORKFLOWS}}


def listed() -> list[dict[str, Any]]:
    return json.loads(TOOL_LIST.read_text("utf-8"))


def test_the_public_tool_list_is_the_one_on_file() -> None:
    assert tool_list() == TOOL_LIST.read_text("utf-8"), "if intended: make generate"


def test_every_tool_states_its_title_and_all_four_annotations() -> None:
    for tool in listed():
        assert tool["title"]
        assert set(tool["annotations"]) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
        assert tool["annotations"]["readOnlyHint"] == DECLARED[tool["name"]].read_only


@pytest.mark.parametrize("tool", listed(), ids=lambda tool: tool["name"])
def test_every_schema_is_valid_compact_and_closed(tool: dict[str, Any]) -> None:
    schema = tool["inputSchema"]

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(example(DECLARED[tool["name"]]), schema, cls=jsonschema.Draft202012Validator)
    assert schema["type"] == "object"
    text = json.dumps(schema)
    assert len(text) < 8000
    assert '"null"' not in text
    assert '"title": "' not in text
    for name, field in schema["properties"].items():
        assert field, f"{name} has an empty schema: some clients then send any value as a string"


def not_portable(schema: dict[str, Any], place: str = "arguments") -> Iterator[str]:
    """Yield the places of a schema that some client family refuses, drops, or passes on as something else.

    The portable subset: one type a node, no union, no reference, no format, no map type, no object without members
    (but for a tool without arguments), and no keyword beyond these.
    """
    known = {"type", "description", "default", "enum", "properties", "required", "items", "maximum"}
    kind = schema.get("type")
    if unknown := set(schema) - known:
        yield f"{place}: {', '.join(sorted(unknown))}"
    if kind not in ("object", "array", "string", "integer", "number", "boolean"):
        yield f"{place}: type {kind}"
    if kind == "object" and not schema.get("properties") and place != "arguments":
        yield f"{place}: an object without members"
    if not set(schema.get("required", [])) <= set(schema.get("properties", {})):
        yield f"{place}: requires what it does not have"
    if "enum" in schema and not (kind == "string" and all(isinstance(value, str) for value in schema["enum"])):
        yield f"{place}: an enum of other things than texts"
    if kind == "array":
        yield from not_portable(schema.get("items", {}), f"{place}[]")
    for name, member in schema.get("properties", {}).items():
        yield from not_portable(member, f"{place}.{name}")


@pytest.mark.parametrize("tool", listed(), ids=lambda tool: tool["name"])
def test_every_schema_is_in_the_portable_subset(tool: dict[str, Any]) -> None:
    assert list(not_portable(tool["inputSchema"])) == []


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"type": ["string", "array"], "items": {"type": "string"}}, "arguments: type ['string', 'array']"),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, "arguments: anyOf"),
        ({"$ref": "#/$defs/FilterGroup"}, "arguments: $ref"),
        ({"type": "string", "format": "uuid"}, "arguments: format"),
        ({"type": "object", "properties": {"a": {"type": "object"}}}, "arguments.a: an object without members"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "arguments: additionalProperties"),
        ({"type": "array"}, "arguments[]: type None"),
        ({"type": "integer", "enum": [1]}, "arguments: an enum of other things than texts"),
        ({"type": "object", "properties": {}, "required": ["a"]}, "arguments: requires what it does not have"),
    ],
)
def test_what_is_not_portable_is_found(schema: dict[str, Any], found: str) -> None:
    assert found in list(not_portable(schema))


def test_the_filter_schema_takes_conditions_and_groups_of_conditions() -> None:
    schema = next(tool for tool in listed() if tool["name"] == "error-tracking-assignment-rules-create")["inputSchema"]
    condition = {"key": "$browser", "operator": "exact", "value": "Chrome"}
    nested = {"type": "AND", "values": [{"type": "OR", "values": [condition]}, condition]}
    wrong = {"type": "AND", "values": [{**condition, "operator": "is_like"}]}

    jsonschema.validate({"filters": nested, "assignee": {"type": "user", "id": "1"}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"filters": wrong, "assignee": {"type": "user", "id": "1"}}, schema)


def test_instructions_are_short() -> None:
    assert len(INSTRUCTIONS.split()) < 120
