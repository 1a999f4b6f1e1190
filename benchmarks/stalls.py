"""The time that one call can keep all others waiting. Hostile answers of a host to the real server over HTTP:

    python -m benchmarks.stalls [--size BYTES] [--only WORD]

While a call is made, `/healthz` is asked again and again: the longest time that it takes to answer is the stall. The
first row is what it takes beside a call with a small answer.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.hostile_answers import ANSWERS, EVENTS, ID, ISSUES, RULES, compressed, piecemeal, refused
from benchmarks.speed import environment

LIMIT_MS = 250
_SIZE = 8 << 20
_ARGUMENTS: dict[str, dict[str, Any]] = {RULES: {}, ISSUES: {}, EVENTS: {"issueId": ID}}


@dataclass(frozen=True, slots=True)
class Case:
    """One call: its body, and what the host answers to it."""

    name: str
    body: bytes
    answer: bytes


def call(tool: str, arguments: dict[str, Any]) -> bytes:
    """The body of a call of a tool."""
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()


def answers(size: int) -> Generator[Case]:
    """Calls that are answered by a hostile host."""
    yield Case("(a small answer)", call(RULES, {}), compressed(b'{"results":[]}'))
    for name, (tool, make) in ANSWERS.items():
        yield Case(name, call(tool, _ARGUMENTS[tool]), compressed(make(size)))
    teams = json.dumps({"detail": "requested project: ID 5", "scoped_teams": list(range(size // 8))}).encode()
    yield Case("an error of many numbers", call(RULES, {}), refused(teams))
    yield Case("a byte a chunk", call(RULES, {}), piecemeal(b'{"results":[' + b" " * 200_000 + b"]}"))


class Host:
    """A host that gives one answer to every request."""

    answer = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers on one connection, until it is closed."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class Connection:
    """A kept connection to the server under test."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> int:
        """The status of the answer to a request."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 26)
        reader, writer = self._streams
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))
        return int(head.split()[1])


async def stall(port: int, case: Case) -> tuple[float, float]:
    """Milliseconds of the longest stall while a call is made, and of the call."""
    caller, watcher = Connection(port), Connection(port)
    await watcher.ask("GET", "/healthz")
    began = time.perf_counter()
    calling = asyncio.ensure_future(caller.ask("POST", "/mcp", case.body))
    longest = 0.0
    while not calling.done():
        asked = time.perf_counter()
        await watcher.ask("GET", "/healthz")
        longest = max(longest, time.perf_counter() - asked)
        await asyncio.sleep(0.002)
    await calling
    return longest * 1000, (time.perf_counter() - began) * 1000


@asynccontextmanager
async def server(url: str) -> AsyncGenerator[int]:
    """The port of the real server, over HTTP."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcp_errortracking", "serve", "--transport", "http", "--port", "0"),
        env=environment(url),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    try:
        async for line in process.stderr:
            if found := re.search(rb"MCP at http://[^:]+:(\d+)", line):
                yield int(found[1])
                break
    finally:
        process.kill()
        await process.wait()


async def measure(size: int, only: str) -> list[tuple[str, float, float]]:
    """Each case with its stall and its time, in milliseconds."""
    host = Host()
    listening = await asyncio.start_server(host.serve, "127.0.0.1", 0, limit=1 << 20)
    measured = list[tuple[str, float, float]]()
    async with listening, server(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}") as port:
        for case in answers(size):
            if only in case.name:
                host.answer = case.answer
                measured.append((case.name, *await stall(port, case)))
                print(f"| {case.name} | {measured[-1][1]:.0f} | {measured[-1][2]:.0f} |", flush=True)
    return measured


def main() -> int:
    """Prints the table. Returns 1 where a stall is longer than it may be, else 0."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=_SIZE, help="bytes of an answer, about")
    parser.add_argument("--only", default="", help="cases with this in their name")
    options = parser.parse_args()
    print("| answer | stall, ms | call, ms |\n| --- | ---: | ---: |")
    measured = asyncio.run(measure(options.size, options.only))
    return 1 if any(longest > LIMIT_MS for _, longest, _ in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
