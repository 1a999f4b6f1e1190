"""The speed of calls over streamable HTTP and SSE, beside a named peer over the same transport, in one run:

    python -m benchmarks.speed_http [--quick]

The machine's speed drifts, so every round goes over both servers and a ratio is taken within it; what is printed are
medians. CPU is what the server's process takes for a call: it varies less than the rate on a machine that is shared.
"""

import argparse
import asyncio
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

import psutil

from benchmarks.lanes import Lane, http_lanes, sse_lanes
from benchmarks.speed import HEAD, OURS, PEER, SERVERS, environment, row, upstream

Lanes = Callable[[str, int], AbstractAsyncContextManager[list[Lane]]]
TRANSPORTS: dict[str, tuple[str, Lanes]] = {
    "http": ("streamable HTTP", partial(http_lanes, handshake=True)),
    "sse": ("SSE", sse_lanes),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """A second's calls, and the CPU of one in milliseconds."""

    rate: float
    cpu: float


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(name: str, transport: str, url: str) -> Generator[tuple[str, psutil.Process]]:
    """A server over a transport: its address and process."""
    port = free_port()
    options = ["serve", "--transport", transport, "--port", str(port)] if name == OURS else [transport]
    command = [*SERVERS[name][0], *options]
    variables = environment(url) | {"PEER_PORT": str(port)}
    with subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(400):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.kill()


async def measure(name: str, transport: str, base: str, process: psutil.Process, calls: int, width: int) -> Figures:
    """Make so many calls, and fail if one does."""
    tool = SERVERS[name][1]
    async with TRANSPORTS[transport][1](base, width) as lanes:
        turns = iter(range(calls))

        async def work(lane: Lane) -> None:
            for _ in turns:
                if not await lane.call(tool, {"limit": 20}):
                    raise RuntimeError(f"a call of {name} failed")

        began, before = time.perf_counter(), sum(process.cpu_times()[:2])
        await asyncio.gather(*(work(lane) for lane in lanes))
        used = sum(process.cpu_times()[:2]) - before
        return Figures(calls / (time.perf_counter() - began), used / calls * 1000)


def compare(transport: str, url: str, rounds: int, calls: int, width: int) -> dict[str, list[Figures]]:
    """The figures of both servers in each round, after a first one that warms up."""
    with serving(OURS, transport, url) as ours, serving(PEER, transport, url) as theirs:
        found: dict[str, list[Figures]] = {OURS: [], PEER: []}
        for number in range(rounds + 1):
            for name, (base, process) in ((OURS, ours), (PEER, theirs)):
                figures = asyncio.run(measure(name, transport, base, process, calls, width))
                if number:
                    found[name].append(figures)
    return found


def main(*, quick: bool = False) -> None:
    """Prints the rows of both transports."""
    rounds, calls = (1, 200) if quick else (7, 600)
    with upstream() as url:
        for transport, (noun, _) in TRANSPORTS.items():
            found = compare(transport, url, rounds, calls, 64)
            rates = {name: [one.rate for one in figures] for name, figures in found.items()}
            cpu = {name: [one.cpu for one in figures] for name, figures in found.items()}
            print(row(f"calls a second over {noun}, 64 in flight", rates, goal="at least 4"), flush=True)
            print(row(f"CPU of a call over {noun}, ms", cpu), flush=True)


def median_cpu(figures: list[Figures]) -> float:
    """The median CPU of a call in milliseconds."""
    return statistics.median(one.cpu for one in figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    given = parser.parse_args()
    print(HEAD)
    main(quick=given.quick)
