"""Connections at the end of a server; what reaches the app of a request; peers that do not read."""

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

from mcp_errortracking.server.http.protocol import TimedProtocol

pytestmark = pytest.mark.anyio
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


async def answer(request: Request) -> PlainTextResponse:
    seen = {f"x-{name}": value for name, value in request.headers.items() if name.startswith("mcp-")}
    return PlainTextResponse(await request.body(), headers=seen)


class _Quick(TimedProtocol):
    last_seconds = 0.01
    stalled_seconds = 0.01


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


UPGRADE = (
    b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
)


@pytest.mark.parametrize(
    "rest",
    [b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n"],
    ids=["length", "chunks"],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_request_that_offers_http_2_is_answered_as_any_other(rest: bytes, at_once: bool) -> None:
    """As Java's HttpClient and curl --http2 send it."""
    async with connected() as (reader, writer, _):
        for piece in [UPGRADE + rest] if at_once else [UPGRADE, *(bytes([byte]) for byte in rest)]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        first = await reader.readuntil(b"{}")
        writer.write(REQUEST.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        second = await reader.read()
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert second.startswith(b"HTTP/1.1 200 OK\r\n")
    assert second.endswith(b"{}")


async def test_white_space_round_a_header_is_not_a_part_of_it() -> None:
    request = REQUEST.replace(b"Host: x", b"Host: x\r\nMcp-Name: \t a b \t \r\nMcp-Method:c\t\r\nConnection: close")
    async with connected() as (reader, writer, _):
        writer.write(request)
        said = await reader.read()
    assert b"\r\nx-mcp-name: a b\r\n" in said
    assert b"\r\nx-mcp-method: c\r\n" in said


async def test_a_trailer_is_not_a_header() -> None:
    body = b"2\r\n{}\r\n0\r\nMcp-Name: late\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with connected() as (reader, writer, _):
        writer.write(head + body)
        said = await reader.read()
    assert said.endswith(b"{}")
    assert b"late" not in said


async def test_a_refusal_does_not_break_into_an_answer() -> None:
    """The second request is broken while the first is answered: the first gets its answer, and nothing follows."""
    async with connected() as (reader, writer, _):
        writer.write(REQUEST + b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n")
        said = await reader.read()
    assert said.count(b"HTTP/1.1") == 1
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert said.endswith(b"{}")


@pytest.mark.parametrize("half_closed", [True, False])
async def test_a_peer_that_takes_no_answer_is_cut_off_after_the_connection_is_closed(half_closed: bool) -> None:
    """The bytes that wait for it are fewer than asyncio's limit for pausing."""
    size = 16_000_000
    request = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    async with connected(_Quick) as (_, writer, ours):
        ends = asyncio.get_running_loop().create_future()
        before = ours.connection_lost
        ours.connection_lost = lambda exc: (before(exc), ends.set_result(True))  # pyright: ignore
        ours.transport.set_write_buffer_limits(2 * size)
        writer.transport.pause_reading()  # pyright: ignore[reportAttributeAccessIssue]
        writer.write(request)
        await writer.drain()
        if half_closed:
            writer.write_eof()
        async with asyncio.timeout(20):
            assert await ends
