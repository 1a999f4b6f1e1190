"""The parts of a call over HTTP and SSE, for `benchmarks.shares`: of uvicorn, and of the app before the SDK.

uvicorn's part is the CPU of a process that answers the same requests with an app of a few lines. The app's own part is
that of a message that is not JSON-RPC, which passes all its checks and limits and goes no further, less uvicorn's.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from benchmarks.lanes import Connection, Lane, SseLane, http_lanes, modern_lanes, sse_lanes
from benchmarks.speed import OURS, PEER, SERVERS
from benchmarks.speed_http import Lanes, free_port, serving

ANSWER_BYTES = 3668
"""Of an answer with 20 rules."""
_INVALID = {"jsonrpc": "1.0"}


@dataclass(frozen=True, slots=True)
class Way:
    """A way to call over HTTP: the transport of the server, and the lanes into it."""

    noun: str
    transport: str
    lanes: Lanes
    status: int = 200
    size: int = ANSWER_BYTES


WAYS = (
    Way("HTTP", "http", partial(http_lanes, handshake=True)),
    Way("HTTP, 2026 era", "http", modern_lanes),
    Way("SSE", "sse", sse_lanes, 202, 8),
)


@dataclass(frozen=True, slots=True)
class Shares:
    """Microseconds of CPU of a call: of uvicorn, of the app, of all; in the kernel; of a refused call; of the peer."""

    uvicorn: float
    app: float
    whole: float
    kernel: float
    refused: float
    peer: float


async def _cpu(process: psutil.Process, work: list[Callable[[], Awaitable[Any]]], calls: int) -> tuple[float, float]:
    """Return the microseconds of CPU of a call, and those in the kernel: the median of five blocks."""
    rounds = list[tuple[float, float]]()
    for _ in range(6):
        turns, before = iter(range(calls)), process.cpu_times()

        async def several(one: Callable[[], Awaitable[Any]], turns: Any = turns) -> None:
            for _ in turns:
                await one()

        await asyncio.gather(*map(several, work))
        after = process.cpu_times()
        system = after.system - before.system
        rounds.append(((after.user - before.user + system) / calls * 1e6, system / calls * 1e6))
    return statistics.median(one for one, _ in rounds[1:]), statistics.median(one for _, one in rounds[1:])


async def _of_calls(
    way: Way, base: str, process: psutil.Process, tool: str, arguments: Any, calls: int, width: int
) -> tuple[float, float]:
    async with way.lanes(base, width) as lanes:
        return await _cpu(process, [partial(lane.call, tool, arguments) for lane in lanes], calls)


async def _of_posts(base: str, process: psutil.Process, calls: int, width: int, path: str = "/mcp") -> float:
    """Return the microseconds of a POST of an invalid message."""
    connections = [Connection(base) for _ in range(width)]
    for one in connections:
        one.expected = (200, 202, 400)
    try:
        return (await _cpu(process, [partial(one.post, path, _INVALID) for one in connections], calls))[0]
    finally:
        for one in connections:
            one.close()


async def _of_messages(base: str, process: psutil.Process, calls: int, width: int) -> float:
    """Return the microseconds of a POST of an invalid message to an SSE session."""
    lane: Lane
    async with sse_lanes(base, 1) as (lane,):
        assert isinstance(lane, SseLane)
        return await _of_posts(base, process, calls, width, lane.path)


@contextmanager
def _bare_app(way: Way) -> Generator[tuple[str, psutil.Process]]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare_app", str(port), str(way.size), str(way.status)]
    with subprocess.Popen(command) as process:
        try:
            asyncio.run(_until_open(port))
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.kill()


async def _until_open(port: int) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        try:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
        except OSError:
            await asyncio.sleep(0.05)
        else:
            return
    raise SystemExit("the bare app does not listen")


def shares_of(way: Way, url: str, arguments: Any, calls: int, width: int) -> Shares:
    """Measure the shares of a way to call."""
    with _bare_app(way) as (base, process):
        uvicorn = asyncio.run(_of_posts(base, process, calls, width))
    tool = SERVERS[OURS][1]
    with serving(OURS, way.transport, url) as (base, process):
        whole, kernel = asyncio.run(_of_calls(way, base, process, tool, arguments, calls, width))
        refused, _ = asyncio.run(_of_calls(way, base, process, tool, {"limit": "x"}, calls, width))
        of_posts = _of_messages if way.transport == "sse" else _of_posts
        app = asyncio.run(of_posts(base, process, calls, width)) - uvicorn
    with serving(PEER, way.transport, url) as (base, process):
        peer, _ = asyncio.run(_of_calls(way, base, process, SERVERS[PEER][1], arguments, calls, width))
    return Shares(uvicorn, app, whole, kernel, refused, peer)
