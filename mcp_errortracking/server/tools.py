"""The catalog as MCP tools."""

from mcp_types import Tool, ToolAnnotations

from mcp_errortracking.catalog import CATALOG, Endpoint
from mcp_errortracking.server.schema import input_schema


def tools() -> list[Tool]:
    """Every endpoint as an MCP tool, always in the order of the catalog."""
    return [as_tool(endpoint) for endpoint in CATALOG.values()]


def as_tool(endpoint: type[Endpoint]) -> Tool:
    """One endpoint as an MCP tool; all four annotations are stated, since their defaults make clients ask too often."""
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
