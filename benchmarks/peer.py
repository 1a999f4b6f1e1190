"""The peer we are measured against, `sdk-minimal`: the same endpoints as one writes them in ten minutes with the SDK.

python -m benchmarks.peer         # over stdio
PEER_PORT=8790 python -m benchmarks.peer http    # or sse
"""

import os
import sys
from typing import Any

import httpx
from mcp.server.mcpserver import MCPServer

_CLIENT = httpx.AsyncClient(
    base_url=f"{os.environ['POSTHOG_HOST']}/api/projects/{os.environ['POSTHOG_PROJECT_ID']}/error_tracking",
    headers={"Authorization": f"Bearer {os.environ['POSTHOG_PERSONAL_API_KEY']}"},
    timeout=30,
)
server = MCPServer("sdk-minimal", log_level="WARNING")


async def _ask(method: str, path: str, **sent: Any) -> dict[str, Any]:
    response = await _CLIENT.request(method, path, **sent)
    response.raise_for_status()
    return response.json() if response.content else {}


@server.tool()
async def assignment_rules_list(limit: int | None = None, offset: int | None = None) -> dict[str, Any]:
    """List error tracking assignment rules."""
    given = {name: value for name, value in (("limit", limit), ("offset", offset)) if value is not None}
    return await _ask("GET", "/assignment_rules/", params=given)


@server.tool()
async def assignment_rules_create(filters: dict[str, Any], assignee: dict[str, Any]) -> dict[str, Any]:
    """Create an error tracking assignment rule."""
    return await _ask("POST", "/assignment_rules/", json={"filters": filters, "assignee": assignee})


@server.tool()
async def assignment_rules_retrieve(id: str) -> dict[str, Any]:  # noqa: A002
    """Retrieve an error tracking assignment rule."""
    return await _ask("GET", f"/assignment_rules/{id}/")


@server.tool()
async def assignment_rules_update(
    id: str,  # noqa: A002
    filters: dict[str, Any] | None = None,
    assignee: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Update an error tracking assignment rule."""
    return await _ask("PATCH", f"/assignment_rules/{id}/", json={"filters": filters, "assignee": assignee})


@server.tool()
async def assignment_rules_delete(id: str) -> dict[str, Any]:  # noqa: A002
    """Delete an error tracking assignment rule."""
    return await _ask("DELETE", f"/assignment_rules/{id}/")


@server.tool()
async def assignment_rules_reorder(orders: dict[str, int]) -> dict[str, Any]:
    """Reorder error tracking assignment rules."""
    return await _ask("PATCH", "/assignment_rules/reorder/", json={"orders": orders})


@server.tool()
async def fingerprints_list(limit: int | None = None, offset: int | None = None) -> dict[str, Any]:
    """List error tracking fingerprints."""
    given = {name: value for name, value in (("limit", limit), ("offset", offset)) if value is not None}
    return await _ask("GET", "/fingerprints/", params=given)


@server.tool()
async def fingerprints_retrieve(id: str) -> dict[str, Any]:  # noqa: A002
    """Retrieve an error tracking fingerprint."""
    return await _ask("GET", f"/fingerprints/{id}/")


@server.tool()
async def symbol_sets_download(id: str) -> dict[str, Any]:  # noqa: A002
    """Return a presigned URL to download a symbol set."""
    return await _ask("GET", f"/symbol_sets/{id}/download/")


@server.tool()
async def symbol_sets_bulk_delete(ids: list[str]) -> dict[str, Any]:
    """Delete several symbol sets."""
    return await _ask("POST", "/symbol_sets/bulk_delete/", json={"ids": ids})


@server.tool()
async def symbol_sets_bulk_start_upload(
    symbol_sets: list[dict[str, Any]], force: bool = False, skip_on_conflict: bool = False
) -> dict[str, Any]:
    """Start a bulk upload of symbol sets."""
    body = {"symbol_sets": symbol_sets, "force": force, "skip_on_conflict": skip_on_conflict}
    return await _ask("POST", "/symbol_sets/bulk_start_upload/", json=body)


@server.tool()
async def symbol_sets_bulk_finish_upload(content_hashes: dict[str, str]) -> dict[str, Any]:
    """Finish a bulk upload of symbol sets."""
    return await _ask("POST", "/symbol_sets/bulk_finish_upload/", json={"content_hashes": content_hashes})


if __name__ == "__main__":
    if sys.argv[1:] == ["http"]:
        server.run("streamable-http", port=int(os.environ["PEER_PORT"]))
    elif sys.argv[1:] == ["sse"]:
        server.run("sse", port=int(os.environ["PEER_PORT"]))
    else:
        server.run("stdio")
