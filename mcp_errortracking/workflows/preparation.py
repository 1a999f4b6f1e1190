"""Getting a build ready for upload: each bundle and map with their chunk id, in memory and on disk."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from mcp_errortracking.workflows.bundles import LIMIT, Build, Pair
from mcp_errortracking.workflows.chunk_ids import injected, with_id
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.roots import Roots


@dataclass(frozen=True, slots=True)
class Prepared:
    """One symbol set to be: what it holds, and which files were written for it (in a dry run: would be).

    `path`: of the bundle, or of the map that stands alone, below the folder. `source`: the bundle; None for the kinds
    that have none. `content`: the map, or the mapping of ProGuard.
    """

    kind: Literal["javascript", "hermes", "proguard"]
    chunk_id: str
    path: str
    source: bytes | None
    content: bytes
    written: tuple[str, ...] = ()


def prepare(
    roots: Roots,
    build: Build,
    *,
    release_id: str | None = None,
    proguard_id: str | None = None,
    dry_run: bool = False,
) -> Iterator[Prepared | Problem]:
    """Gives every pair and map its chunk id, one at a time: only one is in memory. A second time writes nothing.

    Args:
        release_id: is put into the maps, beside the chunk id.
        proguard_id: the id under which the Android app sends its stack traces; without it a mapping is a problem.
        dry_run: writes nothing, and says what would be written.
    """
    if not dry_run:
        for leftover in build.leftovers:
            with suppress(OSError):
                leftover.unlink()
    for pair in build.pairs:
        yield _or_problem(build, pair.bundle, partial(_pair, roots, build, pair, release_id, dry_run))
    for path in build.hermes:
        yield _or_problem(build, path, partial(_hermes, roots, build, path, release_id, dry_run))
    for path in build.proguard:
        yield _or_problem(build, path, partial(_proguard, roots, build, path, proguard_id))


def _or_problem(build: Build, path: Path, make: Callable[[], Prepared]) -> Prepared | Problem:
    try:
        return make()
    except WorkflowError as error:
        return Problem.of(build.name(path), error)


def _pair(roots: Roots, build: Build, pair: Pair, release_id: str | None, dry_run: bool) -> Prepared:
    source = roots.read(pair.bundle, LIMIT)
    map_text = _read(roots, pair.map) if pair.map else None
    made = injected(source, map_text, release_id)
    # The bundle first: one that has its id while its map has not can be told, and is repaired by the next run.
    files = [(pair.bundle, made.source)] if made.source_changed else []
    if pair.map and made.map_changed:
        files.append((pair.map, made.map))
    if not dry_run:
        roots.write(*files)
    written = tuple(build.name(path) for path, _ in files)
    return Prepared("javascript", made.chunk_id, build.name(pair.bundle), made.source, made.map, written)


def _hermes(roots: Roots, build: Build, path: Path, release_id: str | None, dry_run: bool) -> Prepared:
    old = _read(roots, path)
    chunk_id, made = with_id(old, release_id)
    if made != old and not dry_run:
        roots.write((path, made))
    return Prepared("hermes", chunk_id, build.name(path), None, made, (build.name(path),) if made != old else ())


def _proguard(roots: Roots, build: Build, path: Path, proguard_id: str | None) -> Prepared:
    if proguard_id is None:
        raise WorkflowError(
            "needs_id",
            "It is a mapping of ProGuard or R8.",
            "Such a file does not say under which id the app sends its stack traces.",
            "Give the id that the Android build put into the app.",
        )
    content = _read(roots, path)
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise WorkflowError("not_utf8", "The mapping is not UTF-8.", str(error), "Build again.") from None
    return Prepared("proguard", proguard_id, build.name(path), None, content)


def _read(roots: Roots, path: Path) -> bytes:
    content = roots.read(path, LIMIT)
    if not content:
        raise WorkflowError("empty", "The map is empty (0 bytes).", next_step="Was the build interrupted? Build again.")
    return content
