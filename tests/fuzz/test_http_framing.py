"""HTTP/1.1 on raw sockets: requests reach the app as they were meant in every framing, and broken ones are refused."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import h11
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from mcp_errortracking.server.http.protocol import PIPELINED, TimedProtocol
from tests.fuzz.effort import effort

Address = tuple[str, int]
HUNG = 20


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what the app was given of the request."""
    body = b""
    while (message := await receive()).get("more_body", False) or message.get("body"):
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    said = json.dumps([scope["method"], scope["path"], body.decode("latin-1")]).encode()
    headers = [(b"content-length", str(len(said)).encode()), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


class Protocol(TimedProtocol):
    header_seconds = idle_seconds = stalled_seconds = linger_seconds = 0.2


@pytest.fixture(scope="module")
def server() -> Generator[Address]:
    config = uvicorn.Config(echo, log_level=logging.CRITICAL, lifespan="off")
    config.load()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> asyncio.Server:
        state = ServerState()
        return await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)

    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result(HUNG)
    yield listening.sockets[0].getsockname()
    loop.call_soon_threadsafe(listening.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(HUNG)
    loop.close()


def exchange(address: Address, pieces: list[bytes]) -> list[tuple[int, bytes]]:
    """Status and body of each answer until the server closes the connection; each must be valid HTTP."""
    said = b""
    with socket.create_connection(address, timeout=HUNG) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                raw.sendall(piece)
            while more := raw.recv(65536):
                said += more
        except ConnectionError:
            pass  # closed while it was still sending
    return list(answers_in(said))


def answers_in(said: bytes) -> Generator[tuple[int, bytes]]:
    reader = h11.Connection(h11.CLIENT)
    reader.receive_data(said)
    reader.receive_data(b"")
    while reader.trailing_data[0]:
        reader.send(h11.Request(method="POST", target="/", headers=[("Host", "x")]))
        reader.send(h11.EndOfMessage())
        status, body = 0, b""
        while not isinstance(event := reader.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                assert isinstance(event, h11.InformationalResponse), event
        yield status, body
        if reader.our_state is not h11.DONE:
            assert reader.trailing_data[0] == b""
            return
        reader.start_next_cycle()


spaces = st.text(" \t", max_size=3).map(str.encode)
contents = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"GET /evil HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"\r\nUpgrade: h2c\r\n\r\n"]),
)
extras = st.lists(
    st.sampled_from([b"X-A: b", b"A:", b"Connection: Upgrade\r\nUpgrade: h2c", b"Connection: keep-alive"]),
    max_size=3,
    unique=True,
)


@st.composite
def framed(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """A request as the app should see it, and as it is sent."""
    method, path = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"])), draw(st.sampled_from(["/", "/a", "/b/c"]))
    content = draw(contents)
    lines = [b"Host:%bx%b" % (draw(spaces), draw(spaces)), *draw(extras)]
    if draw(st.booleans()):
        lines.append(b"Content-Length: %d%b" % (len(content), draw(spaces)))
        sent = content
    else:
        lines.append(draw(st.sampled_from([b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED"])))
        cuts = sorted(draw(st.lists(st.integers(0, len(content)), max_size=4)))
        chunks = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True) if a < b]
        trailer = draw(st.sampled_from([b"", b"X-T: 1\r\n", b"Host: y\r\nA: b\r\n"]))
        sent = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer + b"\r\n"
    lines = draw(st.permutations(lines))
    head = b"\r\n".join([f"{method} {path} HTTP/1.1".encode(), *lines, b"", b""])
    return [method, path, content.decode("latin-1")], head + sent


requests = st.lists(framed(), min_size=1, max_size=PIPELINED)
last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[a:b] for a, b in pairwise(bounds)]


def test_requests_in_any_framing_reach_the_app_as_they_were_meant(server: Address) -> None:
    @effort(150)
    @given(requests, st.lists(st.integers(0, 5000), max_size=5))
    def arrive(sent: list[tuple[list[str], bytes]], places: list[int]) -> None:
        raw = b"".join(message for _, message in sent) + last
        answers = exchange(server, cut(raw, places))
        assert [status for status, _ in answers] == [200] * (len(sent) + 1)
        assert [json.loads(body) for _, body in answers] == [*(seen for seen, _ in sent), ["GET", "/last", ""]]

    arrive()


def test_a_broken_byte_leaves_the_requests_before_it_alone(server: Address) -> None:
    """They are answered, and at most one refusal comes, as the last answer."""

    @effort(150)
    @given(
        requests,
        st.integers(0, 5000),
        st.sampled_from([b"\x00", b"\r", b"\n", b" ", b":", b"\xff", b""]),
        st.booleans(),
    )
    def is_refused(sent: list[tuple[list[str], bytes]], place: int, byte: bytes, inserted: bool) -> None:
        raw = b"".join(message for _, message in sent)
        place %= len(raw)
        answers = exchange(server, [raw[:place] + byte + raw[place + (not inserted) :] + last])

        length, whole = 0, list[list[str]]()
        for seen, message in sent:
            length += len(message)
            if length <= place:
                whole.append(seen)
        assert [json.loads(body) for _, body in answers[: len(whole)]] == whole
        assert {status for status, _ in answers} <= {200, 400, 405, 408, 431}
        assert [status for status, _ in answers[:-1]] == [200] * (len(answers) - 1)

    is_refused()


WORDS = (
    *(b"GET ", b"/ ", b"HTTP/1.1", b"HTTP/1.0", b"PRI * HTTP/2.0", b"POST / HTTP/1.1\r\nHost: x\r\n", b"\x16\x03\x01"),
    *(b"\r\n", b"\r\n\r\n", b": ", b"\x00", b"5\r\n", b"0\r\n\r\n", b"Host: x", b"Content-Length: 5"),
    *(b"Transfer-Encoding: chunked", b"Upgrade: h2c", b"Connection: Upgrade", b"Connection: close"),
    b"Expect: 100-continue",
)


def test_noise_ends_its_connection_and_nothing_else(server: Address) -> None:
    @effort(60)
    @given(st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=8)), max_size=20))
    def ends(pieces: list[bytes]) -> None:
        answers = exchange(server, [b"".join(pieces)])
        assert {status for status, _ in answers} <= {200, 400, 405, 408, 431}
        assert exchange(server, [last]) == [(200, b'["GET", "/last", ""]')]

    ends()
