"""The speed of calls over stdio, beside two named peers and the floor, in one run:

    python -m benchmarks.speed [--quick]

`sdk-minimal` (benchmarks/peer.py) is the reference: a ratio is to its figure. `ts-minimal` (benchmarks/node_peer.mjs)
is the same on Node and the TypeScript SDK; it is left out without the packages of `.ci/node-tools`.

The machine's speed drifts, so every measure goes round the servers and a ratio is taken within a round; what is printed
are medians. Absolute times are of this machine on this day: quote the ratios.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.client import McpProcess

SERVERS = {
    "mcp_errortracking": ([sys.executable, "-m", "mcp_errortracking"], "error-tracking-assignment-rules-list"),
    "sdk-minimal": ([sys.executable, "-m", "benchmarks.peer"], "assignment_rules_list"),
}
OURS, PEER = SERVERS
NODE_PEER = "ts-minimal"
_NODE = Path(__file__).parents[1] / ".venv/node/node_modules/node/bin/node"
if _NODE.exists():
    SERVERS[NODE_PEER] = ([str(_NODE), str(Path(__file__).with_name("node_peer.mjs"))], "assignment_rules_list")

HEAD = (
    f"| measure | goal | mcp_errortracking | sdk-minimal | ratio | {NODE_PEER} | its ratio | floor |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


@contextmanager
def upstream(*options: str) -> Generator[str]:
    """The address of a fake PostHog."""
    command = [sys.executable, "-m", "benchmarks.upstream", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.kill()


def environment(url: str) -> dict[str, str]:
    """The variables of a server under test."""
    own = {"POSTHOG_HOST": url, "POSTHOG_PERSONAL_API_KEY": "phx_bench_key", "POSTHOG_PROJECT_ID": "1"}
    return {**os.environ, **own}


def started(name: str, url: str) -> McpProcess:
    """A server, ready for calls."""
    command, tool = SERVERS[name]
    server = McpProcess(command, environment(url), tool)
    server.open()
    return server


def cold(url: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds from the start of the process to the answer of tools/list; the floor is importing the SDK."""
    took: dict[str, list[float]] = {name: [] for name in [*SERVERS, "importing the SDK"]}
    for number in range(rounds + 1):
        for name, samples in took.items():
            began = time.perf_counter()
            if name in SERVERS:
                started(name, url).close()
            else:
                subprocess.run([sys.executable, "-c", "import os, mcp.server.lowlevel; os._exit(0)"], check=True)
            if number:  # the first one fills the disk cache
                samples.append((time.perf_counter() - began) * 1000)
    return took


