"""The upload of symbol sets: hash, compare, start, send, finish; each chunk on its own.

A chunk that cannot be read, that PostHog refuses or that object storage loses is reported, and the others go on. A set
is finished only if its file arrived. An interrupted upload is simply repeated: finished sets have the same hash and are
left alone, the others are started again by PostHog's own rules (contract 2.3).
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from mcp_errortracking.proxy.errors import InvalidError, PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.retries import RetryingSender, Sleep
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.remote.releases import Create, Release, ReleaseName, find_or_create_release
from mcp_errortracking.workflows.source_maps.remote.storage import CONCURRENCY, Storage
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import (
    MAX_CHECKED,
    MAX_STARTED,
    Comparison,
    SymbolSets,
    UploadRequest,
)
from mcp_errortracking.workflows.source_maps.upload.batches import Batches, Job, refused_job
from mcp_errortracking.workflows.source_maps.upload.content import ContentError
from mcp_errortracking.workflows.source_maps.upload.hashing import Hashing, HashResult
from mcp_errortracking.workflows.source_maps.upload.map_check import check_map
from mcp_errortracking.workflows.source_maps.upload.results import (
    OTHER_CONTENT,
    SKIPPED,
    UNCHANGED,
    ChunkOutcome,
    ChunkResult,
    ChunkStatus,
    ConflictRules,
    UploadResult,
    refused,
    unreadable,
)

Progress = Callable[[int, int, str], Awaitable[None]]
"""A callback with the work done, the total, and a short description."""

_BATCH_BYTES = 64 * 1024 * 1024  # of content that is packed together, and sent within the five minutes of its URLs
_BATCHES_AT_ONCE = 3
_TRIES_TO_BIND = 4


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an upload.

    `container` is the version sent. Every PostHog reads 1, which is not compressed; `auto` sends 2 to a PostHog that
    can compare uploads beforehand (September 2026) and is certain to read 2, and 1 to older ones.
    """

    rules: ConflictRules = field(default_factory=ConflictRules)
    container: Literal["auto", 1, 2] = "auto"
    compressed: bool = True
    concurrency: int = CONCURRENCY
    """The most transfers at once."""
    batch: int = MAX_STARTED
    """The most sets that are started and finished together."""
    bound: frozenset[DataType] = frozenset(DataType)
    """The kinds of sets that are bound to the release."""
    create_release: Create | None = None
    """Creates the release, if it does not exist."""


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
    """Upload the chunks that PostHog does not have yet.

    Args:
        release: the release of the sets; a name is looked up, and created if it does not exist.
        sleep: waits between tries.

    Raises:
        PostHogError: nothing was uploaded, because PostHog cannot be reached, or refuses the key, the release or the
            upload. Later failures are in the result.
    """
    uploading = _Upload(sender, storage, list(chunks), release, options or Options(), progress, sleep)
    async with anyio.create_task_group() as group:
        group.start_soon(uploading.hash_all)
        await uploading.send_all(group)
    if uploading.refusal is not None and not uploading.has_uploaded:
        raise uploading.refusal
    return uploading.result()


