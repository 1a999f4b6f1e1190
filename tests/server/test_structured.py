"""Results carry text alone, unless the setting or the header of a request asks for structured results too."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_types import CallToolResult

from benchmarks.families import FAMILIES
from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.server.http.structured import STRUCTURED_HEADER
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases.case import SEED
from tests.server.http.http_process import HEADERS, LIST, HttpServer, client_of, serving
from tests.server.mcp_client import connected, text_of
from tests.server.test_every_tool import FIRST, REFUSALS

pytestmark = pytest.mark.anyio

WAYS = [("stdio", "legacy"), ("stdio", "auto"), ("http", "legacy"), ("http", "auto"), ("sse", "legacy")]
"""Transports and eras; SSE belongs to the older one."""
TOOL = LIST["params"]["name"]


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture(scope="module")
def server(sandbox: SandboxProcess) -> Generator[HttpServer]:
    """A server over HTTP with the default form of results."""
    with serving(sandbox.url, "--toolsets", "all", MCP_STRUCTURED=None) as running:
        yield running


@asynccontextmanager
async def client_over(
    sandbox: SandboxProcess, server: HttpServer, transport: str, era: str, **headers: str
) -> AsyncGenerator[Client]:
    if transport == "stdio":
        async with connected(sandbox.url, FULL, "--toolsets", "all", era=era, structured=None) as client:
            yield client
    else:
        async with client_of(server.url, transport, era, more=headers) as client:
            yield client


def assert_text_alone(result: CallToolResult, context: str) -> None:
    (block,) = result.content
    assert block.type == "text", context
    assert block.text, context
    assert result.structured_content is None, context
    assert result.meta is None or not any("structured" in name for name in result.meta), context
    for family in FAMILIES:
        assert family.read(result) == block.text, (context, family.name)


@pytest.mark.parametrize(("transport", "era"), WAYS)
async def test_every_tool_answers_with_text_alone(
    sandbox: SandboxProcess, server: HttpServer, transport: str, era: str
) -> None:
    """In no family of clients does a result cost more than its text."""
    sandbox.reset()
    async with client_over(sandbox, server, transport, era) as client:
        listed = (await client.list_tools()).tools
        assert {tool.name for tool in listed} >= set(CATALOG)
        assert not [tool.name for tool in listed if tool.output_schema is not None]
        for tool, case in FIRST.items():
            result = await client.call_tool(tool, case.arguments)
            assert not result.is_error, text_of(result)
            assert_text_alone(result, tool)
            assert all(part in text_of(result) for part in case.shows), tool
            if not CATALOG[tool].read_only:
                sandbox.reset()
        for refusal in REFUSALS[::8]:
            result = await client.call_tool(refusal.tool, refusal.arguments)
            assert_text_alone(result, refusal.tool)
            assert refusal.says in text_of(result)


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_a_client_that_asks_gets_structured_results_and_the_others_do_not(
    sandbox: SandboxProcess, server: HttpServer, transport: str
) -> None:
    asking = client_over(sandbox, server, transport, "legacy", **{STRUCTURED_HEADER: "always"})
    async with asking as program, client_over(sandbox, server, transport, "legacy") as agent:
        for _ in range(2):
            asked, plain = await program.call_tool(TOOL, {}), await agent.call_tool(TOOL, {})

            assert asked.structured_content is not None
            assert asked.structured_content["count"] == 2
            assert asked.content == plain.content
            assert_text_alone(plain, TOOL)
        assert not [tool.name for tool in (await program.list_tools()).tools if tool.output_schema is not None]


def post(server: HttpServer, *headers: tuple[str, str]) -> httpx.Response:
    return httpx.post(f"{server.url}/mcp", headers=[*HEADERS.items(), *headers], json=LIST)


@pytest.mark.parametrize(
    "values", [("yes",), ("",), ("1",), ("always, never",), ("always", "never"), ("always", "always")], ids=str
)
def test_another_value_of_the_header_is_refused(
    sandbox: SandboxProcess, server: HttpServer, values: tuple[str, ...]
) -> None:
    sandbox.empty_journal()

    answer = post(server, *((STRUCTURED_HEADER, value) for value in values))
    stream = httpx.get(f"{server.url}/sse", headers=[(STRUCTURED_HEADER, value) for value in values])

    detail = "X-MCP-Structured must be one of: never, always. Send it once, or leave it out."
    for refused in (answer, stream):
        assert (refused.status_code, refused.json()) == (400, {"error": "bad_structured", "detail": detail})
    assert sandbox.journal() == []


def test_a_request_chooses_in_place_of_the_setting(sandbox: SandboxProcess) -> None:
    def form(*value: str) -> Any:
        return post(always, *((STRUCTURED_HEADER, one) for one in value)).json()["result"].get("structuredContent")

    with serving(sandbox.url, "--structured", "Always", MCP_STRUCTURED="never") as always:
        assert form()["count"] == form("ALWAYS")["count"] == 2
        assert form("never") is None


async def test_a_message_of_a_stream_chooses_for_itself(sandbox: SandboxProcess, server: HttpServer) -> None:
    """The header of `GET /sse` is for each message of the stream without one of its own."""
    listing = [(None, True), ("never", False), ("always", True)]
    opening = {STRUCTURED_HEADER: "always"}
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=20) as http,
        http.stream("GET", "/sse", headers=opening) as stream,
    ):
        lines = (line.removeprefix("data: ") async for line in stream.aiter_lines() if line.startswith("data: "))
        place = await anext(lines)
        initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        await http.post(place, json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize})
        await anext(lines)
        await http.post(place, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        for value, _ in listing:
            await http.post(place, json=LIST, headers={} if value is None else {STRUCTURED_HEADER: value})
            answer = httpx.Response(200, text=await anext(lines)).json()
            assert ("structuredContent" in answer["result"]) is dict(listing)[value], value
