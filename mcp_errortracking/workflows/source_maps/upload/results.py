"""What became of an upload, chunk by chunk."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.remote.releases import Release
from mcp_errortracking.workflows.source_maps.upload.conflicts import Choice


class Outcome(StrEnum):
    """What became of a chunk."""

    UPLOADED = "uploaded"
    UNCHANGED = "unchanged"
    """PostHog has this content already; nothing was sent."""
    SKIPPED_CONFLICT = "skipped_conflict"
    """PostHog has other content, and keeps it, as was asked."""
    DUPLICATE = "duplicate"
    """Another chunk of this upload has the same id; that one counts."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a chunk, and why.

    `code` is PostHog's error code, or a word of ours (`empty`, `missing`, `storage_busy`, ...); `choices` can be had in
    another upload.
    """

    outcome: Outcome
    code: str | None = None
    reason: str = ""
    next_step: str = ""
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkResult(Ending):
    """What became of one chunk. `content_hash` is None where the content could not be read."""

    chunk: Chunk = field(kw_only=True)
    content_hash: str | None = field(kw_only=True, default=None)


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What became of an upload: its chunks in the order they were given, and what was sent to object storage."""

    chunks: Sequence[ChunkResult]
    bytes_sent: int
    release: Release | None
    of_other_releases: int = 0
    """Unchanged chunks that did not get the release: they have another, or may have."""

    def count(self, outcome: Outcome) -> int:
        """How many chunks came to that."""
        return Counter(one.outcome for one in self.chunks)[outcome]

    @property
    def failed(self) -> list[ChunkResult]:
        """The chunks that PostHog does not have now as they are here, though they were to be uploaded."""
        return [one for one in self.chunks if one.outcome is Outcome.FAILED]
