"""Does it leak? Many calls over each transport to the real server, while one answer in twenty of PostHog's is broken:

    python -m benchmarks.soak [--calls N] [--transport stdio|http|sse]

PostHog is the sandbox. Between blocks of calls, when none is under way, it looks at what the server holds. The first
block warms up; after it, file descriptors, sockets, threads and tasks must not grow, and memory by no more than 2% (at
least 4 MiB). Exits with 1 if they do.
"""

import argparse
import asyncio
import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from signal import SIGUSR1
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from benchmarks.lanes import Lane, http_lanes, sse_lanes, stdio_lanes
from benchmarks.speed import environment
from mcp_errortracking.sandbox.process import Sandbox

TRANSPORTS = ("stdio", "http", "sse")
_WIDTH = 8
_BLOCKS = 20
_SLACK = {"descriptors": 16, "sockets": 16, "threads": 1, "tasks": _WIDTH}  # the last call may not be tidied up yet
Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sample:
    """The resources that the server holds; memory in MiB."""

    memory: float
    descriptors: int
    sockets: int
    threads: int
    tasks: int


class Server:
    """A server under test."""

    def __init__(self, pid: int, pipe: int) -> None:
        self._process = psutil.Process(pid)
        self._pid = pid
        self._pipe = pipe

    async def sample(self) -> Sample:
        """Return the resources that it holds now."""
        os.kill(self._pid, SIGUSR1)
        line = await asyncio.to_thread(os.read, self._pipe, 100)
        process = self._process
        sockets = len(process.net_connections("inet"))
        memory = process.memory_info().rss / 2**20
        return Sample(memory, process.num_fds(), sockets, process.num_threads(), int(line.split()[-1]))


@contextmanager
def _bad_line(url: str) -> Generator[str]:
    command = [sys.executable, "-m", "benchmarks.unsteady", str(urlsplit(url).port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@asynccontextmanager
async def _served(transport: str, url: str, key: str) -> AsyncGenerator[tuple[Server, list[Lane]]]:
    """A server, and lanes into it."""
    reading, writing = os.pipe()
    options = ["--log-level", "error"] if transport == "stdio" else ["serve", "--transport", transport, "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "benchmarks.soaked", str(writing), *options],
        env=environment(url) | {"POSTHOG_PERSONAL_API_KEY": key},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[writing],
        limit=2**22,
    )
    os.close(writing)
    assert process.stderr
    log = process.stderr
    try:
        async with await _lanes(transport, log, process) as lanes:
            drained = asyncio.ensure_future(_drain(log))  # a full pipe would stop the server at its next line
            yield Server(process.pid, reading), lanes
            drained.cancel()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(reading)


async def _drain(log: asyncio.StreamReader) -> None:
    """Reads a server's log, and shows what tells of a bug in it."""
    while line := await log.readline():
        if b"a bug in mcp_errortracking" in line or b"Traceback" in line:
            print(line.decode(), end="", file=sys.stderr)


async def _lanes(
    transport: str, log: asyncio.StreamReader, process: asyncio.subprocess.Process
) -> AbstractAsyncContextManager[list[Lane]]:
    if transport == "stdio":
        return stdio_lanes(process, _WIDTH)
    while line := (await log.readline()).decode():
        if found := re.search(r"MCP at (http://\S+),", line):
            return (http_lanes if transport == "http" else sse_lanes)(found[1], _WIDTH)
    raise RuntimeError("the server did not start")


def _calls_of(sandbox: Sandbox) -> list[Call]:
    """Reads, a write, and what is refused before it is sent."""
    address = f"{sandbox.url}/api/projects/{sandbox.project_id}/error_tracking/assignment_rules/"
    answer = httpx.get(address, headers={"Authorization": f"Bearer {sandbox.key}"})
    rule = answer.json()["results"][0]["id"]
    return [
        ("error-tracking-assignment-rules-list", {"limit": 3}),
        ("error-tracking-fingerprints-list", {"limit": 5}),
        ("error-tracking-assignment-rules-partial-update", {"id": rule, "assignee": {"type": "user", "id": 1}}),
        ("error-tracking-assignment-rules-retrieve", {"id": rule}),
        ("error-tracking-assignment-rules-retrieve", {"id": "not an id"}),
    ]


async def _block(lanes: list[Lane], number: int, calls: Iterator[Call]) -> int:
    """Makes so many calls; how many failed."""
    left = iter(range(number))
    failed = list[Call]()

    async def run(lane: Lane) -> None:
        for _ in left:
            call = next(calls)
            if not await lane.call(*call):
                failed.append(call)

    async with asyncio.TaskGroup() as tasks:
        for lane in lanes:
            tasks.create_task(run(lane))
    return len(failed)


async def soak(transport: str, url: str, key: str, calls: list[Call], number: int) -> tuple[list[Sample], int, float]:
    """The samples after each block, how many calls failed, and the seconds that all took."""
    samples, failed, began = list[Sample](), 0, time.monotonic()
    turns = itertools.cycle(calls)
    async with _served(transport, url, key) as (server, lanes):
        for _ in range(_BLOCKS):
            failed += await _block(lanes, number // _BLOCKS, turns)
            samples.append(await server.sample())
    return samples, failed, time.monotonic() - began


def grown(samples: list[Sample]) -> list[str]:
    """Return the resources that grew after the first block."""
    first, rest = samples[0], samples[1:]
    problems = [
        f"{name} grew from {getattr(first, name)} to {max(getattr(sample, name) for sample in rest)}"
        for name, slack in _SLACK.items()
        if max(getattr(sample, name) for sample in rest) > getattr(first, name) + slack
    ]
    early, late = rest[0].memory, rest[-1].memory
    if late - early > max(0.02 * early, 4):
        problems.append(f"memory grew from {early:.1f} to {late:.1f} MiB")
    return problems


def _row(transport: str, samples: list[Sample], failed: int, seconds: float, calls: int) -> str:
    def span(name: str) -> str:
        values = [getattr(sample, name) for sample in samples[1:]]
        return f"{min(values)} to {max(values)}"

    memory = [sample.memory for sample in samples]
    middle = memory[len(memory) // 2]
    cells = [
        transport,
        f"{calls:,}",
        f"{failed / calls:.1%}",
        f"{memory[0]:.1f} / {middle:.1f} / {memory[-1]:.1f}",
        *(span(name) for name in _SLACK),
        f"{calls / seconds:.0f}",
        "; ".join(grown(samples)) or "flat",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Prints the table. Returns 1 if something is not flat."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=100_000, help="over each transport")
    parser.add_argument("--transport", choices=TRANSPORTS, help="only this one")
    options = parser.parse_args()
    number = max(options.calls // _BLOCKS, 1) * _BLOCKS
    columns = ["transport", "calls", "failed", "MiB: first / middle / last", *_SLACK, "calls a second", "verdict"]
    print(f"| {' | '.join(columns)} |\n{'| --- ' * len(columns)}|", flush=True)
    flat = True
    with Sandbox() as sandbox, _bad_line(sandbox.url) as url:
        calls = _calls_of(sandbox)
        for transport in [options.transport] if options.transport else TRANSPORTS:
            samples, failed, seconds = asyncio.run(soak(transport, url, sandbox.key, calls, number))
            flat = flat and not grown(samples)
            print(_row(transport, samples, failed, seconds, number), flush=True)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
