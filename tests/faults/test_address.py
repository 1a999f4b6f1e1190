"""The host moves to another address while the old one still answers."""

import asyncio
import socket
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Limits, Proxy

pytestmark = pytest.mark.anyio

_OLD, _NEW = "127.0.0.1", "127.0.0.2"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with the address that it reached."""
    body = b'{"address": "%s"}' % writer.get_extra_info("sockname")[0].encode()
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    except asyncio.IncompleteReadError:
        writer.close()


async def test_a_new_address_is_used_within_a_minute_however_busy_the_connection_is(
    anyio_backend: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await asyncio.start_server(_answer, _OLD, 0)
    port: int = old.sockets[0].getsockname()[1]
    new = await asyncio.start_server(_answer, _NEW, port)
    address, asked = _OLD, list[float]()
    loop = asyncio.get_running_loop()

    async def resolve(host: str | None, *_: Any, **__: Any) -> list[Any]:
        assert host in ("posthog.test", b"posthog.test")
        asked.append(loop.time())
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    began = loop.time()
    seen = list[tuple[float, str]]()
    async with Proxy(host=f"http://posthog.test:{port}", key=SecretStr("phx_key"), limits=Limits()) as proxy:
        for _ in range(70):
            seen.append((loop.time(), (await proxy.send("GET", "/api/users/@me/")).data["address"]))
            await asyncio.sleep(1)
            address = _NEW
    old.close()
    new.close()

    moved = next(moment - began for moment, where in seen if where == _NEW)
    assert 29 < moved < 33
    assert {where for moment, where in seen if moment - began > moved} == {_NEW}
    assert len(asked) == 3  # one look-up for each connection, one connection for half a minute
