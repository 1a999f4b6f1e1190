"""Subscriptions to issues over the network and on pipes, with the server as a process: its refusals and its end."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.subscriptions import ResourceUpdated
from mcp_types import ResourceUpdatedNotification

from tests.forked import command
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases.case import KEY_ERROR, SEED
from tests.server.http.http_process import HEADERS, client_of, serving
from tests.server.http.test_interruption import META
from tests.server.http.test_limits import FASTER
from tests.server.stdio_process import GatedUpstream, list_rules, served
from tests.server.test_issue_states import QUIETEST, seed

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")]

ISSUE = f"posthog://issues/{KEY_ERROR}"
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"}


@pytest.fixture(scope="module")
def shared_crowded() -> Generator[SandboxProcess]:
    with SandboxProcess(seed()) as sandbox:
        yield sandbox


@pytest.fixture
def crowded(shared_crowded: SandboxProcess) -> SandboxProcess:
    """A project with an issue outside the list."""
    shared_crowded.reset()
    return shared_crowded


@asynccontextmanager
async def client_over(transport: str, era: str, upstream: str, handler: Any) -> AsyncGenerator[Client]:
    """A client of a server process whose polls follow each other at once."""
    if transport == "stdio":
        own = {"POSTHOG_HOST": upstream, "POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1"}
        started, *words = command("--log-level", "error")
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": FASTER, **own}
        over: Any = StdioServerParameters(command=started, args=words, env=environment)
        async with Client(over, mode=era, message_handler=handler) as client:  # pyright: ignore[reportArgumentType] a version is any string
            yield client
    else:
        with serving(upstream, PYTHONPATH=FASTER) as server:
            async with client_of(server.url, transport, era, message_handler=handler) as client:
                yield client


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


@pytest.mark.parametrize(
    ("transport", "era"),
    [("sse", "legacy"), ("sse", "2026-07-28"), ("http", "2026-07-28"), ("stdio", "legacy"), ("stdio", "2026-07-28")],
)
async def test_a_change_of_an_issue_outside_the_list_arrives(crowded: SandboxProcess, transport: str, era: str) -> None:
    uri, arrived = f"posthog://issues/{QUIETEST}", asyncio.Event()

    async def take(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification) and str(message.params.uri) == uri:
            arrived.set()

    def change() -> None:
        crowded.api("PATCH", f"issues/{QUIETEST}/", {"status": "resolved"}).raise_for_status()

    async with client_over(transport, era, crowded.url, take) as client:
        if era == "legacy":
            await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
            await asyncio.to_thread(change)
            with anyio.fail_after(20):
                await arrived.wait()
        else:
            async with client.listen(resource_subscriptions=[uri]) as stream:
                await asyncio.to_thread(change)
                with anyio.fail_after(20):
                    async for event in stream:
                        assert event == ResourceUpdated(uri)
                        break
    listed = crowded.api("POST", "query/issues/", {"status": "all", "orderBy": "last_seen", "limit": 100}).json()
    assert len(listed["results"]) == 100
    assert QUIETEST not in {one["id"] for one in listed["results"]}


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
