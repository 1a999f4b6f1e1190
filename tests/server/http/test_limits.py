"""The bounds of the app over HTTP: places, bodies, slow and vanished peers, idle streams, restarts."""

import asyncio
import json
import signal
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mcp_errortracking.server.http.protocol import TimedProtocol
from mcp_errortracking.server.http.request_limits import RequestLimits
from mcp_errortracking.server.http.slots import FullError, HttpLimits, Slots
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, TOKEN, HttpServer, client_of, serving
from tests.server.mcp_client import ask
from tests.server.stdio_process import GatedUpstream

pytestmark = pytest.mark.anyio

FASTER = str(Path(__file__).parent / "faster_clock")


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


def port_of(server: HttpServer) -> int:
    return int(server.url.rsplit(":", 1)[1])


def test_places_are_shared_out() -> None:
    slots = Slots(10, "calls")
    for _ in range(5):
        slots.take("greedy")
    with pytest.raises(FullError, match="This caller has 5 calls in use; its limit is 5") as mine:
        slots.take("greedy")
    for number in range(5):
        slots.take(f"other {number}")
    with pytest.raises(FullError, match="The server has 10 calls in use; its limit is 10") as everyones:
        slots.take("late")
    slots.free("greedy")
    slots.take("late")

    assert (mine.value.status, everyones.value.status, slots.taken) == (429, 503, 10)
    assert mine.value.response().headers["retry-after"] == "1"


def test_calls_beyond_the_limit_are_refused_until_one_ends() -> None:
    with (
        GatedUpstream() as upstream,
        serving(upstream.url, "--max-calls", "8") as server,
        httpx.Client(timeout=30) as http,
    ):
        answers = list[httpx.Response]()

        def call() -> httpx.Response:
            return http.post(f"{server.url}/mcp", headers=HEADERS, json=LIST)

        threads = [threading.Thread(target=lambda: answers.append(call())) for _ in range(4)]
        for thread in threads:
            thread.start()
            upstream.arrived.acquire(timeout=20)
        refused = call()
        health = http.get(f"{server.url}/healthz")
        upstream.gate.set()
        for thread in threads:
            thread.join(30)
        after = call()

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json()["error"] == "too_many_requests"
    assert [answer.status_code for answer in answers] == [200] * 4
    assert (health.status_code, after.status_code) == (200, 200)


def test_sessions_beyond_the_limit_are_refused_until_one_ends(sandbox: SandboxProcess) -> None:
    with serving(sandbox.url, "--max-sessions", "4") as server, httpx.Client(timeout=30) as http:
        streams = [http.stream("GET", f"{server.url}/sse") for _ in range(4)]
        opened = [stream.__enter__() for stream in streams]
        refused = http.get(f"{server.url}/sse")
        streams[0].__exit__(None, None, None)
        statuses = list[int]()
        while not statuses or statuses[-1] != 200:
            with http.stream("GET", f"{server.url}/sse") as again:
                statuses.append(again.status_code)
        for stream in streams[1:]:
            stream.__exit__(None, None, None)

    assert [stream.status_code for stream in opened] == [200] * 4
    assert refused.status_code in (429, 503)
    assert refused.headers["retry-after"] == "1"


def test_calls_on_a_stream_count_too() -> None:
    with (
        GatedUpstream() as upstream,
        serving(upstream.url, "--max-calls", "8") as server,
        httpx.Client(timeout=30) as http,
        http.stream("GET", f"{server.url}/sse") as stream,
    ):
        lines = stream.iter_lines()
        next(lines)
        address = f"{server.url}{next(lines).removeprefix('data: ')}"
        envelope = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }

        def call(number: int) -> int:
            message = LIST | {"id": number, "params": {**LIST["params"], "_meta": envelope}}
            return http.post(address, headers=HEADERS, json=message).status_code

        statuses = [call(number) for number in range(5)]
        upstream.gate.set()
        messages = (json.loads(line[6:]) for line in lines if line.startswith("data: {"))
        answers = [next(messages) for _ in range(4)]
        again = call(9)

    assert statuses == [202, 202, 202, 202, 429]
    assert sorted(answer["id"] for answer in answers) == [0, 1, 2, 3]
    assert again == 202


def test_an_idle_stream_is_closed_and_a_post_to_it_refused(sandbox: SandboxProcess) -> None:
    with serving(sandbox.url, "--idle", "1", PYTHONPATH=FASTER) as server, httpx.Client(timeout=30) as http:
        with http.stream("GET", f"{server.url}/sse") as stream:
            lines = stream.iter_lines()
            next(lines)
            address = f"{server.url}{next(lines).removeprefix('data: ')}"
            rest = [line for line in lines if line]  # ends when the server closes it
        late = http.post(address, headers=HEADERS, json=LIST)

    assert all(line.startswith(": ping") for line in rest)
    assert (late.status_code, late.json()["error"]) == (404, "unknown_session")


