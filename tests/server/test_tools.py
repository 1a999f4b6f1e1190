"""What an agent sees of the catalog. `tool_list.json` holds it, so that a change of it is a visible diff:

python -m tests.server.test_tools       writes it anew
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.server.app import INSTRUCTIONS
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.tools import tools

SNAPSHOT = Path(__file__).with_name("tool_list.json")


def listed() -> list[dict[str, Any]]:
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools()]


def written(tool_list: list[dict[str, Any]]) -> str:
    return json.dumps(tool_list, indent=2, ensure_ascii=False) + "\n"


def test_the_public_tool_list_is_the_one_on_file() -> None:
    assert written(listed()) == SNAPSHOT.read_text("utf-8"), "if meant: python -m tests.server.test_tools"


def test_every_tool_states_its_title_and_all_four_annotations() -> None:
    for tool in listed():
        assert tool["title"]
        assert set(tool["annotations"]) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
        assert tool["annotations"]["readOnlyHint"] == (CATALOG[tool["name"]].method == "GET")


@pytest.mark.parametrize("tool", listed(), ids=lambda tool: tool["name"])
def test_every_schema_is_valid_compact_and_closed(tool: dict[str, Any]) -> None:
    schema = tool["inputSchema"]

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(example(CATALOG[tool["name"]]), schema, cls=jsonschema.Draft202012Validator)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    text = json.dumps(schema)
    assert len(text) < 8000
    assert '"null"' not in text
    assert '"title"' not in text
    for name, field in schema["properties"].items():
        assert field, f"{name} has an empty schema: some clients then send any value as a string"


def test_the_filter_schema_takes_nested_groups_and_knows_the_operators() -> None:
    schema = next(tool for tool in listed() if tool["name"].endswith("-create"))["inputSchema"]
    condition = {"key": "$browser", "operator": "exact", "value": ["a", 1, True]}
    nested = {"type": "AND", "values": [{"type": "OR", "values": [condition]}, condition]}
    wrong = {"type": "AND", "values": [{"key": "$browser", "operator": "contains"}]}

    jsonschema.validate({"filters": nested, "assignee": {"type": "user", "id": 1}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"filters": wrong, "assignee": {"type": "user", "id": 1}}, schema)


def test_instructions_are_short() -> None:
    assert len(INSTRUCTIONS.split()) < 120


if __name__ == "__main__":
    SNAPSHOT.write_text(written(listed()), "utf-8")
