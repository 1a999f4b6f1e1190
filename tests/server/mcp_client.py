"""The SDK's own client on the server as a real process over stdio."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.session import ElicitationFnT
from mcp_types import CallToolResult

from mcp_errortracking.catalog import TOOLSETS
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.forked import command

OFFERED = (*TOOLSETS["default"], *(tool.tool for tool in WORKFLOWS if tool.in_default and not tool.needs_journal))
"""The tools that are offered over stdio by default, without a journal."""
WITHOUT_FILES = (
    *TOOLSETS["default"],
    *(tool.tool for tool in WORKFLOWS if tool.in_default and not tool.needs_files and not tool.needs_journal),
)
"""The tools of a server without roots and journal."""
WITH_JOURNAL = (*TOOLSETS["default"], *(tool.tool for tool in WORKFLOWS if tool.in_default))

ERAS: dict[str, str] = {"legacy": "2025-11-25", "auto": "2026-07-28"}
"""The two eras of the protocol: the client's `mode`, and the version that it then speaks with the server."""


@asynccontextmanager
async def connected(
    url: str,
    key: str | None,
    *options: str,
    era: str = "2026-07-28",
    project: str = "1",
    structured: str | None = "always",
    elicitation: ElicitationFnT | None = None,
) -> AsyncGenerator[Client]:
    """A client of `mcp-errortracking` with these options, configured for that PostHog.

    `elicitation` answers questions to the user; without it, the client cannot ask. Tests read data, so results are
    structured; None leaves the server at its default, text alone.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}
    environment |= {"POSTHOG_HOST": url, "POSTHOG_PROJECT_ID": project, "HOME": "/nonexistent"}
    if structured is not None:
        environment["MCP_STRUCTURED"] = structured
    if key is not None:
        environment["POSTHOG_PERSONAL_API_KEY"] = key
    started, *arguments = command("--log-level", "error", *options)
    server = StdioServerParameters(command=started, args=arguments, env=environment)
    async with Client(server, mode=era, elicitation_callback=elicitation) as client:  # pyright: ignore[reportArgumentType] a version is any string
        yield client


def text_of(result: CallToolResult) -> str:
    """Return the text of a result that a model reads."""
    return "\n".join(block.text for block in result.content if block.type == "text")


def full_name(tool: str) -> str:
    """The name of a tool, which may lack its `error-tracking-`."""
    return tool if "error-tracking-" in tool else f"error-tracking-{tool}"


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured result of a call that must succeed; `tool` may lack its `error-tracking-`."""
    result = await client.call_tool(full_name(tool), arguments)
    assert not result.is_error, text_of(result)
    return result.structured_content or {}


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The text of a call that must fail."""
    result = await client.call_tool(full_name(tool), arguments)
    assert result.is_error, text_of(result)
    return text_of(result)
