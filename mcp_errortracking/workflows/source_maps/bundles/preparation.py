"""Preparation of a build for upload: each bundle and map gets its chunk id, on disk and in memory."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.discovery import LIMIT, Build, BundleAndMap
from mcp_errortracking.workflows.source_maps.bundles.injection import (
    IDS_DIFFER,
    InjectedLine,
    Injection,
    find_injected_line,
    inject,
    inject_map,
    map_in,
)
from mcp_errortracking.workflows.source_maps.chunk import Chunk, Part, ReleaseMark
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.debug_files.dsym import chunks_of
from mcp_errortracking.workflows.source_maps.debug_files.native import native_chunks
from mcp_errortracking.workflows.source_maps.maps.pieces import find_invalid_utf8
from mcp_errortracking.workflows.source_maps.maps.script import comment
from mcp_errortracking.workflows.source_maps.recorded.records import Records

_PART = 64 * 1024
_HEAD = 1024
_READINGS = 3


def prepare(
    roots: Roots,
    build: Build,
    *,
    release_id: str | None = None,
    proguard_id: str | None = None,
    dry_run: bool = False,
    records: Records | None = None,
) -> Iterator[Chunk | Problem]:
    """Give every bundle and map its chunk id, one at a time to bound memory. A second run writes nothing.

    Args:
        release_id: set in the bundles too, in place of another; a bundle whose chunk id another tool injected is left
            alone.
        proguard_id: the id that the Android app sends with its stack traces; without it a mapping is a problem.
        dry_run: write nothing, and report the files that would be written.
        records: the sizes and hashes that other files record of these; they are changed together with them.
    """
    work = _Preparation(roots, build, release_id, dry_run, records)
    work.remade = lru_cache(maxsize=1)(work.inject)
    if not dry_run:
        for leftover in build.leftovers:
            with suppress(WorkflowError):
                roots.delete(leftover)
    for pair in build.pairs:
        yield _or_problem(build, pair.bundle, partial(work.pair, pair))
    for path in build.hermes:
        yield _or_problem(build, path, partial(work.hermes, path))
    for path in build.proguard:
        yield _or_problem(build, path, partial(work.proguard, path, proguard_id))
    of_bundles = set[str]()
    for path in build.debug_files:
        try:
            chunks = chunks_of(roots, path, build.name(path))
        except WorkflowError as error:
            yield Problem(build.name(path), error.explanation)
            continue
        of_bundles.update(chunk.chunk_id for chunk in chunks)
        yield from chunks
    yield from native_chunks(roots, build.natives, build.name, frozenset(of_bundles))


def read_injected_line(roots: Roots, bundle: Path, chunk_id: str) -> InjectedLine | None:
    """Return the line that was injected into a bundle with its chunk id. Mostly its beginning is enough to find it.

    Raises:
        WorkflowError: the bundle cannot be read.
    """
    return find_injected_line(roots.read_part(bundle, _PART), chunk_id) or find_injected_line(
        roots.read(bundle, LIMIT), chunk_id
    )


def _or_problem(build: Build, path: Path, make: Callable[[], Chunk]) -> Chunk | Problem:
    try:
        return make()
    except WorkflowError as error:
        return Problem(build.name(path), error.explanation)


@dataclass(slots=True)
class _Preparation:
    roots: Roots
    build: Build
    release_id: str | None
    dry_run: bool
    records: Records | None
    remade: Callable[[BundleAndMap], Injection] = field(init=False)
    """`inject` with a memory of the last bundle: a dry run reads its two parts one after the other."""

    def pair(self, pair: BundleAndMap) -> Chunk:
        if pair.map:
            chunk_id = comment(self.roots.read_part(pair.bundle, _PART, from_end=True), "chunkId")
            if chunk_id and self.has_id(pair.map, chunk_id):
                line = read_injected_line(self.roots, pair.bundle, chunk_id)
                release = line.release if line else None
                if line is None or self.release_id in (None, release and release.id):
                    return self.javascript(pair, chunk_id, release, is_checked=False)
        made = self.remade(pair) if self.dry_run else self.inject(pair)
        # The bundle first: if it has its id while its map has none, the next run detects and repairs that.
        changed = [(pair.bundle, made.source)] if made.source_changed else []
        if pair.map and made.map_changed:
            changed.append((pair.map, made.map))
        return self.javascript(pair, made.chunk_id, made.release, self.write(*changed), made.repairs)

    def javascript(
        self,
        pair: BundleAndMap,
        chunk_id: str,
        release: ReleaseMark | None,
        written: tuple[str, ...] = (),
        repairs: tuple[str, ...] = (),
        *,
        is_checked: bool = True,
    ) -> Chunk:
        source: Part = LocalFile(self.roots, pair.bundle)
        source_map: Part = LocalFile(self.roots, pair.map) if pair.map else lambda: map_in(self.read(pair.bundle))
        if written and self.dry_run:  # made again when read, so that a large build fits into memory
            source, source_map = (lambda: self.remade(pair).source), (lambda: self.remade(pair).map)
        name = self.build.name(pair.bundle)
        return Chunk(chunk_id, source_map, source, DataType.SOURCE_AND_MAP, name, release, written, repairs, is_checked)

    def inject(self, pair: BundleAndMap) -> Injection:
        for number in range(_READINGS):
            source = self.read(pair.bundle)
            try:
                return inject(source, self.map_text(pair.map) if pair.map else None, self.release_id)
            except WorkflowError as error:
                # Between the two reads, another upload may have injected the id.
                if error.code != IDS_DIFFER or number == _READINGS - 1:
                    raise
        raise AssertionError("the last reading returns or raises")

    def hermes(self, path: Path) -> Chunk:
        old = self.map_text(path)
        made = inject_map(old)
        written = self.write((path, made.map)) if made.map_changed else ()
        source_map: Part = LocalFile(self.roots, path)
        if written and self.dry_run:
            source_map = lambda: inject_map(self.map_text(path)).map  # noqa: E731
        name = self.build.name(path)
        return Chunk(made.chunk_id, source_map, None, DataType.HERMES_MAP, name, written=written, repairs=made.repairs)

    def proguard(self, path: Path, chunk_id: str | None) -> Chunk:
        if chunk_id is None:
            raise WorkflowError(
                "needs_id",
                "It is a mapping of ProGuard or R8.",
                "The file does not contain the id that the app sends with its stack traces.",
                "Give proguard_id (--proguard-id): the id that the Android build put into the app.",
            )
        content = self.map_text(path)
        if invalid := find_invalid_utf8(content):
            reason = f"{invalid.reason.capitalize()} at byte {invalid.at}."
            raise WorkflowError("not_utf8", "The mapping is not UTF-8.", reason, "Build again.")
        mapping = LocalFile(self.roots, path)
        return Chunk(chunk_id, mapping, kind=DataType.PROGUARD_MAPPING, name=self.build.name(path))

    def has_id(self, map_path: Path, chunk_id: str) -> bool:
        """True if a map begins as `inject` writes it: it has its id, and need not be parsed."""
        begins = json.dumps({"chunk_id": chunk_id}, separators=(",", ":")).encode()[:-1]
        return self.roots.read_part(map_path, _HEAD).startswith(begins)

    def read(self, path: Path) -> bytes:
        return self.records.read(path, LIMIT) if self.records else self.roots.read(path, LIMIT)

    def write(self, *files: tuple[Path, bytes]) -> tuple[str, ...]:
        if self.records and files:
            self.records.write(*files)
        elif not self.dry_run:
            self.roots.write(*files)
        return tuple(self.build.name(path) for path, _ in files)

    def map_text(self, path: Path) -> bytes:
        content = self.read(path)
        if not content:
            raise WorkflowError(
                "empty", "The map is empty (0 bytes).", next_step="Was the build interrupted? Build again."
            )
        return content
