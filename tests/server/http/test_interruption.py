"""Calls that are still in flight when the time after a stop signal is over: each gets an error before the end."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mcp_errortracking.server.http.app import DRAIN_SECONDS
from mcp_errortracking.server.http.serving import GRACE_SECONDS
from tests.server.http.http_process import HEADERS, LIST, serving
from tests.server.http.test_limits import FASTER
from tests.server.stdio_process import GatedUpstream

pytestmark = pytest.mark.anyio

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": LIST["params"]["name"]}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}


def call(request_id: Any, **meta: Any) -> dict[str, Any]:
    return LIST | {"id": request_id, "params": LIST["params"] | ({"_meta": meta} if meta else {})}


def interrupted(text: str, request_id: Any) -> None:
    answer = json.loads(text)
    assert (answer["id"], answer["error"]["code"]) == (request_id, -32000)
    assert "The server stopped before the call ended." in answer["error"]["message"]


def test_the_time_for_calls_ends_before_connections_are_cut_off() -> None:
    assert 0 < DRAIN_SECONDS < GRACE_SECONDS - 1


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("wants_progress", [False, True])
async def test_a_call_over_http_is_answered_at_the_end(era: str, wants_progress: bool) -> None:
    meta = (META if era == "modern" else {}) | ({"progressToken": "p"} if wants_progress else {})
    with GatedUpstream() as upstream, serving(upstream.url, PYTHONPATH=FASTER) as server:
        async with httpx.AsyncClient(timeout=30, headers=HEADERS | (MODERN if era == "modern" else {})) as http:
            answering = asyncio.create_task(http.post(f"{server.url}/mcp", json=call("c", **meta)))
            await asyncio.to_thread(upstream.arrived.acquire)
            server.process.send_signal(signal.SIGTERM)
            answer = await answering
        log = await asyncio.to_thread(lambda: server.process.communicate())
        assert server.process.returncode == 0

    [*_, last] = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    interrupted(last, "c")
    assert "Traceback" not in log[1]


async def test_calls_over_sse_are_answered_at_the_end() -> None:
    with GatedUpstream() as upstream, serving(upstream.url, PYTHONPATH=FASTER) as server:
        async with (
            httpx.AsyncClient(timeout=30, headers=HEADERS) as http,
            http.stream("GET", f"{server.url}/sse") as stream,
        ):
            events = data_of(stream)
            address = server.url + await anext(events)
            await http.post(address, json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HELLO})
            await anext(events)
            await http.post(address, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
            for request_id in ("07", 8):
                await http.post(address, json=call(request_id))
                await asyncio.to_thread(upstream.arrived.acquire)
            server.process.send_signal(signal.SIGTERM)
            rest = [text async for text in events]
        log = await asyncio.to_thread(lambda: server.process.communicate())
        assert server.process.returncode == 0

    for text, request_id in zip(rest, ("07", 8), strict=True):
        interrupted(text, request_id)
    assert "Traceback" not in log[1]


async def data_of(stream: httpx.Response) -> AsyncIterator[str]:
    """The data of each event of a stream."""
    async for line in stream.aiter_lines():
        if line.startswith("data: "):
            yield line.removeprefix("data: ")
