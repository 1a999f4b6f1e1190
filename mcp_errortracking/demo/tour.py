"""The tour of `mcp-errortracking demo`: a day's work with errors, as an agent would do it, with every answer.

It is the client, so it is the one module outside `server` that imports the MCP SDK.
"""

import hashlib
import json
import struct
from importlib.resources import files
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import httpx
from mcp import Client, MCPError, StdioServerParameters

from mcp_errortracking import child

_CHUNK_ID = "0192f3a0-5c1e-7000-8000-9a4be1d7c3f2"
_WIDTH = 116


def run() -> int:
    """Run the tour and print it. Return 0 if every answer was as expected, else 1."""
    return anyio.run(_tour)


class _Agent:
    """An MCP client that prints its calls and their answers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.used = set[str]()

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool, print the call and the answer, and return the structured result."""
        _print(f"\n> {tool} {json.dumps(arguments)}")
        result = await self._client.call_tool(tool, arguments)
        text = "\n".join(block.text for block in result.content if block.type == "text")
        for line in text.splitlines():
            _print(f"  {line}")
        if result.is_error:
            raise _TourError(f"{tool} failed")
        self.used.add(tool)
        return result.structured_content or {}


class _TourError(Exception):
    pass


def _print(line: str) -> None:
    print(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…", flush=True)


def _check(fact: str, is_true: bool) -> None:
    _print(f"  {'ok' if is_true else 'WRONG'}: {fact}")
    if not is_true:
        raise _TourError(fact)


async def _tour() -> int:
    with TemporaryDirectory(prefix="mcp-errortracking-demo-") as folder:
        return await _tour_in(folder)


async def _tour_in(folder: str) -> int:
    command, *arguments = child.command(
        "mcp_errortracking", "--sandbox", "--structured", "always", "--log-level", "warning"
    )
    server = StdioServerParameters(command=command, args=arguments, cwd=folder, env=child.environment())
    _print("An MCP client starts `mcp-errortracking --sandbox --structured always` and talks to it over stdio.")
    _print("Lines with > are its calls. A model reads the text below each; the tour checks the structured result.")
    async with Client(server) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        _print(f"\nThe server speaks MCP {client.protocol_version} and lists {len(tools)} tools.")
        agent = _Agent(client)
        try:
            await _issues(agent)
            await _rules(agent)
            await _alerts(agent)
            await _symbol_sets(agent)
        except (_TourError, MCPError, httpx.HTTPError) as problem:
            _print(f"\nThe demo stopped: {problem}")
            return 1
    _print(f"\nThese were {len(agent.used)} of the {len(tools)} tools that an agent is offered by default.")
    _print('Now with your own PostHog: see "Connect your client" in README.md.')
    return 0


async def _issues(agent: _Agent) -> None:
    _print("\n== Issues: find the worst, see its stack trace, assign it, suppress noise")
    worst = (await agent.call("query-error-tracking-issues-list", {"orderBy": "users", "limit": 5}))["results"]
    issue = worst[0]["id"]
    events = await agent.call(
        "query-error-tracking-issue-events", {"issueId": issue, "include": ["exception", "stacktrace", "release"]}
    )
    _check("its newest event has a stack trace", bool(events["results"][0]["properties"]["$exception_list"]))
    ada = {"type": "user", "id": 1}
    assigned = await agent.call("error-tracking-issues-assign-partial-update", {"id": issue, "assignee": ada})
    _check("the issue is assigned", assigned["assignee"] == ada)
    found = await agent.call("query-error-tracking-issues-list", {"searchQuery": "gtag", "limit": 1})
    noise = found["results"][0]["id"]
    suppressed = await agent.call("error-tracking-issues-partial-update", {"id": noise, "status": "suppressed"})
    _check("the noise is suppressed", suppressed["status"] == "suppressed")


async def _rules(agent: _Agent) -> None:
    _print("\n== Assignment rules: choose who gets a new issue")
    filters = {
        "type": "AND",
        "values": [{"key": "$exception_sources", "operator": "icontains", "value": "src/checkout"}],
    }
    created = await agent.call(
        "error-tracking-assignment-rules-create", {"filters": filters, "assignee": {"type": "user", "id": 1}}
    )
    orders = {created["id"]: -1}
    order = (await agent.call("error-tracking-assignment-rules-reorder", {"orders": orders}))["order"]
    _check("the new rule is tried first", order[0]["id"] == created["id"])
    deleted = await agent.call("error-tracking-assignment-rules-destroy", {"id": created["id"]})
    _check("the answer to a delete is what was deleted", deleted["deleted"]["id"] == created["id"])


async def _alerts(agent: _Agent) -> None:
    _print("\n== Alerts: notify a chat when an issue spikes")
    spike = {"source": "internal-events", "events": [{"id": "$error_tracking_issue_spiking", "type": "events"}]}
    alert = {
        "name": "Spikes to our chat",
        "type": "internal_destination",
        "template_id": "template-webhook",
        "inputs": {"url": {"value": "https://chat.acme.example/hook"}},
        "filters": spike,
        "enabled": True,
    }
    created = await agent.call("error-tracking-alerts-create", alert)
    listed = (await agent.call("error-tracking-alerts-list", {}))["results"]
    _check("the alert is among the others", created["id"] in [one["id"] for one in listed])


async def _symbol_sets(agent: _Agent) -> None:
    _print("\n== Source maps: upload, download and delete the symbols of a minified bundle")
    packed = container("checkout.min.js")
    content_hash = hashlib.sha512(packed).hexdigest()
    upload = {"chunk_id": _CHUNK_ID, "content_hash": content_hash}
    started = await agent.call("error-tracking-symbol-sets-bulk-start-upload", {"symbol_sets": [upload]})
    target = started["id_map"][_CHUNK_ID]
    async with httpx.AsyncClient() as http:
        form = target["presigned_url"]
        sent = await http.post(form["url"], data=form["fields"], files={"file": (_CHUNK_ID, packed)})
        _print(f"\n  {len(packed)} bytes sent to the presigned URL, without the API key: HTTP {sent.status_code}")
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
    """Return a bundle and its map in PostHog's container, version 1, type 2 (contract 5.1)."""
    folder = files("mcp_errortracking.demo") / "bundle"
    source, source_map = ((folder / file).read_bytes() for file in (name, f"{name}.map"))
    parts = (struct.pack("<Q", len(part)) + part for part in (source, source_map))
    return b"posthog_error_tracking" + struct.pack("<II", 1, 2) + b"".join(parts)
