"""The bundles of a build whose exceptions PostHog can symbolicate: each sends a chunk id that PostHog has a map for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.discovery import LIMIT
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.jobs.build import PreparedBuild, some
from mcp_errortracking.workflows.source_maps.maps.registration import registered_ids
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, fingerprint

_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Coverage:
    """The number of bundles with a map, and of those that are covered; and the bundles that are not, by reason."""

    bundles: int
    covered: int
    silent: Sequence[str] = ()
    """They send no chunk id, or another than their comment names."""
    conflicting: Sequence[str] = ()
    """They send the id of another bundle that has another map."""

    def __str__(self) -> str:
        return f"{self.covered} of {self.bundles} bundles covered"

    def as_data(self) -> dict[str, int]:
        """Return the numbers."""
        return {"covered": self.covered, "bundles": self.bundles}

    def notes(self) -> list[str]:
        """Return notes on the bundles that are not covered though PostHog has a map under their id."""
        notes = list[str]()
        if self.silent:
            notes.append(note_on_silent(self.silent))
        if self.conflicting:
            notes.append(
                f"Bundles with the chunk id of another bundle and another map: {some(self.conflicting)}. "
                "PostHog keeps one map for each id: build again so that each bundle gets its own."
            )
        return notes


def silent_bundles(roots: Roots, build: PreparedBuild) -> list[str]:
    """Return the prepared bundles that do not send their chunk id. Blocks."""
    return [chunk.label for chunk in build.chunks if not _sends_its_id(roots, chunk)]


def note_on_silent(names: Sequence[str]) -> str:
    """Return a note on bundles that do not send their chunk id."""
    return (
        f"Bundles that do not send the chunk id in their comment, so that no exception finds their map: {some(names)}. "
        "Build again, upload, and let nothing change the bundles afterwards."
    )


def coverage_of(
    roots: Roots, build: PreparedBuild, hashes: Mapping[str, str | None], uploaded: Collection[str]
) -> Coverage:
    """Read the bundles of a build again, and compare the ids that they send with those that PostHog has. Blocks.

    Args:
        hashes: the content hash that was compared with PostHog, for each chunk id.
        uploaded: the chunk ids that PostHog has as they are here.
    """
    covered, silent, conflicting = 0, list[str](), list[str]()
    seen = set[str]()
    for chunk in build.chunks:
        is_first = chunk.chunk_id not in seen
        seen.add(chunk.chunk_id)
        if chunk.label in build.written or chunk.chunk_id not in hashes:
            continue
        if not _sends_its_id(roots, chunk):
            silent.append(chunk.label)
        elif not is_first and not _is_compared(chunk, hashes[chunk.chunk_id]):
            conflicting.append(chunk.label)
        else:
            covered += chunk.chunk_id in uploaded
    for one in build.build.deployed:
        if _registers(roots, LocalFile(roots, one.bundle), one.chunk_id):
            covered += one.chunk_id in uploaded
        else:
            silent.append(build.build.name(one.bundle))
    bundles = len(build.chunks) + len(build.build.deployed) + len(build.problems)
    return Coverage(bundles, covered, silent, conflicting)


def _sends_its_id(roots: Roots, chunk: Chunk) -> bool:
    """True if the app sends the chunk id: a mapping has the id of its app, and bytecode cannot be read."""
    if chunk.kind is not DataType.SOURCE_AND_MAP or not isinstance(chunk.source, LocalFile):
        return True
    return _registers(roots, chunk.source, chunk.chunk_id)


def _registers(roots: Roots, bundle: LocalFile, chunk_id: str) -> bool:
    try:
        head = registered_ids(roots.read_part(bundle.path, _HEAD))
        return (head or registered_ids(roots.read(bundle.path, LIMIT)))[-1:] == [chunk_id]
    except WorkflowError:
        return False


def _is_compared(chunk: Chunk, content_hash: str | None) -> bool:
    """True if a chunk is a copy of the one that was compared with PostHog."""
    try:
        return fingerprint(chunk).content_hash == content_hash
    except ContentError:
        return False