async def run_request_limits(
    limits: HttpLimits, *messages: dict[str, Any], headers: list[Any] | None = None, path: str = "/mcp", root: str = ""
) -> tuple[int, bytes]:
    """Return the answer of the request limits to a request; the app under them returns its body."""
    sent = list[Any]()
    waiting = list(messages)

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": root + path,
        "root_path": root,
        "headers": headers or [],
        "client": ("127.0.0.1", 1),
    }
    await RequestLimits(app, limits, Slots(4, "calls"))(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def test_bodies_are_bounded_in_size_and_time() -> None:
    limits = HttpLimits(calls=4, sessions=4, idle=60, body=10, body_time=0.05)
    part = {"type": "http.request", "body": b"12345", "more_body": True}

    assert await run_request_limits(limits, part, part | {"more_body": False}) == (200, b"1234512345")
    assert (await run_request_limits(limits, part, part, part))[0] == 413
    assert (await run_request_limits(limits, headers=[(b"content-length", b"11")]))[0] == 413
    assert (await run_request_limits(limits, part))[0] == 408
    assert (await run_request_limits(limits, part, part, part, path="/messages/"))[0] == 413
    assert (await run_request_limits(limits, part, part, part, root="/below"))[0] == 413


async def test_a_body_that_no_endpoint_reads_is_not_read() -> None:
    part = {"type": "http.request", "body": b"12345", "more_body": True}
    for path in ("/nope", "/healthz", "/sse", "/mcp/", "/messages", "/"):
        assert await run_request_limits(HttpLimits(calls=4, sessions=4, idle=60), part, path=path) == (200, b"")


async def test_bodies_are_bounded_in_all() -> None:
    """The bytes that a request holds are freed with its answer."""
    limits, answering = HttpLimits(calls=4, sessions=4, idle=60, bodies=10), asyncio.Event()
    statuses = list[int]()

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await answering.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def call(caller: str, size: int) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"x" * size}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {"type": "http", "method": "POST", "path": "/messages/", "headers": [], "client": (caller, 1)}
        await request_limits(scope, receive, send)

    request_limits = RequestLimits(app, limits, Slots(4, "calls"))
    held = [asyncio.create_task(call(caller, 5)) for caller in ("a", "b")]
    await asyncio.sleep(0)
    await call("a", 1)
    await call("c", 1)
    refused = statuses.copy()
    answering.set()
    await asyncio.gather(*held)
    await call("c", 5)

    assert refused == [429, 503]
    assert statuses == [429, 503, 200, 200, 200]


async def test_headers_that_do_not_end_cost_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    monkeypatch.setattr(TimedProtocol, "header_seconds", 0.1)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(app, http=TimedProtocol, lifespan="off", port=0, log_level="error")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve([listener]))
    begun = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
    for start, status in ((b"", b"408"), (begun, b"408"), (begun + b"x" * 600_000, b"431")):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(start)
        assert (await reader.readline()).startswith(b"HTTP/1.1 " + status)
        writer.close()
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    server.should_exit = True
    await task


def test_a_reader_that_stops_reading_costs_nothing_for_long(sandbox: SandboxProcess) -> None:
    """Its stream is given up, and everyone else is served meanwhile."""
    with serving(sandbox.url, PYTHONPATH=FASTER) as server, httpx.Client(timeout=30) as http:
        with socket.create_connection(("127.0.0.1", port_of(server))) as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.sendall(b"GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head = b""
            while b"session_id=" not in head or not head.endswith(b"\r\n\r\n"):
                head += stuck.recv(4096)
            path = head.split(b"data: ")[1].split(b"\r\n")[0].decode()
            call = {"jsonrpc": "2.0", "id": 0, "method": "tools/list", "params": {}}
            hello = {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "stuck", "version": "1"},
            }
            first = {"jsonrpc": "2.0", "id": "i", "method": "initialize", "params": hello}
            address, number = f"{server.url}{path}", 0
            assert http.post(address, headers=HEADERS, json=first).status_code == 202
            http.post(address, headers=HEADERS, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
            while http.post(address, headers=HEADERS, json=call | {"id": number}).status_code in (202, 429):
                number += 1
            served = http.post(f"{server.url}/mcp", headers=HEADERS, json=LIST)
        log = server.end(signal.SIGTERM)

    assert served.status_code == 200
    assert number > 0
    assert "Traceback" not in log


async def test_a_killed_server_is_found_again(sandbox: SandboxProcess) -> None:
    """Clients of streamable HTTP go on where they were; those of SSE connect anew."""
    there = sandbox.api("GET", "fingerprints/").json()["count"]
    with serving(sandbox.url) as first:
        port = port_of(first)
        async with client_of(first.url, "http", "auto") as modern, client_of(first.url, "http", "legacy") as old:
            assert (await ask(modern, "fingerprints-list"))["count"] == there
            first.process.kill()
            first.process.wait()
            with serving(sandbox.url, "--port", str(port)) as second:
                assert second.url == first.url
                assert (await ask(modern, "fingerprints-list"))["count"] == there
                assert (await ask(old, "fingerprints-list"))["count"] == there
                async with client_of(second.url, "sse", "legacy") as again:
                    assert (await ask(again, "fingerprints-list"))["count"] == there


def test_streams_that_come_and_go_leave_nothing(sandbox: SandboxProcess) -> None:
    import psutil

    with serving(sandbox.url, MCP_SERVER_TOKEN=TOKEN) as server, httpx.Client(timeout=30) as http:
        process = psutil.Process(server.process.pid)
        address = urlsplit(server.url)
        request = f"GET /sse HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()

        def come_and_go(times: int) -> None:
            for _ in range(times):
                with socket.create_connection((address.hostname, address.port)) as stream:
                    stream.sendall(request)
                    assert stream.recv(100).startswith(b"HTTP/1.1 200 ")
            began = time.monotonic()
            while process.num_fds() > idle and time.monotonic() - began < 20:
                http.get(f"{server.url}/healthz")

        http.get(f"{server.url}/readyz")
        idle = process.num_fds()
        come_and_go(300)
        before = process.memory_info().rss
        come_and_go(1000)
        grown = process.memory_info().rss - before

        assert process.num_fds() <= idle
        assert grown < 3_000_000  # 3 kB a session would be a leak of a session's smallest part
