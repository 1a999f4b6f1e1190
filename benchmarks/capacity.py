"""The capacity of one process and of several, from measured costs and a small model:

    python -m benchmarks.capacity [--write] [--quick]

Measures the server over each transport, and prints the tables of docs/capacity.md; with `--write`, writes them there.
"""

import argparse
import asyncio
import math
import os
import platform
import re
import statistics
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

import psutil

from benchmarks.client import McpProcess
from benchmarks.sessions import cost
from benchmarks.speed import OURS, started, upstream
from benchmarks.speed_http import free_port, measure, median_cpu, serving

PAGE = Path(__file__).resolve().parents[1] / "docs" / "capacity.md"
_BEGIN, _END = "<!-- measured -->", "<!-- end of measured -->"
KEY_A_MINUTE, KEY_AN_HOUR = 480, 4800
"""Requests that PostHog Cloud allows a key (contract 1.6)."""
LOAD = 0.7
"""The part of a core that calls may take: beyond it, the time of a call grows steeply."""


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs that were measured: CPU of a call in milliseconds, memory in MiB, of an idle SSE stream in KB."""

    stdio_cpu: float
    http_cpu: float
    sse_cpu: float
    stdio_memory: float
    http_memory: float
    stream: float


_NAMES = (
    "CPU of a call over stdio, ms",
    "CPU of a call over streamable HTTP, ms",
    "CPU of a call over SSE, ms",
    "memory of a process over stdio, MiB",
    "memory of a process over HTTP, MiB",
    "memory of an idle SSE stream, KB",
)


def agents_of_a_key(calls: float, keys: int = 1) -> tuple[int, int]:
    """Return the agents that keys serve when each makes so many calls a minute: in one minute, and hour after hour."""
    return math.floor(keys * KEY_A_MINUTE / calls), math.floor(keys * KEY_AN_HOUR / 60 / calls)


def agents_of_a_core(calls: float, cpu: float) -> int:
    """Return the agents that one process serves when each makes so many calls a minute of so many milliseconds."""
    return math.floor(LOAD * 60_000 / cpu / calls)


def memory_of(agents: int, replicas: int, costs: Costs) -> float:
    """Return the MiB of replicas over HTTP that hold an SSE stream for each agent."""
    return replicas * costs.http_memory + agents * costs.stream * 1000 / 2**20


def tables(costs: Costs) -> str:
    """Return the tables: the costs, and what the model makes of them."""
    measured = [f"| {name} | {value:.3g} |" for name, value in zip(_NAMES, astuple(costs), strict=True)]
    costs = Costs(*(float(f"{value:.3g}") for value in astuple(costs)))  # the model reads what the page shows
    limits = list[str]()
    for calls in (1, 6, 30):
        minute, hour = agents_of_a_key(calls)
        core = agents_of_a_core(calls, costs.http_cpu)
        limits.append(f"| {calls} | {hour:,} | {minute:,} | {core:,} | {math.ceil(core / max(hour, 1)):,} |")
    replicas = list[str]()
    for agents in (100, 1000, 10_000):
        needed = max(1, math.ceil(agents / agents_of_a_core(6, costs.http_cpu)))
        own = agents * costs.stdio_memory
        replicas.append(f"| {agents:,} | {needed} | {memory_of(agents, needed, costs):,.0f} | {own:,.0f} |")
    return "\n".join(
        [
            "| cost | measured |",
            "| --- | ---: |",
            *measured,
            "",
            "| calls of an agent a minute | agents of one key, for hours | in one minute | agents of one process "
            "| keys that fill the process |",
            "| ---: | ---: | ---: | ---: | ---: |",
            *limits,
            "",
            "| agents, 6 calls a minute each | replicas over HTTP | their MiB, with an SSE stream for each agent "
            "| MiB of a stdio process for each agent |",
            "| ---: | ---: | ---: | ---: |",
            *replicas,
        ]
    )


def costs_in(page: str) -> Costs:
    """Return the costs that a page shows."""
    return Costs(*(float(re.findall(rf"^\| {re.escape(name)} \| (\S+) \|$", page, re.MULTILINE)[0]) for name in _NAMES))


def with_tables(page: str, costs: Costs) -> str:
    """Return the page with the tables of these costs."""
    head, _, rest = page.partition(_BEGIN)
    return f"{head}{_BEGIN}\n{tables(costs)}\n{_END}{rest.partition(_END)[2]}"


def _stdio(url: str, calls: int) -> tuple[float, float]:
    server: McpProcess = started(OURS, url)
    server.calls(200, 16)
    process = psutil.Process(server.pid)
    memory = process.memory_info().rss / 2**20
    before = sum(process.cpu_times()[:2])
    server.calls(calls, 16)
    used = sum(process.cpu_times()[:2]) - before
    server.close()
    return used / calls * 1000, memory


def _http(transport: str, url: str, calls: int, rounds: int) -> tuple[float, float]:
    with serving(OURS, transport, url) as (base, process):
        asyncio.run(measure(OURS, transport, base, process, 200, 16))
        memory = process.memory_info().rss / 2**20
        return median_cpu(
            [asyncio.run(measure(OURS, transport, base, process, calls, 16)) for _ in range(rounds)]
        ), memory


def measured(calls: int, rounds: int, streams: int) -> Costs:
    """Measure the costs on this machine."""
    with upstream() as url:
        stdio = [_stdio(url, calls) for _ in range(rounds)]
        http_cpu, http_memory = _http("http", url, calls, rounds)
        sse_cpu, _ = _http("sse", url, calls, rounds)
        port = free_port()
        command = [sys.executable, "-m", "mcp_errortracking", "serve", "--transport", "sse", "--port", str(port)]
        stream = cost([*command, "--max-sessions", str(4 * streams)], url, port, streams)
    stdio_cpu = statistics.median(cpu for cpu, _ in stdio)
    stdio_memory = statistics.median(memory for _, memory in stdio)
    return Costs(stdio_cpu, http_cpu, sse_cpu, stdio_memory, http_memory, stream)


def main() -> None:
    """Prints the tables; with `--write`, writes them into the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="write the tables into docs/capacity.md")
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    given = parser.parse_args()
    costs = measured(100, 1, 20) if given.quick else measured(1000, 3, 300)
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n")
    print(tables(costs))
    if given.write:
        PAGE.write_text(with_tables(PAGE.read_text("utf-8"), costs), "utf-8")


if __name__ == "__main__":
    main()
