"""The speed of preparing source maps and resolving frames:

    python -m benchmarks.source_maps

Works on a bundle that it makes itself: one line, a map of 20 MB with a million segments, as varied as those of real
minified bundles. Preparing writes into a temporary folder. Times are the processor's, of one core: what else the
machine does is not counted, nor is waiting for the disk.
"""

import hashlib
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.maps.symbols import SymbolCache
from mcp_errortracking.workflows.source_maps.maps.vlq import encode
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame
from mcp_errortracking.workflows.source_maps.resolve.local_build import LocalBuild
from mcp_errortracking.workflows.source_maps.resolve.resolution import resolve
from mcp_errortracking.workflows.source_maps.upload.content import fingerprint

_MEGA = 1_000_000
_SEGMENTS = 1_000_000
_TIMES = 5
_MAP_SIZE = 20 * _MEGA
_LARGE, _SMALL, _SMALL_SIZE = 6, 2_000, 40


def bundle(segments: int, map_size: int) -> tuple[bytes, bytes]:
    """A script of one line, with functions `f0`, `f1`, ..., and a map of about so many segments and bytes."""
    chance = random.Random(1)
    names = segments // 25
    script: list[str] = []
    mappings: list[str] = []
    gap = source_line = source_column = line = column = last_name = 0
    for number in range(segments):
        if number % 50 == 0:
            script.append(f"function f{number // 50}(e,t){{")
        elif number % 50 == 49:
            script.append("e;return e}")
        else:
            script.append(chance.choice(("e,", "t,", "e.t,", "e.t(1),")))
        if number % 50 == 0:
            line, column = line + 1, 0
        elif chance.random() < 0.1:
            line, column = line + chance.randint(0, 3), chance.randint(0, 60)
        else:
            column += chance.randint(1, 24)
        segment = [gap, 0, line - source_line, column - source_column]
        if chance.random() < 0.5:
            name = abs(last_name + round(chance.gauss(0, 40))) % names
            segment.append(name - last_name)
            last_name = name
        mappings.append("".join(map(encode, segment)))
        source_line, source_column, gap = line, column, len(script[-1])
    lines = [f'function value{n}(e, t) {{ return compute("{n}"); }} // a line of the source\n' for n in range(1000)]
    fields: dict[str, object] = {
        "version": 3,
        "sources": ["src/app.ts"],
        "names": [f"name{n}" for n in range(names)],
        "mappings": ",".join(mappings),
        "sourcesContent": ["".join(lines[n % 1000] for n in range(line + 1))],
    }
    missing = map_size - len(json.dumps(fields))
    if missing > 0:
        fields["sources"] = ["src/app.ts", "src/rest.ts"]
        fields["sourcesContent"] = [*fields["sourcesContent"], "".join(lines) * (missing // 72_000)]  # type: ignore[misc]
    text = json.dumps(fields, separators=(",", ":"))
    return f"{''.join(script)}\n//# sourceMappingURL=app.js.map\n".encode(), text.encode()


@contextmanager
def timed(seconds: list[float]) -> Generator[None]:
    """Adds the time that the block takes, in seconds."""
    start = time.process_time()
    yield
    seconds.append(time.process_time() - start)


def best(run: Callable[[], object]) -> float:
    """The shortest of some runs, in seconds."""
    seconds: list[float] = []
    for _ in range(_TIMES):
        with timed(seconds):
            run()
    return min(seconds)


def hashed(folder: Path, *, dry_run: bool = False) -> int:
    """Prepares all of a folder and hashes what would be uploaded. Returns the bytes."""
    roots = Roots([folder])
    size = 0
    for item in prepare(roots, find(roots, folder), dry_run=dry_run):
        assert isinstance(item, Chunk), item
        size += fingerprint(item).size
    return size


def looked(folder: Path) -> int:
    """Prepares all of a folder. Returns the number of symbol sets."""
    roots = Roots([folder])
    return sum(1 for _ in prepare(roots, find(roots, folder)))


def main() -> None:
    """Prints the figures."""
    script, map_text = bundle(_SEGMENTS, _MAP_SIZE)
    print(f"a bundle of {len(script) / _MEGA:.1f} MB with a map of {len(map_text) / _MEGA:.1f} MB\n")
    with tempfile.TemporaryDirectory() as folder:
        _preparing(Path(folder), script, map_text)
    with tempfile.TemporaryDirectory() as folder:
        _many(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        _resolving(Path(folder), script, map_text)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{most:8.0f} MiB   memory at most, with the bundle that was made")


def _preparing(folder: Path, script: bytes, map_text: bytes) -> None:
    total = _LARGE * (len(script) + len(map_text))

    def bare() -> None:
        for path in folder.rglob("*"):
            hashlib.sha512(path.read_bytes()).digest()

    for number in range(_LARGE):
        (folder / f"app{number}.js").write_bytes(script.replace(b"app.js.map", f"app{number}.js.map".encode()))
        (folder / f"app{number}.js.map").write_bytes(map_text)
    alone = best(bare)
    planned = best(lambda: hashed(folder, dry_run=True))
    first: list[float] = []
    with timed(first):
        hashed(folder)
    again = best(lambda: hashed(folder))
    print(f"{total / planned / _MEGA:8.0f} MB/s  finding, injecting and hashing {total / _MEGA:.0f} MB (dry run)")
    print(f"{total / first[0] / _MEGA:8.0f} MB/s  the same, and writing the files")
    print(f"{total / again / _MEGA:8.0f} MB/s  the same again, when all have their ids")
    print(
        f"{total / alone / _MEGA:8.0f} MB/s  reading and SHA-512 alone: {planned / alone:.1f} times the dry run's speed"
    )
    print()


def _many(folder: Path) -> None:
    script, map_text = bundle(2_000, _SMALL_SIZE * 1000)
    for number in range(_SMALL):
        (folder / f"c{number}.js").write_bytes(script.replace(b"app.js.map", f"c{number}.js.map".encode()))
        (folder / f"c{number}.js.map").write_bytes(map_text)
    first: list[float] = []
    with timed(first):
        looked(folder)
    print(f"{first[0]:8.2f} s     preparing {_SMALL:,} bundles of {len(script) // 1000} kB with maps")
    print(f"{best(lambda: looked(folder)):8.2f} s     the same again, when all have their ids\n")


def _resolving(folder: Path, script: bytes, map_text: bytes) -> None:
    (folder / "app.js").write_bytes(script)
    (folder / "app.js.map").write_bytes(map_text)
    looked(folder)
    roots = Roots([folder])
    build = LocalBuild(roots, find(roots, folder), SymbolCache())
    chance = random.Random(2)
    columns = [chance.randrange(len(script) - 100) for _ in range(100)]
    text = script.decode()
    frames = [Frame("https://shop.example/app.js", 2, column, _function(text, column)) for column in columns]
    seconds: list[float] = []
    with timed(seconds):
        found = resolve(frames, build.symbols, roots)
    with timed(seconds):
        resolve(frames, build.symbols, roots)
    assert all(item.original for item in found)
    named = sum(1 for item in found if item.original and item.original.function)
    print(
        f"{seconds[0] * 1000:8.0f} ms    resolving 100 frames, first time ({named} with the function's original name)"
    )
    print(f"{seconds[1] * 1000:8.0f} ms    the second time\n")


def _function(text: str, column: int) -> str | None:
    start = text.rfind("function ", 0, column)
    return text[start + 9 : text.index("(", start)] if start >= 0 else None


if __name__ == "__main__":
    main()
