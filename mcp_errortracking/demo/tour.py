"""The tour that `mcp-errortracking demo` takes: every tool once, as an agent would call it, with its answer.

The one module outside `server` that imports the MCP SDK: it stands on the other side, as the client.
"""

import hashlib
import json
import struct
import sys
from importlib.resources import files
from typing import Any

import anyio
import httpx
from mcp import Client, MCPError, StdioServerParameters

_CHUNK_ID = "0192f3a0-5c1e-7000-8000-9a4be1d7c3f2"
_WIDTH = 116


def run() -> int:
    """Takes the tour and prints it. Returns 0 when every answer was as it should be, else 1."""
    return anyio.run(_tour)


class _Agent:
    """An MCP client that says what it does."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.used = set[str]()

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Calls a tool, prints the call and the answer, and returns the structured result."""
        _say(f"\n> {tool} {json.dumps(arguments)}")
        result = await self._client.call_tool(tool, arguments)
        text = "\n".join(block.text for block in result.content if block.type == "text")
        for line in text.splitlines():
            _say(f"  {line}")
        if result.is_error:
            raise _TourError(f"{tool} failed")
        self.used.add(tool)
        return result.structured_content or {}


class _TourError(Exception):
    pass


def _say(line: str) -> None:
    print(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…", flush=True)


def _check(what: str, good: bool) -> None:
    _say(f"  {'ok' if good else 'WRONG'}: {what}")
    if not good:
        raise _TourError(what)


async def _tour() -> int:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_errortracking", "--sandbox", "--log-level", "warning"],
    )
    _say("An MCP client starts `mcp-errortracking --sandbox` and talks to it over stdio. Lines with > are its calls.")
    async with Client(server) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        _say(f"\nThe server speaks MCP {client.protocol_version} and lists {len(tools)} tools.")
        agent = _Agent(client)
        try:
            await _assignment_rules(agent)
            await _fingerprints(agent)
            await _symbol_sets(agent)
            _say("")
            _check(f"all {len(tools)} tools were called", agent.used == set(tools))
        except (_TourError, MCPError, httpx.HTTPError) as problem:
            _say(f"\nThe demo stopped: {problem}")
            return 1
    _say('\nNow with your own PostHog: see "Connect your client" in README.md.')
    return 0


async def _assignment_rules(agent: _Agent) -> None:
    _say("\n== Who gets a new issue: assignment rules")
    rules = (await agent.call("error-tracking-assignment-rules-list", {}))["results"]
    filters = {
        "type": "AND",
        "values": [{"key": "$exception_sources", "operator": "icontains", "value": "src/checkout"}],
    }
    created = await agent.call(
        "error-tracking-assignment-rules-create", {"filters": filters, "assignee": {"type": "user", "id": 1}}
    )
    role = next(rule["assignee"] for rule in rules if rule["assignee"] and rule["assignee"]["type"] == "role")
    await agent.call("error-tracking-assignment-rules-partial-update", {"id": created["id"], "assignee": role})
    orders = {created["id"]: 0} | {rule["id"]: place for place, rule in enumerate(rules, 1)}
    order = (await agent.call("error-tracking-assignment-rules-reorder", {"orders": orders}))["order"]
    _check("the new rule is tried first", order[0]["id"] == created["id"])
    held = await agent.call("error-tracking-assignment-rules-retrieve", {"id": created["id"]})
    _check("the new rule assigns to the role now", held["assignee"] == role)
    await agent.call("error-tracking-assignment-rules-destroy", {"id": created["id"]})


async def _fingerprints(agent: _Agent) -> None:
    _say("\n== Which issue owns which exceptions: fingerprints")
    found = (await agent.call("error-tracking-fingerprints-list", {"limit": 3}))["results"]
    record = await agent.call("error-tracking-fingerprints-retrieve", {"id": found[0]["id"]})
    _check("the record is the one that was listed", record == found[0])


async def _symbol_sets(agent: _Agent) -> None:
    _say("\n== Source maps: upload, download and delete the symbols of a minified bundle")
    packed = container("checkout.min.js")
    content_hash = hashlib.sha512(packed).hexdigest()
    upload = {"chunk_id": _CHUNK_ID, "content_hash": content_hash}
    started = await agent.call("error-tracking-symbol-sets-bulk-start-upload", {"symbol_sets": [upload]})
    target = started["id_map"][_CHUNK_ID]
    async with httpx.AsyncClient() as http:
        form = target["presigned_url"]
        sent = await http.post(form["url"], data=form["fields"], files={"file": (_CHUNK_ID, packed)})
        _say(f"\n  {len(packed)} bytes sent to the presigned URL, without the API key: HTTP {sent.status_code}")
        _check("the object storage took them", sent.is_success)
        symbol_set = target["symbol_set_id"]
        await agent.call(
            "error-tracking-symbol-sets-bulk-finish-upload", {"content_hashes": {symbol_set: content_hash}}
        )
        url = (await agent.call("error-tracking-symbol-sets-download-retrieve", {"id": symbol_set}))["url"]
        received = (await http.get(url)).content
    _check("the bytes downloaded are the bytes uploaded", received == packed)
    deleted = await agent.call("error-tracking-symbol-sets-bulk-delete", {"ids": [symbol_set]})
    _check("one symbol set was deleted", deleted["deleted"] == 1)


def container(name: str) -> bytes:
    """A bundle and its map in PostHog's container, version 1, type 2 (contract 5.1)."""
    folder = files("mcp_errortracking.demo") / "bundle"
    source, source_map = ((folder / file).read_bytes() for file in (name, f"{name}.map"))
    parts = (struct.pack("<Q", len(part)) + part for part in (source, source_map))
    return b"posthog_error_tracking" + struct.pack("<II", 1, 2) + b"".join(parts)
