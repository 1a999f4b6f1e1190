"""The memory of a server over stdio and over HTTP, by the package that takes it:

    python -m benchmarks.memory [--quick]

A process imports the packages one after the other, each after those that it needs itself, and its resident memory is
read after each. What a running server has beyond that, it has built: schemas, the tools, connections, buffers. Packages
of the development environment count too where a library imports them if they are there (httpx imports rich): measure
in an environment with the run-time dependencies alone.
"""

import argparse
import asyncio
import subprocess
import sys
from dataclasses import dataclass

import psutil

from benchmarks.speed import OURS, started, upstream
from benchmarks.speed_http import measure, serving

_OURS_AT_START = "mcp_errortracking.cli.main,mcp_errortracking.server.ready"
_OURS = "mcp_errortracking.server.app,mcp_errortracking.compose"
PACKAGES = (
    ("the answers before the SDK: command line, ready lists (ours)", _OURS_AT_START),
    ("asyncio, anyio", "asyncio,anyio,anyio._backends._asyncio"),
    ("pydantic", "pydantic,pydantic.networks,pydantic.type_adapter"),
    ("the types of MCP (mcp_types)", "mcp_types,mcp_types.methods"),
    ("starlette, uvicorn, python-multipart", "uvicorn,starlette.applications,sse_starlette,python_multipart"),
    ("cryptography", "cryptography.hazmat.primitives.ciphers.aead"),
    ("httpx2, the client of the SDK", "httpx2"),
    ("OpenTelemetry's API", "opentelemetry.trace,opentelemetry.propagate"),
    ("the rest of the SDK (mcp)", "mcp.server.lowlevel"),
    ("httpx", "httpx"),
    ("aiohttp, truststore", "aiohttp,truststore"),
    ("the catalog, the calls, the proxy (ours)", f"{_OURS},mcp_errortracking.proxy.transport"),
)
OVER_STDIO = ("the pipes (ours)", "mcp_errortracking.server.stdio")
OVER_HTTP = ("the app over HTTP (ours), httptools", "mcp_errortracking.asgi,mcp_errortracking.server.http.serving")


@dataclass(frozen=True, slots=True)
class Taken:
    """MiB of resident memory, and milliseconds of CPU."""

    memory: float
    cpu: float


def of_imports(last: tuple[str, str]) -> dict[str, Taken]:
    """Return the memory and CPU of each group of packages, in the order of import."""
    groups = [*PACKAGES, last]
    command = [sys.executable, "-m", "benchmarks.loaded", *(modules for _, modules in groups)]
    found, memory, cpu = dict[str, Taken](), 0.0, 0.0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        for name in ("the interpreter", *(name for name, _ in groups)):
            used = float(process.stdout.readline()) * 1000
            resident = psutil.Process(process.pid).memory_info().rss / 2**20
            found[name] = Taken(resident - memory, used - cpu)
            memory, cpu = resident, used
            process.stdin.write("\n")
            process.stdin.flush()
    return found


def over_stdio(url: str, calls: int) -> tuple[float, float]:
    """Return the MiB of a server after its first call, and after many."""
    server = started(OURS, url)
    memory = psutil.Process(server.pid).memory_info
    server.calls(1, 1)
    first = memory().rss / 2**20
    server.calls(calls, 16)
    last = memory().rss / 2**20
    server.close()
    return first, last


def over_http(url: str, calls: int) -> tuple[float, float]:
    """Return the MiB of a server over streamable HTTP after its first call, and after many."""
    with serving(OURS, "http", url) as (base, process):
        asyncio.run(measure(OURS, "http", base, process, 1, 1))
        first = process.memory_info().rss / 2**20
        asyncio.run(measure(OURS, "http", base, process, calls, 16))
        return first, process.memory_info().rss / 2**20


def table(stdio: dict[str, Taken], http: dict[str, Taken], running: tuple[tuple[float, float], ...], calls: int) -> str:
    """Return the table of both transports."""
    lines = ["| package | stdio, MiB | HTTP, MiB | import, CPU ms |", "| --- | ---: | ---: | ---: |"]
    for name in {**stdio, **http}:
        cells = [f"{found[name].memory:.1f}" if name in found else "-" for found in (stdio, http)]
        lines.append(f"| {name} | {' | '.join(cells)} | {(stdio.get(name) or http[name]).cpu:.0f} |")
    loaded = [sum(one.memory for one in found.values()) for found in (stdio, http)]
    rows = (
        (
            "built by a server until its first call",
            [first - size for (first, _), size in zip(running, loaded, strict=True)],
        ),
        ("after the first call", [first for first, _ in running]),
        (f"after {calls:,} calls more", [last for _, last in running]),
    )
    lines += [f"| {name} | {' | '.join(f'{value:.1f}' for value in values)} | |" for name, values in rows]
    return "\n".join(lines)


def main(*, quick: bool = False) -> None:
    """Print the table."""
    calls = 200 if quick else 10_000
    with upstream() as url:
        running = over_stdio(url, calls), over_http(url, calls)
    print(table(of_imports(OVER_STDIO), of_imports(OVER_HTTP), running, calls))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    main(quick=parser.parse_args().quick)
