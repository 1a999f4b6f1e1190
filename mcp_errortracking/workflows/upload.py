"""Uploading symbol sets: hash, compare, start, send, finish; each chunk for itself.

A chunk that cannot be read, that PostHog refuses or that object storage loses is reported, and the others go on.
Nothing is finished whose file did not arrive. An upload that was broken off is simply repeated: what is finished has
the same hash and is left alone, what is not is started anew by PostHog's own rules (contract 2.3).
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import anyio
from anyio import to_thread

from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.batches import Batches, ConflictRules, Job
from mcp_errortracking.workflows.chunks import Chunk
from mcp_errortracking.workflows.content import ContentError, Fingerprint, fingerprint
from mcp_errortracking.workflows.releases import Release, ReleaseName, find_or_create_release
from mcp_errortracking.workflows.results import Choice, ChunkResult, Outcome, UploadResult
from mcp_errortracking.workflows.storage import CONCURRENCY, Storage
from mcp_errortracking.workflows.symbol_sets import MAX_STARTED, Comparison, Sleep, SymbolSets

Progress = Callable[[int, int, str], Awaitable[None]]
"""Is told how much is done, of how much, and a few words on what."""

_BATCH_BYTES = 64 * 1024 * 1024  # of content: what is packed at once, and sent within the five minutes of its URLs
_BATCHES_AT_ONCE = 2
_HASHED_AT_ONCE = 16  # chunks a worker thread takes at a time


@dataclass(frozen=True, slots=True)
class Options:
    """How to upload.

    `container` is the version sent. Every PostHog reads 1, which is not compressed; `auto` sends 2 to a PostHog that
    can compare uploads beforehand (September 2026), whose readers know it for certain, and 1 to older ones.
    """

    rules: ConflictRules = field(default_factory=ConflictRules)
    container: Literal["auto", 1, 2] = "auto"
    compressed: bool = True
    concurrency: int = CONCURRENCY
    """Transfers at once."""
    batch: int = MAX_STARTED
    """Sets that are started and finished together, at most."""


async def upload(
    sender: Sender,
    storage: Storage,
    chunks: Iterable[Chunk],
    *,
    release: ReleaseName | Release | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    sleep: Sleep = anyio.sleep,
) -> UploadResult:
    """Uploads chunks that PostHog does not have yet.

    Args:
        release: what the sets are bound to; a name is looked up, and created if there is none.
        sleep: waits between tries.

    Raises:
        PostHogError: before anything was uploaded: PostHog cannot be reached, does not know the key, or has no such
            release. What fails later is in the result.
    """
    chosen, given = options or Options(), list(chunks)
    uploading = _Upload(given, progress)
    await uploading.read()
    if not uploading.jobs:
        return uploading.result(0, None)
    bound = await find_or_create_release(sender, release) if isinstance(release, ReleaseName) else release
    symbol_sets = SymbolSets(sender, sleep=sleep)
    compared = await symbol_sets.compare({job.chunk.chunk_id: job.known.content_hash for job in uploading.jobs})
    await uploading.sort_out(compared, chosen.rules)
    version = chosen.container if chosen.container != "auto" else 1 if compared is None else 2
    batches = Batches(
        symbol_sets,
        storage,
        release_id=bound and bound.id,
        rules=chosen.rules,
        version=version,
        compressed=chosen.compressed,
        sizes_first=compared is not None,
        concurrency=chosen.concurrency,
        report=uploading.settle,
    )
    slots = anyio.Semaphore(_BATCHES_AT_ONCE)
    sent_before = storage.bytes_sent
    async with anyio.create_task_group() as group:
        for batch in _batches(uploading.jobs, chosen.batch):
            await slots.acquire()
            group.start_soon(_run, batches, batch, slots)
    return uploading.result(storage.bytes_sent - sent_before, bound)


async def _run(batches: Batches, jobs: list[Job], slots: anyio.Semaphore) -> None:
    try:
        await batches.run(jobs)
    finally:
        slots.release()


class _Upload:
    """The chunks of one upload, and what became of each so far."""

    def __init__(self, chunks: list[Chunk], progress: Progress | None) -> None:
        self._chunks = chunks
        self._progress = progress
        self._results: list[ChunkResult | None] = [None] * len(chunks)
        self._settled = 0
        self._hashed = 0
        self.jobs = list[Job]()
        """What is still to be done."""

    async def read(self) -> None:
        """Hashes every chunk, and folds those of one id."""
        known: list[Fingerprint | ContentError | None] = [None] * len(self._chunks)
        work = iter(range(0, len(self._chunks), _HASHED_AT_ONCE))

        async def worker() -> None:
            for first in work:
                some = self._chunks[first : first + _HASHED_AT_ONCE]
                known[first : first + len(some)] = await to_thread.run_sync(_fingerprints, some)
                self._hashed += len(some)
                await self._tell(f"read {self._hashed} of {len(self._chunks)} files")

        async with anyio.create_task_group() as group:
            for _ in range(min(os.cpu_count() or 1, 4)):
                group.start_soon(worker)
        first_of = dict[str, Job]()
        for index, (chunk, found) in enumerate(zip(self._chunks, known, strict=True)):
            if isinstance(found, ContentError):
                await self._settle(index, _unreadable(chunk, found))
            elif found is not None:
                job = Job(index, chunk, found)
                first = first_of.setdefault(chunk.chunk_id, job)
                if first is not job:
                    await self._settle(index, _duplicate(job, first))
        self.jobs = list(first_of.values())

    async def sort_out(self, compared: Comparison | None, rules: ConflictRules) -> None:
        """Settles the chunks that need no upload, as far as PostHog could compare them."""
        if compared is None:
            return
        left = list[Job]()
        for job in self.jobs:
            if job.chunk.chunk_id in compared.same:
                await self.settle(job, Outcome.UNCHANGED, reason="PostHog has this content already.")
            elif job.chunk.chunk_id in compared.other and rules.skip_on_conflict:
                await self.settle(job, Outcome.SKIPPED_CONFLICT, reason="PostHog has other content and keeps it.")
            elif job.chunk.chunk_id in compared.other and not rules.force:
                await self.settle(
                    job,
                    Outcome.FAILED,
                    code="content_hash_mismatch",
                    reason="PostHog has other content under this chunk id.",
                    next_step="Upload with force to overwrite it, or with skip_on_conflict to keep it.",
                    choices=(Choice.FORCE, Choice.SKIP_ON_CONFLICT),
                )
            else:
                left.append(job)
        self.jobs = left

    async def settle(
        self,
        job: Job,
        outcome: Outcome,
        *,
        code: str | None = None,
        reason: str = "",
        next_step: str = "",
        choices: tuple[Choice, ...] = (),
    ) -> None:
        """Notes what became of a chunk."""
        result = ChunkResult(job.chunk, outcome, job.known.content_hash, code, reason, next_step, choices)
        await self._settle(job.index, result)

    def result(self, bytes_sent: int, release: Release | None) -> UploadResult:
        """What became of all of them."""
        return UploadResult([one for one in self._results if one is not None], bytes_sent, release)

    async def _settle(self, index: int, result: ChunkResult) -> None:
        self._results[index] = result
        self._settled += 1
        await self._tell(f"{result.outcome.replace('_', ' ')}: {result.chunk.label}")

    async def _tell(self, message: str) -> None:
        if self._progress is not None:
            await self._progress(self._hashed + self._settled, 2 * len(self._chunks), message)


def _fingerprints(chunks: list[Chunk]) -> list[Fingerprint | ContentError | None]:
    def one(chunk: Chunk) -> Fingerprint | ContentError:
        if not chunk.chunk_id.strip():
            return ContentError("no_chunk_id", f"{chunk.label} has no chunk id.", "Inject one.")
        try:
            return fingerprint(chunk)
        except ContentError as error:
            return error

    return [one(chunk) for chunk in chunks]


def _unreadable(chunk: Chunk, error: ContentError) -> ChunkResult:
    return ChunkResult(chunk, Outcome.FAILED, None, error.code, error.what, error.next_step)


def _duplicate(job: Job, first: Job) -> ChunkResult:
    is_same = job.known.content_hash == first.known.content_hash
    return ChunkResult(
        job.chunk,
        Outcome.DUPLICATE,
        job.known.content_hash,
        "duplicate_chunk_id",
        f"{first.chunk.label} has the same chunk id and {'the same' if is_same else 'other'} content; it counts.",
        "" if is_same else "Give each bundle a chunk id of its own, or frames of this one cannot be resolved.",
    )


def _batches(jobs: Iterable[Job], most: int) -> Iterator[list[Job]]:
    batch, size = list[Job](), 0
    for job in jobs:
        if batch and (len(batch) >= most or size + job.known.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(job)
        size += job.known.size
    if batch:
        yield batch
