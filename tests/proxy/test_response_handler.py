"""Answers that break HTTP, on real sockets: none reaches another request, keeps a reader waiting or shows the key."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import InterruptedCallError, UnreachableError
from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.transport import PoolTransport
from tests.proxy.fault_server import FaultServer, Reply

pytestmark = pytest.mark.anyio

KEY = "phx_a_key_that_must_never_be_seen"
HEAD = "HTTP/1.1 200 OK\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncGenerator[tuple[PoolTransport, httpx.Request]]:
    """Return connections to a server, and a request to it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    timeouts = {"connect": 20.0, "read": 20.0, "write": 20.0, "pool": 20.0}
    transport = PoolTransport(Limits(connections=1, keepalive=60.0), secure=False, http_proxy=None)
    try:
        with anyio.fail_after(20):
            yield transport, httpx.Request("GET", url, extensions={"timeout": timeouts})
    finally:
        await transport.aclose()
        server.close()


async def body_of(transport: PoolTransport, request: httpx.Request) -> bytes:
    response = await transport.handle_async_request(request)
    try:
        return b"".join([part async for part in response.aiter_raw()])
    finally:
        await response.aclose()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (f"{HEAD}X: {KEY}\0\r\n\r\n", "Invalid HTTP header"),
        (f"{HEAD}({KEY}: a\r\n\r\n", "Invalid header token"),
        (f"{HEAD}X: {KEY * 400}\r\n\r\n", "Got more than 8190 bytes when reading"),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{KEY}\r\n", "Invalid character in chunk size"),
        (f"{KEY}\r\n\r\n", "Bad status line"),
    ],
)
async def test_a_malformed_answer_that_repeats_the_key_does_not_show_it(raw: str, reason: str) -> None:
    with FaultServer([Reply(raw.encode(), close=True)]) as upstream, pytest.raises(InterruptedCallError) as caught:
        async with Proxy(host=upstream.url, key=SecretStr(KEY), limits=Limits(attempts=1)) as proxy:
            await proxy.send("GET", "error_tracking/fingerprints/")

    assert f"broke during the call: {reason}. " in str(caught.value)
    assert "phx_" not in str(caught.value)


async def test_a_forward_proxy_that_repeats_its_login_does_not_show_it() -> None:
    with FaultServer([Reply(b"HTTP/1.1 502 dXNlcjpwYXNz\r\nContent-Length: 0\r\n\r\n", close=True)]) as forward:
        address = forward.url.replace("//", "//user:pass@")
        limits = Limits(attempts=1)
        async with Proxy(host="https://a.example", key=SecretStr(KEY), limits=limits, http_proxy=address) as proxy:
            with pytest.raises(UnreachableError) as caught:
                await proxy.send("GET", "error_tracking/fingerprints/")

    assert forward.received[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert ": 502 Bad Gateway." in str(caught.value)
    assert "dXNlcjpwYXNz" not in str(caught.value)


async def test_an_answer_that_nothing_asked_for_reaches_no_request() -> None:
    answered, closed, connections = asyncio.Event(), asyncio.Event(), 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        writer.write(ANSWER + str(connections).encode())
        await answered.wait()
        writer.write(ANSWER + b"9")
        assert await reader.read() == b""
        closed.set()

    async with served(handler) as (transport, request):
        assert await body_of(transport, request) == b"1"
        answered.set()
        await closed.wait()
        assert await body_of(transport, request) == b"2"

    assert connections == 2


async def test_a_body_that_breaks_its_encoding_ends_the_reading() -> None:
    head_arrived = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        await head_arrived.wait()
        writer.write(f"{KEY}\r\n".encode())
        await reader.read()

    async with served(handler) as (transport, request):
        response = await transport.handle_async_request(request)
        head_arrived.set()
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await response.aread()
        await response.aclose()

    assert str(caught.value) == "Invalid character in chunk size"


async def test_a_request_that_waits_while_the_connections_are_closed_is_not_sent() -> None:
    received = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await reader.readuntil(b"\r\n\r\n")
        received += 1
        writer.write(ANSWER + b"1")
        assert await reader.read() == b""

    async with served(handler) as (transport, request):
        response = await transport.handle_async_request(request)
        async with anyio.create_task_group() as tasks:

            async def wait() -> None:
                with pytest.raises(httpx.ConnectError, match="were closed"):
                    await transport.handle_async_request(request)

            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            await transport.aclose()
            await response.aclose()

    assert received == 1
