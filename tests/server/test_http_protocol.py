"""The end of a server, for connections that were just opened: what is on its way is answered, what is not is closed."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn.server import ServerState

from mcp_errortracking.server.http_protocol import TimedProtocol

pytestmark = pytest.mark.anyio
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


class _Quick(TimedProtocol):
    last_seconds = 0.01


@asynccontextmanager
async def connected(
    protocol: type[TimedProtocol] = TimedProtocol,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter, TimedProtocol]]:
    """A connection, and the server's side of it."""
    config = uvicorn.Config(Starlette(routes=[Route("/", answer, methods=["POST"])]), log_level=logging.CRITICAL)
    config.load()
    made = asyncio.get_running_loop().create_future()

    def serve() -> TimedProtocol:
        made.set_result(protocol(config, ServerState(), {}))
        return made.result()

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer, await made
    finally:
        writer.close()
        server.close()


async def test_the_request_of_a_connection_that_was_just_opened_is_answered() -> None:
    async with connected() as (reader, writer, ours):
        ours.shutdown()
        writer.write(REQUEST)
        said = await reader.read()
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in said.lower()
    assert said.endswith(b"{}")


async def test_so_is_one_of_which_a_part_is_there() -> None:
    async with connected() as (reader, writer, ours):
        writer.write(REQUEST + REQUEST[:20])
        await reader.readuntil(b"{}")
        ours.shutdown()
        writer.write(REQUEST[20:])
        assert (await reader.read()).endswith(b"{}")


async def test_a_connection_that_is_idle_is_closed_at_once_and_a_new_one_soon() -> None:
    async with connected() as (reader, writer, ours):
        writer.write(REQUEST)
        await reader.readuntil(b"{}")
        ours.shutdown()
        assert await reader.read() == b""
    async with connected(_Quick) as (reader, _, ours):
        ours.shutdown()
        assert await reader.read() == b""
