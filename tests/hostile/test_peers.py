"""Peers that keep connections: each is closed in time, and as many as there may be leave the server serving."""

import asyncio
import re
import resource
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.hostile.peers import PEERS, Pieces
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, TOKEN, HttpServer, serving
from tests.server.stdio_process import GatedUpstream

pytestmark = pytest.mark.anyio

SMALL_LIMITS = str(Path(__file__).parent / "small_limits")
HUNG = 20
"""Seconds after which a peer gives up: the server has kept its connection."""

WITH_TOKEN = HEADERS | {"Authorization": f"Bearer {TOKEN}"}
HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
NOWHERE = "http://127.0.0.1:9"


def address_of(server: HttpServer) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


async def read_answer(reader: asyncio.StreamReader) -> int | None:
    """The status of the next answer; None at the end of the connection, below 0 if that comes too early."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        await reader.readexactly(int(length[1]) if length else 0)
    except asyncio.IncompleteReadError as ended:
        return -len(ended.partial) or None
    except ConnectionError:
        return None
    return int(head.split(b" ")[1])


async def visit(server: HttpServer, pieces: Pieces) -> list[int] | str:
    """The answers that a peer gets until the server closes its connection."""
    reader, writer = await asyncio.open_connection(*address_of(server))
    answers = list[int | None]()
    try:
        async with asyncio.timeout(HUNG):
            for number, piece in enumerate(pieces):
                writer.write(piece)
                if number < len(pieces) - 1:
                    answers.append(await read_answer(reader))
            while not answers or answers[-1] is not None:
                answers.append(await read_answer(reader))
    except TimeoutError:
        return f"still open after {answers}"
    finally:
        writer.close()
    return [answer for answer in answers if answer is not None]


async def test_every_connection_is_closed_in_time() -> None:
    with serving(NOWHERE, MCP_SERVER_TOKEN=TOKEN, PYTHONPATH=SMALL_LIMITS, TEST_SECONDS="0.5") as server:
        endings = await asyncio.gather(*(visit(server, pieces) for pieces, _ in PEERS.values()))
        files = psutil.Process(server.process.pid).num_fds()
        alive = await visit(server, (HEALTHZ,))
        log = server.end(signal.SIGTERM)

    assert dict(zip(PEERS, endings, strict=True)) == {name: answers for name, (_, answers) in PEERS.items()}
    assert alive == [200]
    assert files < len(PEERS)
    assert log.partition("MCP at ")[2].count("\n") == 1, log  # no peer has a line in the log


@contextmanager
def open_files(number: int) -> Generator[None]:
    """Lets this process open so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.thorough
def test_two_thousand_peers_without_a_token_leave_the_server_serving() -> None:
    """Each has sent all of its pieces and keeps its side open; the server has 256 descriptors."""
    peers = [pieces for pieces, _ in PEERS.values() if TOKEN.encode() not in b"".join(pieces)]
    call: dict[str, Any] = {"headers": WITH_TOKEN, "json": LIST}
    with (
        SandboxProcess() as sandbox,
        serving(sandbox.url, MCP_SERVER_TOKEN=TOKEN, PYTHONPATH=SMALL_LIMITS, TEST_DESCRIPTORS="256") as server,
        open_files(2300),
        ExitStack() as connections,
        httpx.Client(base_url=server.url, timeout=HUNG) as old,
        httpx.Client(base_url=server.url, timeout=HUNG) as new,
    ):
        before = old.post("/mcp", **call)
        for pieces in islice(cycle(peers), 2000):
            peer = connections.enter_context(socket.create_connection(address_of(server), timeout=HUNG))
            with suppress(ConnectionError):  # refused before the last piece
                for piece in pieces:
                    peer.sendall(piece[:60_000])
        health = new.get("/healthz")
        readiness = new.get("/readyz")
        answers = [new.post("/mcp", **call), old.post("/mcp", **call)]
        files = psutil.Process(server.process.pid).num_fds()
        log = server.end(signal.SIGTERM)

    assert (health.status_code, readiness.json()) == (200, {"ready": True, "problem": None})
    assert before.json()["result"]["structuredContent"]["count"] == 4
    assert [answer.json()["result"] for answer in answers] == [before.json()["result"]] * 2
    assert files <= 128 + 40
    assert log.partition("MCP at ")[2].count("\n") == 5, log  # of the limit of files, and of three calls


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit, as Linux has it")
def test_without_a_descriptor_an_idle_connection_makes_room_and_the_log_stays_small() -> None:
    with (
        serving(NOWHERE, MCP_SERVER_TOKEN=TOKEN) as server,
        socket.create_connection(address_of(server), timeout=HUNG) as idle,
    ):
        idle.sendall(HEALTHZ.replace(b"Connection: close\r\n", b""))
        assert idle.recv(1000).endswith(b"ok\n")
        used = {int(file.name) for file in Path(f"/proc/{server.process.pid}/fd").iterdir()}
        free = next(number for number in range(len(used) + 1) if number not in used)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (free, free))
        health = httpx.get(f"{server.url}/healthz", timeout=HUNG)
        assert idle.recv(1000) == b""
        log = server.end(signal.SIGTERM)

    assert health.status_code == 200
    assert set(re.findall("WARNING.*", log)) == {
        "WARNING: a connection cannot be accepted (Too many open files): closing an idle one"
    }
    assert log.partition("MCP at ")[2].count("\n") < 10
    assert "Traceback" not in log


def test_calls_that_are_cut_off_are_answered() -> None:
    """The server ends, and its time of grace is over."""
    answers = list[httpx.Response]()
    with (
        GatedUpstream() as upstream,
        serving(upstream.url, PYTHONPATH=SMALL_LIMITS, TEST_SECONDS="0.5") as server,
        httpx.Client(base_url=server.url, timeout=HUNG) as http,
    ):
        calls = [
            threading.Thread(target=lambda: answers.append(http.post("/mcp", headers=HEADERS, json=LIST)))
            for _ in range(5)
        ]
        for call in calls:
            call.start()
            assert upstream.arrived.acquire(timeout=HUNG)
        log = server.end(signal.SIGTERM)
        for call in calls:
            call.join(HUNG)

    assert [answer.status_code for answer in answers] == [503] * 5
    for answer in answers:
        error = answer.json()["error"]
        assert (error["code"], error["message"].partition(".")[0]) == (
            -32603,
            "The server stopped before the call ended",
        )
    assert "Traceback" not in log
