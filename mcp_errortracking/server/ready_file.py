"""Rewrite `ready.json`: the SDK's answers to a client's first requests, and what tools are chosen by."""

import json
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from mcp_errortracking.catalog import ALIASES, CATALOG, TOOLSETS, Declaration
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.app import build_server
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.server.ready import READY
from mcp_errortracking.server.stdio import initialization_options
from mcp_errortracking.server.toolbox import EVERY_TOOL
from mcp_errortracking.workflows.base import Workflow
from mcp_errortracking.workflows.registry import WORKFLOWS

CLIENT = {"name": "client", "version": "1"}


def handshake(version: str) -> list[dict[str, Any]]:
    """Return the first messages of a client of the 2025 era, up to tools/list."""
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": CLIENT}
    return [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]


def modern(version: str) -> list[dict[str, Any]]:
    """Return the first messages of a client of the 2026 era, up to tools/list."""
    names = {"protocolVersion": version, "clientInfo": CLIENT, "clientCapabilities": {}}
    params = {"_meta": {f"io.modelcontextprotocol/{name}": value for name, value in names.items()}}
    methods = ("server/discover", "tools/list")
    return [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, method in enumerate(methods, start=1)
    ]


async def results_of(server: Server[Any], messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the SDK's server answers to the requests among these messages, one after the other."""
    to_server, received = anyio.create_memory_object_stream[SessionMessage | Exception](len(messages))
    sent, from_server = anyio.create_memory_object_stream[SessionMessage](len(messages))
    results = list[dict[str, Any]]()
    async with anyio.create_task_group() as group, from_server:
        group.start_soon(server.run, received, sent, initialization_options(server))
        async with to_server:
            for message in messages:
                await to_server.send(SessionMessage(jsonrpc_message_adapter.validate_python(message)))
                if "id" in message:
                    answer = (await from_server.receive()).message
                    results.append(json.loads(answer.model_dump_json(by_alias=True, exclude_unset=True))["result"])
    return results


async def _answers() -> dict[str, Any]:
    async with Proxy(host="http://localhost", key=None, project="1") as proxy:
        server = build_server(proxy, ToolCaller(time_limit=1, toolbox=EVERY_TOOL))
        initialize = {
            version: (await results_of(server, handshake(version)))[0] for version in HANDSHAKE_PROTOCOL_VERSIONS
        }
        both = {version: await results_of(server, modern(version)) for version in MODERN_PROTOCOL_VERSIONS}
    without_tools = {
        version: {name: value for name, value in listed.items() if name != "tools"}
        for version, (_, listed) in both.items()
    }
    return {
        "initialize": initialize,
        "discover": {version: discovered for version, (discovered, _) in both.items()},
        "tools/list": without_tools,
    }


def _row(tool: type[Declaration]) -> dict[str, Any]:
    is_workflow = issubclass(tool, Workflow)
    return {
        "toolset": tool.toolset,
        "in_default": tool.in_default,
        "read_only": tool.read_only,
        "scopes": list(tool.scopes),
        "needs_files": is_workflow and tool.needs_files,
        "needs_journal": is_workflow and tool.needs_journal,
    }


def ready_file() -> str:
    """Return the content of `ready.json`."""
    tools = [*CATALOG.values(), *WORKFLOWS]
    content = {
        **anyio.run(_answers),
        "toolsets": TOOLSETS,
        "aliases": ALIASES,
        "tools": {tool.tool: _row(tool) for tool in tools},
        "workflows": [tool.tool for tool in WORKFLOWS],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    READY.write_text(ready_file(), "utf-8")
