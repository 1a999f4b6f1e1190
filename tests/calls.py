"""A tool call and a server, each in one expression: what tests say of a `ToolCaller`."""

from collections.abc import Mapping
from typing import Any

from mcp.server.lowlevel import Server

from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.server.app import build_server
from mcp_errortracking.server.calls import Reply, ToolCaller
from mcp_errortracking.server.confirmation.confirmation import Confirmation
from mcp_errortracking.server.observe import Observer
from mcp_errortracking.server.toolbox import Toolbox
from mcp_errortracking.workflows.base import Progress, Scopes


async def call_tool(
    sender: Sender,
    name: str,
    arguments: Mapping[str, Any] | None,
    *,
    time_limit: float,
    request_id: str | None = None,
    progress: Progress | None = None,
    asker: Any = None,
    scopes: Scopes | None = None,
    **how: Any,
) -> Reply:
    """Call a tool; `how` are the other attributes of a `ToolCaller`."""
    caller = ToolCaller(time_limit=time_limit, **how)
    return await caller.call(
        sender, name, arguments, request_id=request_id, progress=progress, asker=asker, scopes=scopes
    )


def server_of(
    sender: Sender,
    *,
    time_limit: float = 5,
    toolbox: Toolbox | None = None,
    observe: Observer | None = None,
    confirmation: Confirmation | None = None,
    **how: Any,
) -> Server[Any]:
    """Build a server with a toolbox, the default one if none is given; `how` are other arguments of `build_server`."""
    caller = ToolCaller(time_limit=time_limit, toolbox=toolbox or Toolbox(), observe=observe, confirmation=confirmation)
    return build_server(sender, caller, **how)
