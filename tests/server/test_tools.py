"""The catalog as an agent sees it."""

import json
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
    assert '"title"' not in text
    for name, field in schema["properties"].items():
        assert field, f"{name} has an empty schema: some clients then send any value as a string"


def test_the_filter_schema_takes_nested_groups_and_wants_a_key() -> None:
    schema = next(tool for tool in listed() if tool["name"] == "error-tracking-assignment-rules-create")["inputSchema"]
    condition = {"key": "$browser", "operator": "exact", "value": ["a", 1, True]}
    nested = {"type": "AND", "values": [{"type": "OR", "values": [condition]}, condition]}
    wrong = {"type": "AND", "values": [{"operator": "exact", "value": "Chrome"}]}

    jsonschema.validate({"filters": nested, "assignee": {"type": "user", "id": 1}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"filters": wrong, "assignee": {"type": "user", "id": 1}}, schema)


def test_instructions_are_short() -> None:
    assert len(INSTRUCTIONS.split()) < 120
