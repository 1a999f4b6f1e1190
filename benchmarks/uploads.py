"""The cost of an upload beside the bare transfers of the same files, in time and in memory:

    python -m benchmarks.uploads [--scale 0.1]

2,000 symbol sets, each a bundle and its map, 1 GB in all, go to an object store in a process of its own, ten at a time.
Each measure is a process of its own too, so that its peak memory is its own. The rows are medians; quote the ratios.

The bare transfers are measured twice: as a program of httpx would do them, and over the connections that an upload has,
whose bytes are neither hashed nor registered with PostHog. What the second adds is what our own code costs.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
from anyio import to_thread
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.remote.presigned import Target
from mcp_errortracking.workflows.source_maps.remote.storage import CONCURRENCY, Storage
from mcp_errortracking.workflows.source_maps.upload.content import Body, fingerprint
from mcp_errortracking.workflows.source_maps.upload.hashing import THREADS
from mcp_errortracking.workflows.source_maps.upload.session import Options, upload

SETS, BYTES = 2000, 1_000_000_000
_MAP_SHARE = 0.75
_PER_MIB = 2**10 if sys.platform != "darwin" else 2**20


def build(folder: Path, sets: int, size: int) -> None:
    """Files that are as hard to compress as minified code: slices of one long text of random words."""
    chance = random.Random(5)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz_$", k=chance.randint(1, 9))) for _ in range(4000)]
    text = "".join(word + chance.choice("=;(){},.:") for word in chance.choices(words, k=3_000_000)).encode()
    each = size // sets
    for number in range(sets):
        for name, length in (("js", int(each * (1 - _MAP_SHARE))), ("js.map", int(each * _MAP_SHARE))):
            begin = chance.randrange(len(text) - length)
            (folder / f"{number}.{name}").write_bytes(text[begin : begin + length])


def chunks(folder: Path) -> list[Chunk]:
    """The symbol sets of a folder."""
    roots, made = Roots([folder]), list[Chunk]()
    for path in sorted(folder.glob("*.js")):
        source_map = LocalFile(roots, path.with_suffix(".js.map"))
        made.append(Chunk(path.name, source_map, LocalFile(roots, path), name=path.name))
    return made


async def whole(url: str, folder: Path, *, compressed: bool) -> int:
    """An upload, from the files to the finished sets; the bytes sent."""
    async with Proxy(host=url, key=SecretStr("phx_bench_key"), project="1") as proxy, Storage(url) as storage:
        result = await upload(proxy, storage, chunks(folder), options=Options(compressed=compressed))
    assert not result.failed, result.failed[0]
    return result.bytes_sent


async def bare(url: str, bodies: list[Body]) -> int:
    """The transfers alone, of bodies that are ready."""
    limiter = anyio.CapacityLimiter(CONCURRENCY)
    async with Storage(url) as storage, anyio.create_task_group() as group:

        async def send(number: int, body: Body) -> None:
            async with limiter:
                await storage.send(Target(put=f"{url}/objects/bare-{number}"), body)

        for number, body in enumerate(bodies):
            group.start_soon(send, number, body)
    return sum(body.size for body in bodies)


async def with_httpx(url: str, folder: Path) -> int:
    """The transfers alone, as a program with nothing but httpx does them: both files of a set, one after another."""
    bundles = [chunk.source.path for chunk in chunks(folder) if isinstance(chunk.source, LocalFile)]
    limiter, sent = anyio.CapacityLimiter(CONCURRENCY), 0

    async def pieces(*files: Path) -> AsyncIterator[bytes]:
        for file in files:
            async with await anyio.open_file(file, "rb") as opened:
                while piece := await opened.read(1024 * 1024):
                    yield piece

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CONCURRENCY)) as client:

        async def send(*files: Path) -> None:
            nonlocal sent
            async with limiter:
                size = sum(file.stat().st_size for file in files)
                headers = {"Content-Length": str(size)}
                answer = await client.put(f"{url}/objects/{files[0].name}", content=pieces(*files), headers=headers)
                answer.raise_for_status()
                sent += size

        async with anyio.create_task_group() as group:
            for bundle in bundles:
                group.start_soon(send, bundle, bundle.with_suffix(".js.map"))
    return sent


async def packed(folder: Path, *, compressed: bool) -> tuple[list[Body], float]:
    """Bodies that are ready, made by as many threads as an upload uses, and the seconds that took."""
    limiter, bodies = anyio.CapacityLimiter(THREADS), list[Body]()

    async def pack(chunk: Chunk, known: Any) -> None:
        bodies.append(await to_thread.run_sync(lambda: Body(chunk, known, 2, compressed=compressed), limiter=limiter))

    ready = [(chunk, fingerprint(chunk)) for chunk in chunks(folder)]
    began = time.perf_counter()
    async with anyio.create_task_group() as group:
        for chunk, known in ready:
            group.start_soon(pack, chunk, known)
    return bodies, time.perf_counter() - began


def measure(what: str, url: str, folder: Path) -> dict[str, Any]:
    """One measure, in this process."""
    compressed = "packed" in what
    facts: dict[str, Any] = {}
    if what == "httpx":
        run: Callable[[], Any] = lambda: with_httpx(url, folder)  # noqa: E731
    elif what.startswith("bare"):
        bodies, facts["packing"] = anyio.run(lambda: packed(folder, compressed=compressed))
        run = lambda: bare(url, bodies)  # noqa: E731
    else:
        run = lambda: whole(url, folder, compressed=compressed)  # noqa: E731
    began, worked = time.perf_counter(), time.process_time()
    sent = anyio.run(run)
    return facts | {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - worked,
        "sent": sent,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MIB,
    }


def in_process(what: str, url: str, folder: Path) -> dict[str, Any]:
    """One measure, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.uploads", "--measure", what, url, str(folder)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0, help="share of the 2,000 symbol sets and of their bytes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", nargs=3, metavar=("SETS", "BYTES", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "URL", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        sets, size, folder = options.build
        build(Path(folder), int(sets), int(size))
        return
    if options.measure:
        what, url, folder = options.measure
        print(json.dumps(measure(what, url, Path(folder))))
        return
    sets, size = max(1, int(SETS * options.scale)), int(BYTES * options.scale)
    with tempfile.TemporaryDirectory() as files, tempfile.TemporaryDirectory() as objects:
        # In a process of its own: a child's peak memory begins with its parent's.
        own = [sys.executable, "-m", "benchmarks.uploads"]
        subprocess.run([*own, "--build", str(sets), str(size), files], check=True)
        command = [sys.executable, "-m", "benchmarks.object_store", objects]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as store:
            assert store.stdout
            url = store.stdout.readline().strip()
            with suppress(KeyboardInterrupt):
                _table(url, Path(files), sets, size, options.rounds)
            store.kill()