class _Upload:
    """The chunks of one upload, with their results so far."""

    def __init__(
        self,
        sender: Sender,
        storage: Storage,
        chunks: list[Chunk],
        release: ReleaseName | Release | None,
        options: Options,
        progress: Progress | None,
        sleep: Sleep,
    ) -> None:
        self._sender = RetryingSender(sender, sleep=sleep)
        self._storage = storage
        self._symbol_sets = SymbolSets(sender, sleep=sleep)
        self._chunks = chunks
        self._release = release
        self._options = options
        self._progress = progress
        self._slots = anyio.Semaphore(_BATCHES_AT_ONCE)
        self._batches: Batches | None = None
        self._first_of = dict[str, Job]()
        self._results: list[ChunkResult | None] = [None] * len(chunks)
        self._settled = 0
        self._hashed = 0
        self._hashing = Hashing(chunks, self._report_hashed)
        self._of_other_releases = 0
        self._refusal: PostHogError | None = None

    @property
    def refusal(self) -> PostHogError | None:
        """The reason why the upload could not begin, or why PostHog refuses all uploads of this key."""
        return self._refusal or (self._batches.refusal if self._batches else None)

    @property
    def has_uploaded(self) -> bool:
        """True if a set was finished."""
        return any(one is not None and one.status is ChunkStatus.UPLOADED for one in self._results)

    async def hash_all(self) -> None:
        """Hash the chunks, while earlier ones are being sent."""
        await self._hashing.run()

    async def send_all(self, group: TaskGroup) -> None:
        """Start tasks that send the chunks hashed so far: at least a few chunks at first, then more and more.

        Cancel all tasks if PostHog refuses the first request.
        """
        least = MAX_STARTED
        while hashed := await self._hashing.take(min(least, MAX_CHECKED), MAX_CHECKED, step=MAX_STARTED):
            least += MAX_STARTED
            jobs = await self._without_duplicates(hashed)
            if jobs and not await self._send(jobs, group):
                group.cancel_scope.cancel()
                return

    async def _send(self, jobs: list[Job], group: TaskGroup) -> bool:
        try:
            if isinstance(self._release, ReleaseName):
                create = self._options.create_release
                self._release = await find_or_create_release(self._sender, self._release, create)
            hashes = {job.chunk.chunk_id: job.known.content_hash for job in jobs}
            compared = await self._symbol_sets.compare(hashes)
        except PostHogError as error:
            if self._batches is None:
                self._refusal = error
                return False
            for job in jobs:
                await self._settle(job, refused(error, self._options.rules))
            return True
        batches = self._batches = self._batches or self._make_batches(compared)
        jobs = await self._readable(await self._select(jobs, compared))
        for batch in _batches(jobs, self._options.batch):
            await self._slots.acquire()
            group.start_soon(self._run, batches, batch)
        return True

    def _make_batches(self, compared: Comparison | None) -> Batches:
        options, release = self._options, self._release
        return Batches(
            self._symbol_sets,
            self._storage,
            release_id=release.id if isinstance(release, Release) else None,
            bound=options.bound,
            rules=options.rules,
            version=options.container if options.container != "auto" else 1 if compared is None else 2,
            compressed=options.compressed,
            compared=compared is not None,
            concurrency=options.concurrency,
            report=self._settle,
        )

    async def _run(self, batches: Batches, jobs: list[Job]) -> None:
        try:
            await batches.run(jobs)
        finally:
            self._slots.release()

    async def _without_duplicates(self, hashed: Iterable[tuple[int, HashResult]]) -> list[Job]:
        """Return the chunks to go on with: the first readable one of each id."""
        jobs = list[Job]()
        for index, known in hashed:
            if isinstance(known, ContentError):
                await self._note(index, unreadable(known), None)
                continue
            job = Job(index, self._chunks[index], known)
            first = self._first_of.setdefault(job.chunk.chunk_id, job)
            if first is job:
                jobs.append(job)
            else:
                await self._settle(job, _duplicate(job, first))
        return jobs

    async def _select(self, jobs: list[Job], compared: Comparison | None) -> list[Job]:
        """Return the chunks to upload; settle the others, as far as PostHog could compare them."""
        if compared is None:
            return jobs
        rules, left = self._options.rules, list[Job]()
        bound = [job for job in jobs if job.chunk.kind in self._options.bound]
        lost = await self._bind([job for job in bound if job.chunk.chunk_id in compared.same])
        for job in jobs:
            if job.chunk.chunk_id in compared.same and job.chunk.chunk_id not in lost:
                await self._settle(job, UNCHANGED)
            elif job.chunk.chunk_id in compared.other and rules.skip_on_conflict:
                await self._settle(job, SKIPPED)
            elif job.chunk.chunk_id in compared.other and not rules.force:
                await self._settle(job, OTHER_CONTENT)
            else:
                left.append(job)
        return left

    async def _readable(self, jobs: list[Job]) -> list[Job]:
        """Return the chunks whose maps PostHog reads; settle the others."""
        left = list[Job]()
        for job in jobs:
            try:
                if not job.chunk.is_checked:
                    await to_thread.run_sync(check_map, job.chunk)
            except ContentError as error:
                await self._settle(job, unreadable(error))
            else:
                left.append(job)
        return left

    async def _bind(self, jobs: list[Job]) -> frozenset[str]:
        """Bind unchanged sets without a release to the one of this upload: a start does this though it needs no file.

        PostHog refuses a start for a set of another release; the next try leaves that set out. A few tries find a few
        such sets; then the rest keep the release they have.

        Returns:
            The chunk ids of sets that were deleted since the comparison; PostHog now waits for their files.
        """
        if not jobs or not isinstance(self._release, Release):
            return frozenset()
        left = jobs
        for _ in range(_TRIES_TO_BIND):
            requests = [UploadRequest(job.chunk.chunk_id, job.known.content_hash, self._release.id) for job in left]
            try:
                lost = frozenset(await self._symbol_sets.start(requests, force=False, skip_on_conflict=True))
            except PostHogError as error:
                other = refused_job(left, error) if isinstance(error, InvalidError) else None
                if other is None or len(left) == 1:
                    break
                left = [job for job in left if job is not other]
            else:
                self._of_other_releases += len(jobs) - len(left)
                return lost
        self._of_other_releases += len(jobs)
        return frozenset()

    def result(self) -> UploadResult:
        """Return the result of the upload."""
        bytes_sent = self._batches.bytes_sent if self._batches else 0
        release = self._release if isinstance(self._release, Release) else None
        chunks = [one for one in self._results if one is not None]
        return UploadResult(chunks, bytes_sent, release, self._of_other_releases)

    async def _settle(self, job: Job, outcome: ChunkOutcome) -> None:
        await self._note(job.index, outcome, job.known.content_hash)

    async def _note(self, index: int, outcome: ChunkOutcome, content_hash: str | None) -> None:
        """Store the result of a chunk, and report progress."""
        chunk = self._chunks[index]
        facts = (outcome.status, outcome.code, outcome.reason, outcome.next_step, outcome.choices)
        self._results[index] = ChunkResult(*facts, chunk=chunk, content_hash=content_hash)
        self._settled += 1
        await self._report_progress(f"{outcome.status.replace('_', ' ')}: {chunk.label}")

    async def _report_hashed(self, done: int) -> None:
        self._hashed = done
        await self._report_progress(f"read {done} of {len(self._chunks)}")

    async def _report_progress(self, message: str) -> None:
        if self._progress is not None:
            await self._progress(self._hashed + self._settled, 2 * len(self._chunks), message)


def _duplicate(job: Job, first: Job) -> ChunkOutcome:
    is_same = job.known.content_hash == first.known.content_hash
    return ChunkOutcome(
        ChunkStatus.DUPLICATE,
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
