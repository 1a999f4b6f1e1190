"""The data of a page in the result of a tool: in `_meta`, which clients give to the page and not to the model.

Some clients give `_meta` to the model too. So it is left out unless the client declares MCP Apps, or the request asks
for it by the same key, as the pages do: over stateless HTTP of the 2025 era no client can declare anything.
"""

from collections.abc import Iterable
from typing import Any, cast

from mcp_errortracking.server.apps.pages import CALLED, DATA, EXTENSION, PAGE_OF
from mcp_errortracking.server.calls import Reply


def takes_page_data(context: Any, tool: str) -> bool:
    """True if a page waits for the data of a call, or may: its client shows pages, and the tool has one."""
    if cast("dict[str, Any]", context.meta or {}).get(DATA) is True:
        return True
    declared = context.session.client_capabilities if tool in PAGE_OF else None
    return declared is not None and EXTENSION in (declared.extensions or ())


def page_data(tool: str, reply: Reply, offered: Iterable[str]) -> dict[str, Any]:
    """Return the members of a result that has the data of its page.

    Args:
        offered: the names of the tools that the caller may call.
    """
    tools = [name for name in offered if name in CALLED]
    return {"_meta": {DATA: {"tool": tool, "data": reply.structured, "tools": tools}}}
