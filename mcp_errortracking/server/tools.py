"""The catalog as MCP tools.

Their public form is on file in `tool_list.json`: building it takes longer than the rest of a start, and a change of it
is a visible diff. It is rewritten by `python -m mcp_errortracking.server.tools`.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_types import Tool, ToolAnnotations

from mcp_errortracking.catalog import CATALOG, Declaration
from mcp_errortracking.server.tool_list import TOOL_LIST, listed_tools
from mcp_errortracking.workflows.registry import WORKFLOWS

if TYPE_CHECKING:
    from mcp_errortracking.server.confirmation.argument import Mode


def load_tools(names: Iterable[str], confirm: "Mode" = "never") -> list[Tool]:
    """Return these tools as they are on file, in the order of the names; `confirm` as in `listed_tools`."""
    return [Tool.model_validate(tool) for tool in listed_tools(names, confirm)]


def as_tool(endpoint: type[Declaration]) -> Tool:
    """Return one endpoint as an MCP tool. It states all four annotations: their defaults make clients ask too often."""
    from mcp_errortracking.server.schema import input_schema

    return Tool(
        name=endpoint.tool,
        title=endpoint.title,
        description=endpoint.summary,
        input_schema=input_schema(endpoint),
        annotations=ToolAnnotations(
            read_only_hint=endpoint.read_only,
            destructive_hint=endpoint.destructive,
            idempotent_hint=endpoint.idempotent,
            open_world_hint=True,
        ),
    )


def tool_list() -> str:
    """Return the content of `tool_list.json`."""
    tools = map(as_tool, [*CATALOG.values(), *WORKFLOWS])
    dumped = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    return json.dumps(dumped, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TOOL_LIST.write_text(tool_list(), "utf-8")