def _table(url: str, folder: Path, sets: int, size: int, rounds: int) -> None:
    taken: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for what in ("httpx", "bare", "whole", "again", "bare packed", "whole packed"):
            if what != "again":
                httpx.post(f"{url}/forget/", json={}).raise_for_status()
            taken.setdefault(what, []).append(in_process(what, url, folder))

    def median(what: str, fact: str) -> float:
        return statistics.median(one[fact] for one in taken[what])

    def ratio(what: str, beside: str, less: str = "") -> str:
        pairs = zip(taken[what], taken[beside], strict=True)
        rounds = ((one["seconds"] - (other[less] if less else 0)) / other["seconds"] for one, other in pairs)
        return f"{statistics.median(rounds):.2f}"

    print(f"{sets} symbol sets, {size / 1e6:.0f} MB, {CONCURRENCY} at a time, {os.cpu_count()} cores\n")
    print("| measure | seconds | of CPU | MB sent | peak MiB | beside httpx | beside our bare transfers |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    less = f"{ratio('whole packed', 'bare packed', 'packing')} less compression"
    rows = {
        "bare transfers, httpx": ("httpx", "1", "-"),
        "bare transfers, our connections": ("bare", ratio("bare", "httpx"), "1"),
        "upload, not compressed": ("whole", ratio("whole", "httpx"), ratio("whole", "bare")),
        "again, nothing changed": ("again", "-", "-"),
        "bare transfers, compressed": ("bare packed", "-", "1"),
        "upload, compressed": ("whole packed", "-", less),
    }
    for name, (what, *beside) in rows.items():
        memory = f"{median(what, 'memory'):.0f}" if what.startswith(("whole", "again")) else "-"
        times = f"{median(what, 'seconds'):.2f} | {median(what, 'cpu'):.2f}"
        print(f"| {name} | {times} | {median(what, 'sent') / 1e6:.0f} | {memory} | {' | '.join(beside)} |")
    print(f"\ncompression alone, in as many threads: {median('bare packed', 'packing'):.2f} s")


if __name__ == "__main__":
    main()
