"""The CPU time of a call, by the part that spends it, and the memory of a server, by the package that takes it:

    python -m benchmarks.shares [--quick]

Each part is measured by itself, as CPU time over many calls, 16 at a time, and the whole by the CPU time of a server
process: over stdio, streamable HTTP in both eras, and SSE. The parts of a tool call are measured inside one process;
the SDK's is what is left of the whole. A check is measured too: a call whose arguments are refused passes through the
SDK and the transport, and sends no request. No profiler is used: a sampling one and a tracing one gave shares that
differ by a third.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import psutil
from pydantic import SecretStr

from benchmarks import memory
from benchmarks.client import McpProcess
from benchmarks.http_shares import WAYS, Shares, shares_of
from benchmarks.speed import OURS, PEER, SERVERS, environment, upstream
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.proxy.client import Proxy
from mcp_errortracking.proxy.content import parse_answer
from mcp_errortracking.proxy.sender import JsonAnswer
from mcp_errortracking.server.arguments import parse_arguments
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.server.text import render
from mcp_errortracking.server.toolbox import EVERY_TOOL
from mcp_errortracking.system.garbage import long_lived

TOOL = SERVERS[OURS][1]
ARGUMENTS = {"limit": 20}
PATH, ADDRESS = "error_tracking/assignment_rules/", "/api/projects/1/error_tracking/assignment_rules/?limit=20"
WIDTH = 16


async def cpu_of(work: Callable[[], Awaitable[object]], calls: int) -> float:
    """Return the microseconds of CPU of one call in this process: the median of five blocks."""

    async def several(turns: Any) -> None:
        for _ in turns:
            await work()

    taken = list[float]()
    for _ in range(6):  # the first one warms up
        turns, began = iter(range(calls)), time.process_time()
        await asyncio.gather(*(several(turns) for _ in range(WIDTH)))
        taken.append((time.process_time() - began) / calls * 1e6)
    return statistics.median(taken[1:])


class _Canned:
    """A sender that has its answer."""

    project, account = "1", ""

    def __init__(self, answer: JsonAnswer) -> None:
        self._answer = answer

    async def send(self, *_: object, **__: object) -> JsonAnswer:
        return self._answer

    def delay(self, path: str, requests: int = 1) -> float:
        return 0.0


async def parts_of_a_tool_call(url: str, calls: int) -> dict[str, float]:
    """Return the microseconds of CPU of the parts that are not the SDK's."""
    with long_lived():  # as in a server
        address = url.removeprefix("http://").split(":")
    async with Proxy(host=url, key=SecretStr("phx_bench_key"), project="1") as proxy:
        answer = await proxy.send("GET", PATH, query=ARGUMENTS)
        canned, caller, declaration = _Canned(answer), ToolCaller(time_limit=60), EVERY_TOOL.find(TOOL)
        call: Any = parse_arguments(declaration, ARGUMENTS)
        outcome = await send_steps(canned, call.steps(), read_only=True)
        idle = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
        body = b""

        async def bare() -> None:
            nonlocal body
            reader, writer = idle.pop() if idle else await asyncio.open_connection(address[0], int(address[1]))
            writer.write(f"GET {ADDRESS} HTTP/1.1\r\nHost: {address[0]}\r\nAuthorization: Bearer x\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
            idle.append((reader, writer))

        async def parse() -> object:
            return await parse_answer(body)

        async def show() -> object:
            shown = outcome.data if outcome.display is None else outcome.display
            return render(shown, outcome.notes, max_tokens=20_000, is_raisable=False, offset=0)

        async def validate() -> object:
            return parse_arguments(declaration, ARGUMENTS)

        async def whole() -> None:
            assert not (await caller.call(proxy, TOOL, ARGUMENTS)).is_error

        socket = await cpu_of(bare, calls)
        for _, writer in idle:
            writer.close()
        parsing, showing, validating = [await cpu_of(part, calls) for part in (parse, show, validate)]
        sending = await cpu_of(lambda: proxy.send("GET", PATH, query=ARGUMENTS), calls)
        tool = await cpu_of(whole, calls)
    return {
        "a bare request on a socket (kernel, asyncio)": socket,
        "HTTP: aiohttp, httpx's types, retries and limits": sending - socket - parsing,
        "parsing the JSON of the answer (pydantic-core)": parsing,
        "validating the arguments": validating,
        "the text of the answer": showing,
        "the rest of a tool call": tool - sending - showing - validating,
    }


def cpu_of_server(server: McpProcess, method: str, params: Mapping[str, Any], calls: int) -> tuple[float, float]:
    """Return the microseconds of CPU of a request to a server, and those of them in the kernel."""
    process = psutil.Process(server.pid)
    rounds = list[tuple[float, float]]()
    for _ in range(6):
        before = process.cpu_times()
        server.ask(method, params, calls, WIDTH)
        after = process.cpu_times()
        system = after.system - before.system
        rounds.append(((after.user - before.user + system) / calls * 1e6, system / calls * 1e6))
    return statistics.median(one for one, _ in rounds[1:]), statistics.median(one for _, one in rounds[1:])


def over_stdio(url: str, calls: int) -> Shares:
    """Measure the shares over stdio."""
    whole = dict[str, tuple[float, float]]()
    refused = 0.0
    for name in (OURS, PEER):
        command, tool = SERVERS[name]
        server = McpProcess(command, environment(url), tool)
        server.open()
        whole[name] = cpu_of_server(server, "tools/call", {"name": tool, "arguments": ARGUMENTS}, calls)
        if name == OURS:
            refused = cpu_of_server(server, "tools/call", {"name": tool, "arguments": {"limit": "x"}}, calls)[0]
        server.close()
    return Shares(0, 0, *whole[OURS], refused, whole[PEER][0])


def table(parts: Mapping[str, float], columns: Mapping[str, Shares]) -> str:
    """Return the table: microseconds of each part, and its share."""

    def row(name: str, values: Iterable[float]) -> str:
        cells = [
            f"{value:.0f} ({value / one.whole:.0%})" if value else "-"
            for value, one in zip(values, columns.values(), strict=True)
        ]
        return f"| {name} | {' | '.join(cells)} |"

    all_of = list(columns.values())
    rest = [one.whole - one.uvicorn - one.app - sum(parts.values()) for one in all_of]
    return "\n".join(
        [
            f"| part of a call: CPU in µs, share | {' | '.join(columns)} |",
            f"| --- |{' ---: |' * len(columns)}",
            *(row(name, [taken] * len(all_of)) for name, taken in parts.items()),
            row("uvicorn, its protocol, the socket of the caller", [one.uvicorn for one in all_of]),
            row("the app over HTTP: starlette, checks and limits", [one.app for one in all_of]),
            row("MCP: the SDK, pipes or events, the log", rest),
            row("all of it", [one.whole for one in all_of]),
            row("of it in the kernel", [one.kernel for one in all_of]),
            row("for comparison: a call refused for its arguments", [one.refused for one in all_of]),
            row(f"for comparison: a call of {PEER}", [one.peer for one in all_of]),
        ]
    )


def main() -> None:
    """Print the tables of time and memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    quick = parser.parse_args().quick
    calls = 100 if quick else 1000
    with upstream() as url:
        parts = asyncio.run(parts_of_a_tool_call(url, calls))
        columns = {"stdio": over_stdio(url, calls)}
        columns |= {way.noun: shares_of(way, url, ARGUMENTS, calls, WIDTH) for way in WAYS}
    print(table(parts, columns), end="\n\n", flush=True)
    memory.main(quick=quick)


if __name__ == "__main__":
    main()
