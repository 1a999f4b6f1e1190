"""The tool list through the libraries that convert it for model providers: every tool arrives, and whole.

`.ci/converters` installs them. What a converter drops, the model cannot say.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.server.tools import TOOL_LIST
from tests.clients.node_tools import node
from tests.required import THOROUGH

HOME = Path(__file__).parents[2] / ".venv/converters"
FOLDER = Path(__file__).with_name("converters")
PYTHON = ("google-genai", "google-adk", "langchain-google-genai", "openai-agents", "litellm")
NODE = ("@ai-sdk/google", "@langchain/google-common")
TOOLS: list[dict[str, Any]] = json.loads(TOOL_LIST.read_text("utf-8"))


def converted(library: str) -> dict[str, Any]:
    """Return the schema of each tool as the library sends it; skip without the libraries, or fail in CI."""
    python = HOME / "python/bin/python"
    if not (python.exists() and (HOME / "node_modules").exists()):
        if THOROUGH:
            pytest.fail("run .ci/converters first")
        pytest.skip("needs .ci/converters")
    text = TOOL_LIST.read_text("utf-8")
    if library in NODE:
        ran = node(FOLDER / "convert.mjs", HOME, library, input=text)
    else:
        command = [python, FOLDER / "convert.py", library]
        ran = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return {name: alike(schema) for name, schema in json.loads(ran.stdout).items()}


def alike(node: Any) -> Any:
    """Return a converted schema with its types in lower case, as in JSON schema."""
    if isinstance(node, list):
        return [alike(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value.lower() if key == "type" and isinstance(value, str) else alike(value) for key, value in node.items()
    }


def places(schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Yield each argument, member and entry of a schema, with its type."""
    yield place, schema.get("type", "none")
    if "items" in schema:
        yield from places(schema["items"], f"{place}[]")
    for name, member in schema.get("properties", {}).items():
        yield from places(member, f"{place}.{name}")


@pytest.mark.parametrize("library", [*PYTHON, *NODE])
def test_every_tool_reaches_the_model_whole(library: str) -> None:
    schemas = converted(library)

    assert sorted(schemas) == sorted(tool["name"] for tool in TOOLS)
    for tool in TOOLS:
        if tool["inputSchema"]["properties"]:  # some libraries send nothing for a tool without arguments
            sent = dict(places({**schemas[tool["name"]], "type": "object"}))
            assert sent == dict(places(tool["inputSchema"])), tool["name"]

    listed = schemas["query-error-tracking-issues-list"]["properties"]
    assert listed["library"]["type"] == "array"
    assert listed["library"]["items"]["type"] == "string"
    assert listed["assignee"]["properties"]["id"]["type"] == "string"  # a role's UUID can be said
    for name in ("error-tracking-assignment-rules-create", "error-tracking-bypass-rules-update"):
        filters = schemas[name]["properties"]["filters"]["properties"]
        assert filters["type"]["enum"] == ["AND", "OR"]
        entry = filters["values"]["items"]["properties"]
        assert {"exact", "icontains", "regex", "is_set"} <= set(entry["operator"]["enum"])
        assert set(entry["values"]["items"]["properties"]) == {"key", "operator", "value"}
    order = schemas["error-tracking-severity-rules-reorder"]["properties"]["orders"]["items"]["properties"]
    assert {name: member["type"] for name, member in order.items()} == {"id": "string", "order_key": "integer"}
