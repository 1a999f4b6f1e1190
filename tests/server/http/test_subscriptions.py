"""Subscriptions to issues over the network and on pipes, with the server as a process: its refusals and its end."""

import asyncio
import signal
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, MCPError

from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases.case import KEY_ERROR, SEED
from tests.server.http.http_process import HEADERS, client_of, serving
from tests.server.http.test_interruption import META
from tests.server.stdio_process import GatedUpstream, list_rules, served

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")]

ISSUE = f"posthog://issues/{KEY_ERROR}"
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"}


def listen(*uris: str) -> dict[str, Any]:
    params = {"notifications": {"resourceSubscriptions": list(uris)}, "_meta": META}
    return {"jsonrpc": "2.0", "id": "l", "method": "subscriptions/listen", "params": params}


def can_subscribe(client: Client) -> bool | None:
    """Return the declared capability."""
    capabilities = client.server_capabilities
    return capabilities.resources.subscribe if capabilities and capabilities.resources else None


async def test_each_transport_subscribes_or_says_why_not() -> None:
    with SandboxProcess(SEED) as sandbox, serving(sandbox.url) as server:
        async with client_of(server.url, "sse", "legacy") as client:
            await client.subscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
            assert can_subscribe(client)
        async with client_of(server.url, "http", "legacy") as client:
            assert not can_subscribe(client)
            with pytest.raises(MCPError, match="Streamable HTTP keeps no sessions"):
                await client.subscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
        async with (
            client_of(server.url, "http", "2026-07-28") as client,
            client.listen(resource_subscriptions=[ISSUE]) as stream,
        ):
            assert stream.honored.resource_subscriptions == [ISSUE]


async def test_a_stop_ends_streams_before_the_calls_in_flight() -> None:
    with GatedUpstream() as upstream, serving(upstream.url) as server:
        async with httpx.AsyncClient(timeout=30) as http:
            calling = asyncio.create_task(http.post(f"{server.url}/mcp", json=list_rules(1), headers=HEADERS))
            await asyncio.to_thread(upstream.arrived.acquire)
            headers = HEADERS | MODERN
            async with http.stream("POST", f"{server.url}/mcp", json=listen(), headers=headers) as stream:
                lines = stream.aiter_lines()
                async for line in lines:
                    if "subscriptions/acknowledged" in line:
                        break
                server.process.send_signal(signal.SIGTERM)
                with anyio.fail_after(20):
                    rest = [line async for line in lines]
                assert not calling.done()
            upstream.gate.set()
            answer = await calling

    assert "The server stopped" in "".join(rest)
    assert answer.json()["id"] == 1
    assert "result" in answer.json()


def test_the_end_of_stdin_does_not_wait_for_streams() -> None:
    with SandboxProcess(SEED) as sandbox, served(upstream=sandbox.url, key=FULL) as server:
        server.send(listen(ISSUE))
        acknowledged = server.receive()
        _, log, code = server.finish()

    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
    assert acknowledged["params"]["notifications"] == {"resourceSubscriptions": [ISSUE]}
    assert (code, b"unanswered" in log) == (0, False)