def one_at_a_time(servers: dict[str, McpProcess], floor: Any, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of one call, the median of each block of 50."""
    took: dict[str, list[float]] = {name: [] for name in [*servers, "httpx alone"]}
    for _ in range(rounds):
        for name, server in servers.items():
            took[name].append(statistics.median(server.calls(50, 1)[0]) * 1000)
        took["httpx alone"].append(floor(1, 50) / 50 * 1000)
    return took


def in_flight(servers: dict[str, McpProcess], floor: Any, rounds: int, width: int) -> dict[str, list[float]]:
    """Calls a second with so many in flight."""
    rate: dict[str, list[float]] = {name: [] for name in [*servers, "httpx alone"]}
    number = 400
    for _ in range(rounds):
        for name, server in servers.items():
            began = time.perf_counter()
            server.calls(number, width)
            rate[name].append(number / (time.perf_counter() - began))
        rate["httpx alone"].append(number / floor(width, number))
    return rate


def resident(servers: dict[str, McpProcess]) -> dict[str, list[float]]:
    """MiB of resident memory of a server now."""
    return {name: [psutil.Process(server.pid).memory_info().rss / 2**20] for name, server in servers.items()}


def memory(servers: dict[str, McpProcess], calls: int) -> dict[str, list[float]]:
    """MiB that a server's resident memory grew by over many calls, after 1,000 to warm up."""
    grown = dict[str, list[float]]()
    for name, server in servers.items():
        process = psutil.Process(server.pid)
        server.calls(1000, 16)
        before = process.memory_info().rss
        server.calls(calls, 16)
        grown[name] = [(process.memory_info().rss - before) / 2**20]
    return grown


@contextmanager
def httpx_alone(url: str) -> Generator[Callable[[int, int], float]]:
    """A function that makes requests with httpx, without MCP: a width and a number in, their seconds out."""
    command = [sys.executable, "-m", "benchmarks.floor"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(url), **pipes) as process:

        def floor(width: int, number: int) -> float:
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"{width} {number}\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        floor(4, 200)
        yield floor
        process.kill()


@contextmanager
def warm(url: str) -> Generator[dict[str, McpProcess]]:
    """The servers, after their first calls."""
    servers = {name: started(name, url) for name in SERVERS}
    for server in servers.values():
        server.calls(200, 4)
    yield servers
    for server in servers.values():
        server.close()


def lost(fault: str) -> dict[str, list[float]]:
    """Return the number of calls of 100 that fail while every tenth answer is a fault."""
    with upstream("--fault", fault) as url:
        failed = dict[str, list[float]]()
        for name in SERVERS:
            server = started(name, url)
            failed[name] = [float(server.calls(100, 1)[1])]
            server.close()
    return failed


def _shown(values: list[float]) -> str:
    return f"{statistics.median(values):.4g}" if values else "-"


def _ratio(own: list[float], reference: list[float]) -> str:
    ratios = [one / other for one, other in zip(own, reference, strict=False) if other]
    return f"{statistics.median(ratios):.2f}" if ratios else "-"


def row(what: str, samples: dict[str, list[float]], floor: str = "", goal: str = "") -> str:
    """A line of the table: ours and the peers', the median ratios to the reference, and the floor.

    Args:
        goal: for the ratio, or with a unit for the figure itself.
    """
    ours, peer, node = samples[OURS], samples[PEER], samples.get(NODE_PEER, [])
    shown = f"{_shown(samples[floor])} ({floor})" if floor else "-"
    cells = [what, goal or "-", _shown(ours), _shown(peer), _ratio(ours, peer), _shown(node), _ratio(node, peer), shown]
    return f"| {' | '.join(cells)} |"


def main(*, quick: bool = False) -> None:
    """Prints the table."""
    rounds, calls = (2, 1000) if quick else (10, 10_000)
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores,", end=" ")
    print(", ".join(f"{name} {version(name)}" for name in ("mcp", "httpx", "aiohttp", "pydantic")), end="\n\n")
    print(HEAD)
    with upstream() as url:
        print(row("cold start to tools/list, ms", cold(url, rounds), "importing the SDK", "at most 0.25"), flush=True)
        at_start, after_call = dict[str, list[float]](), dict[str, list[float]]()
        for name in SERVERS:
            server = started(name, url)
            at_start |= resident({name: server})
            server.calls(1, 1)
            after_call |= resident({name: server})
            server.close()
        print(row("memory at the answer to tools/list, MiB", at_start, goal="at most 45 MiB"), flush=True)
        print(row("memory after the first call, MiB", after_call, goal="at most 45 MiB"), flush=True)
        with httpx_alone(url) as floor, warm(url) as servers:
            print(row("one call, ms", one_at_a_time(servers, floor, rounds), "httpx alone", "at most 0.5"), flush=True)
            for width, goal in ((16, ""), (64, "at least 3.0")):
                what = f"calls a second, {width} in flight"
                print(row(what, in_flight(servers, floor, rounds, width), "httpx alone", goal), flush=True)
            grown = memory(servers, calls)
            print(row(f"memory growth over {calls:,} calls, MiB", grown, goal="under 1 MiB"), flush=True)
    with upstream("--latency-ms", "20") as url, httpx_alone(url) as floor, warm(url) as servers:
        what = "calls a second, 64 in flight, an upstream that takes 20 ms"
        print(row(what, in_flight(servers, floor, rounds, 64), "httpx alone", "at least 3.4"), flush=True)
    for fault in ("429", "502", "reset"):
        print(row(f"failed of 100 calls, every tenth answer a {fault}", lost(fault), goal="0"), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    main(quick=parser.parse_args().quick)
