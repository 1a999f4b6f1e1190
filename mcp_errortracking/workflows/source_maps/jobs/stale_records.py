"""Files that do not fit the bundles of a build any more, because ids were injected after them: records and copies."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.discovery import LIMIT
from mcp_errortracking.workflows.source_maps.bundles.injection import without_injection
from mcp_errortracking.workflows.source_maps.jobs.build import PreparedBuild, some
from mcp_errortracking.workflows.source_maps.recorded.compressed import ENDINGS, is_copy, is_supported
from mcp_errortracking.workflows.source_maps.recorded.digests import digests_of
from mcp_errortracking.workflows.source_maps.recorded.records import Records


def stale_records(roots: Roots, build: PreparedBuild) -> list[str]:
    """Return the names of the files that record an old size or hash of an injected bundle. Blocks."""
    records = Records(roots, build.build.folder, keep=True)
    records.search()
    stale = set[Path]()
    for bundle, chunk_id in _injected(build):
        with suppress(WorkflowError):
            source = roots.read(bundle, LIMIT)
            place = PurePosixPath(bundle.as_posix())
            stale |= {
                holder
                for holder, sizes in records.sizes.items()
                if any(one.is_of(place) and one.size != len(source) for one in sizes)
            }
            for before in without_injection(source, chunk_id) if records.digests else ():
                for digest in digests_of(before, records.lengths):
                    if digest in records.digests and digest.decode() not in bundle.name:
                        stale |= records.digests[digest]
    return sorted(map(records.name, stale))


def stale_copies(roots: Roots, build: PreparedBuild) -> list[str]:
    """Return the names of the compressed copies of injected bundles that do not hold these. Blocks.

    A copy that cannot be read here counts if it is older than its bundle.
    """
    stale = list[str]()
    for bundle, _ in _injected(build):
        for ending in ENDINGS:
            copy = bundle.with_name(bundle.name + ending)
            with suppress(WorkflowError):
                if (compressed := roots.stat(copy)) and (original := roots.stat(bundle)):
                    is_stale = (
                        not is_copy(ending, roots.read(copy, LIMIT), roots.read(bundle, LIMIT))
                        if is_supported(ending)
                        else compressed.st_mtime_ns < original.st_mtime_ns
                    )
                    stale += [build.build.name(copy)] if is_stale else []
    return stale


def note_on_copies(names: list[str]) -> str:
    """Return a note on compressed copies of bundles as they were before."""
    return (
        f"Compressed copies that do not hold their bundle as it is: {some(names)}. Servers send them in place of the "
        "bundles, without the chunk ids. Compress again, or delete them."
    )


def note_on_stale(names: list[str]) -> str:
    """Return a note on files that record old sizes or hashes."""
    return (
        f"Sizes or hashes of bundles without their chunk ids are recorded in {some(names)}, so that these bundles are "
        "cut off or refused in production. Build again, then upload: that corrects them."
    )


def _injected(build: PreparedBuild) -> Iterator[tuple[Path, str]]:
    for chunk in build.chunks:
        if isinstance(chunk.source, LocalFile) and chunk.label not in build.written:
            yield chunk.source.path, chunk.chunk_id
    for one in build.build.deployed:
        yield one.bundle, one.chunk_id
