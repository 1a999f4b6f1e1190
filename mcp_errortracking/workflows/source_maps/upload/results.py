"""The results of an upload, chunk by chunk: statuses, their reasons, and the choices for conflicts."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.remote.releases import Release
from mcp_errortracking.workflows.source_maps.remote.storage_errors import StorageError
from mcp_errortracking.workflows.source_maps.upload.content import ContentError

UNFINISHED = ("file_not_found", "file_too_large", "symbol_set_not_found")
"""PostHog's codes for a set that it cannot finish."""
GONE = ("file_not_found", "symbol_set_not_found")
"""Those of them that a new start may fix: another upload started or deleted the set meanwhile."""


class ChunkStatus(StrEnum):
    """The status of a chunk after an upload."""

    UPLOADED = "uploaded"
    UNCHANGED = "unchanged"
    """PostHog has this content already; nothing was sent."""
    SKIPPED_CONFLICT = "skipped_conflict"
    """PostHog has other content, and keeps it, as was asked."""
    DUPLICATE = "duplicate"
    """Another chunk of this upload has the same id; that one counts."""
    FAILED = "failed"


class Choice(StrEnum):
    """A way to resolve a conflict in another upload."""

    FORCE = "force"
    SKIP_ON_CONFLICT = "skip_on_conflict"
    WITHOUT_RELEASE = "without_release"


@dataclass(frozen=True, slots=True)
class ConflictRules:
    """The rules for conflicts; without one, a conflict is a failure of that chunk."""

    force: bool = False
    """Overwrite other content."""
    skip_on_conflict: bool = False
    """Keep other content."""

    def __post_init__(self) -> None:
        if self.force and self.skip_on_conflict:
            raise ValueError("give force or skip_on_conflict, not both")


@dataclass(frozen=True, slots=True)
class ChunkOutcome:
    """The status of a chunk, and its reason.

    `code` is PostHog's error code, or one of this package (`empty`, `missing`, `storage_busy`, ...); `choices` can be
    made in another upload.
    """

    status: ChunkStatus
    code: str | None = None
    reason: str = ""
    next_step: str = ""
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkResult(ChunkOutcome):
    """The outcome of one chunk. `content_hash` is None if the content could not be read."""

    chunk: Chunk = field(kw_only=True)
    content_hash: str | None = field(kw_only=True, default=None)


@dataclass(frozen=True, slots=True)
class UploadResult:
    """The outcome of an upload: its chunks in the order they were given, and the bytes sent to object storage."""

    chunks: Sequence[ChunkResult]
    bytes_sent: int
    release: Release | None
    of_other_releases: int = 0
    """Unchanged chunks that did not get the release: they have another, or may have."""

    def count(self, status: ChunkStatus) -> int:
        """Return the number of chunks with that status."""
        return Counter(one.status for one in self.chunks)[status]

    @property
    def failed(self) -> list[ChunkResult]:
        """The chunks that were to be uploaded, and that PostHog does not have as they are here."""
        return [one for one in self.chunks if one.status is ChunkStatus.FAILED]


UPLOADED = ChunkOutcome(ChunkStatus.UPLOADED)
UNCHANGED = ChunkOutcome(ChunkStatus.UNCHANGED, reason="PostHog has this content already.")
NOT_WANTED = ChunkOutcome(ChunkStatus.UNCHANGED, reason="PostHog needs no file for it: it has one.")
SKIPPED = ChunkOutcome(ChunkStatus.SKIPPED_CONFLICT, reason="PostHog has other content and keeps it.")
NOT_TRIED = ChunkOutcome(
    ChunkStatus.FAILED, "storage_lost", "Not tried, because too many transfers before it failed.", "Upload again."
)
LOST = ChunkOutcome(
    ChunkStatus.FAILED, "symbol_set_not_found", "PostHog lost the set before it was finished.", "Upload again."
)
OTHER_CONTENT = ChunkOutcome(
    ChunkStatus.FAILED,
    "content_hash_mismatch",
    "PostHog has other content under this chunk id, or another tool's hash of it.",
    "Upload with force to overwrite it, or with skip_on_conflict to keep it.",
    (Choice.FORCE, Choice.SKIP_ON_CONFLICT),
)


def refused(error: PostHogError, rules: ConflictRules) -> ChunkOutcome:
    """Return the outcome of a chunk that PostHog refuses, or could not be asked about."""
    reason = error.detail or error.what
    if error.code in ("content_hash_mismatch", "content_hash_required"):
        if rules.skip_on_conflict:
            return SKIPPED
        if not rules.force:
            return OTHER_CONTENT
        next_step = "This PostHog never overwrites: delete the symbol set, then upload again."
        return ChunkOutcome(ChunkStatus.FAILED, error.code, reason, next_step)
    if error.code == "release_id_mismatch":
        next_step = "Upload it without a release; the set keeps the one it has. Force does not change that."
        return ChunkOutcome(ChunkStatus.FAILED, error.code, reason, next_step, (Choice.WITHOUT_RELEASE,))
    next_step = error.next_step
    if error.code in UNFINISHED or error.maybe_applied:
        next_step = "Upload again: finished chunks are left alone."
    return ChunkOutcome(ChunkStatus.FAILED, error.code or f"http_{error.status}", reason, next_step)


def not_sent(error: StorageError) -> ChunkOutcome:
    """Return the outcome of a chunk whose file did not arrive; the code is like `storage_expired`."""
    words = re.findall(r"[A-Z][a-z]+", type(error).__name__.removesuffix("Error"))
    return ChunkOutcome(ChunkStatus.FAILED, f"storage_{'_'.join(words).lower()}", error.what, error.next_step)


def unreadable(error: ContentError) -> ChunkOutcome:
    """Return the outcome of a chunk whose content cannot be read."""
    return ChunkOutcome(ChunkStatus.FAILED, error.code, error.explanation.reason, error.next_step)
