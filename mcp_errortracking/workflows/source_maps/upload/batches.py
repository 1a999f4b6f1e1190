"""The upload of a batch of symbol sets: started together, sent in parallel, finished together.

PostHog starts and finishes all sets of a request or none. This finds the chunk that a request is refused for, by its
name in the answer or by halving, and goes on without it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import anyio
from anyio import CapacityLimiter, to_thread

from mcp_errortracking.proxy.errors import InvalidError, PostHogError
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType, Version
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import (
    BusyError,
    ExpiredError,
    LostError,
    NoFormsError,
    StorageError,
    TooSlowError,
)
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import StartedUpload, SymbolSets, UploadRequest
from mcp_errortracking.workflows.source_maps.upload.content import Body, ContentError, Fingerprint
from mcp_errortracking.workflows.source_maps.upload.hashing import THREADS
from mcp_errortracking.workflows.source_maps.upload.results import (
    GONE,
    LOST,
    NOT_TRIED,
    NOT_WANTED,
    SKIPPED,
    UNFINISHED,
    UPLOADED,
    ChunkOutcome,
    ConflictRules,
    not_sent,
    refused,
    unreadable,
)

_ROUNDS = 3  # starts of one chunk: fresh URLs after an expired one, a PUT after a refused form
_MAX_FAILURES_IN_ROW = 20  # then object storage is down, and the other chunks are not tried
_NAMED = re.compile(r"Symbol set (.+) already (?:exists|has)", re.DOTALL)
_KEY_REFUSED = (401, 403)
_REQUEST_REFUSED = ("invalid_release_id", "object_storage_required", "invalid_conflict_handling")


@dataclass(frozen=True, slots=True)
class Job:
    """A chunk to upload, and its place in the upload."""

    index: int
    chunk: Chunk
    known: Fingerprint


Report = Callable[[Job, ChunkOutcome], Awaitable[None]]
"""A callback with the outcome of a job."""


_SentFile = tuple[Job, StartedUpload]
"""A job whose file has arrived in object storage."""


class Batches:
    """Upload batches, from their start to their finish, and report on each job exactly once."""

    def __init__(
        self,
        symbol_sets: SymbolSets,
        storage: Storage,
        *,
        release_id: str | None,
        bound: frozenset[DataType],
        rules: ConflictRules,
        version: Version,
        compressed: bool,
        compared: bool,
        concurrency: int,
        report: Report,
    ) -> None:
        """
        Args:
            bound: the kinds of sets that are bound to the release.
            compared: PostHog compared the hashes, so that all jobs need an upload.
            concurrency: most transfers at once, of all batches together.
        """
        self._symbol_sets = symbol_sets
        self._storage = storage
        self._release_id, self._bound = release_id, bound
        self._rules = rules
        self.bytes_sent = 0
        """Bytes of the files that arrived."""
        self.refusal: PostHogError | None = None
        """The reason why PostHog refuses all uploads of this key."""
        self._failures_in_row = 0  # transfers in a row that found object storage busy or lost
        self._version: Version = version
        self._compressed = compressed
        self._compared = compared
        self._is_quick = version == 1 or not compressed  # nothing is read before it is sent
        self._report = report
        self._transfers = CapacityLimiter(concurrency)
        self._packers = CapacityLimiter(THREADS)

    async def run(self, jobs: Sequence[Job]) -> None:
        """Upload a batch."""
        bodies = dict[int, Body]()
        try:
            # Packed first, a start has the sizes, and gets URLs to PUT to; without a comparison it could be needless.
            left = await self._pack(jobs, bodies) if self._compared or self._is_quick else list(jobs)
            for number in range(_ROUNDS):
                if not left:
                    return
                started = await self._start(left, bodies)
                ready = await self._pack([job for job, _ in started], bodies)
                started = [(job, one) for job, one in started if job in ready]
                is_last = number == _ROUNDS - 1
                sent, left = await self._send(started, bodies, is_last=is_last)
                if number == 0:
                    left += await self._finish(sent, is_last=is_last)
                else:  # one by one: an older PostHog deletes all sets of a finish that fails
                    for one in sent:
                        left += await self._finish([one], is_last=is_last)
            for job in left:
                await self._report(job, LOST)
        finally:
            for body in bodies.values():
                body.close()

    async def _pack(self, jobs: Sequence[Job], bodies: dict[int, Body]) -> list[Job]:
        """Pack the jobs that are not packed yet; return those that can go on."""
        failed = set[int]()

        async def pack(job: Job) -> None:
            try:
                bodies[job.index] = await self._body(job)
            except ContentError as error:
                failed.add(job.index)
                await self._report(job, unreadable(error))

        waiting = [job for job in jobs if job.index not in bodies]
        if self._is_quick:
            for job in waiting:
                await pack(job)
        else:
            async with anyio.create_task_group() as group:
                for job in waiting:
                    group.start_soon(pack, job)
        return [job for job in jobs if job.index not in failed]

    async def _body(self, job: Job) -> Body:
        def body() -> Body:
            return Body(job.chunk, job.known, self._version, compressed=self._compressed)

        return body() if self._is_quick else await to_thread.run_sync(body, limiter=self._packers)

    async def _start(self, jobs: list[Job], bodies: Mapping[int, Body]) -> list[tuple[Job, StartedUpload]]:
        """Start the jobs that PostHog accepts; report on the others."""
        is_compared = self._compared
        if self.refusal is not None:
            await self._refuse_all(jobs, self.refusal)
            return []
        if (
            self._rules.skip_on_conflict and not is_compared
        ):  # PostHog's answer would not distinguish unchanged sets from conflicts
            jobs, is_compared = await self._without_unchanged(jobs), True
        while jobs:
            try:
                answer = await self._symbol_sets.start(
                    (self._request(job, bodies.get(job.index)) for job in jobs),
                    force=self._rules.force,
                    skip_on_conflict=self._rules.skip_on_conflict,
                )
            except InvalidError as error:
                if error.code in _REQUEST_REFUSED:
                    await self._refuse_all(jobs, error)
                    return []
                if error.code == "release_id_mismatch" and not is_compared:
                    jobs, is_compared = await self._without_unchanged(jobs), True
                    continue
                found = refused_job(jobs, error)
                if found is None:
                    middle = len(jobs) // 2
                    return await self._start(jobs[:middle], bodies) + await self._start(jobs[middle:], bodies)
                await self._refuse(found, error)
                jobs = [job for job in jobs if job is not found]
            except PostHogError as error:
                if error.status in _KEY_REFUSED:
                    self.refusal = error
                await self._refuse_all(jobs, error)
                return []
            else:
                return await self._started(jobs, answer, SKIPPED if self._rules.skip_on_conflict else NOT_WANTED)
        return []

    async def _started(
        self, jobs: list[Job], answer: Mapping[str, StartedUpload], unwanted: ChunkOutcome
    ) -> list[tuple[Job, StartedUpload]]:
        """Return the jobs whose files PostHog waits for; report on the others, which it has."""
        for job in jobs:
            if job.chunk.chunk_id not in answer:
                await self._report(job, unwanted)
        return [(job, answer[job.chunk.chunk_id]) for job in jobs if job.chunk.chunk_id in answer]

    async def _without_unchanged(self, jobs: list[Job]) -> list[Job]:
        """Leave out the jobs whose content PostHog has under any release, by a start without a release.

        Sets with other content, or without any, are started again afterwards; until then nothing was overwritten.
        """
        asked, left = jobs, list[Job]()
        while asked:
            try:
                answer = await self._symbol_sets.start(
                    (UploadRequest(job.chunk.chunk_id, job.known.content_hash) for job in asked),
                    force=False,
                    skip_on_conflict=False,
                )
            except PostHogError as error:
                found = refused_job(asked, error) if isinstance(error, InvalidError) else None
                if found is None:
                    return left + asked
                left.append(found)
                asked = [job for job in asked if job is not found]
            else:
                return left + [job for job, _ in await self._started(asked, answer, NOT_WANTED)]
        return left

    def _request(self, job: Job, body: Body | None) -> UploadRequest:
        release_id = self._release_id if job.chunk.kind in self._bound else None
        return UploadRequest(job.chunk.chunk_id, job.known.content_hash, release_id, body and body.size)

    async def _send(
        self, started: Sequence[tuple[Job, StartedUpload]], bodies: Mapping[int, Body], *, is_last: bool
    ) -> tuple[list[_SentFile], list[Job]]:
        """Send files; return those that arrived, and the jobs to start again."""
        sent, again = list[_SentFile](), list[Job]()

        async def send(job: Job, one: StartedUpload) -> None:
            async with self._transfers:
                if self._failures_in_row >= _MAX_FAILURES_IN_ROW:
                    await self._report(job, NOT_TRIED)
                    return
                try:
                    await self._storage.send(one.target, bodies[job.index])
                except (ExpiredError, NoFormsError) as error:
                    if is_last:
                        await self._report(job, not_sent(error))
                    else:  # a fresh URL, or one to PUT to
                        again.append(job)
                except StorageError as error:
                    self._failures_in_row += isinstance(error, BusyError | LostError | TooSlowError)
                    await self._report(job, not_sent(error))
                except ContentError as error:
                    await self._report(job, unreadable(error))
                else:
                    self._failures_in_row = 0
                    self.bytes_sent += bodies[job.index].size
                    sent.append((job, one))

        async with anyio.create_task_group() as group:
            for job, one in started:
                group.start_soon(send, job, one)
        return sent, again

    async def _finish(self, sent: Sequence[_SentFile], *, is_last: bool) -> list[Job]:
        """Confirm the files that arrived; return the jobs to start again, whose sets PostHog has lost."""
        if not sent:
            return []
        try:
            hashes = {one.symbol_set_id: job.known.content_hash for job, one in sent}
            is_certain = await self._symbol_sets.finish(hashes)
            kept, lost = (sent, list[Job]()) if is_certain or self._compared else await self._existing(sent)
        except PostHogError as error:
            if len(sent) == 1 and error.code in GONE and not is_last:
                return [sent[0][0]]
            if error.code not in UNFINISHED or len(sent) == 1:
                await self._refuse_all([job for job, _ in sent], error)
                return []
            return await self._finish_separately(sent, error, is_last=is_last)
        for job, _ in kept:
            await self._report(job, UPLOADED)
        return lost

    async def _finish_separately(self, sent: Sequence[_SentFile], error: PostHogError, *, is_last: bool) -> list[Job]:
        """Finish the others after a refusal that one set of several caused."""
        try:
            kept, lost = await self._existing(sent)
        except PostHogError:
            await self._refuse_all([job for job, _ in sent], error)
            return []
        if lost:
            return lost + await self._finish(kept, is_last=is_last)
        middle = len(kept) // 2
        return await self._finish(kept[:middle], is_last=is_last) + await self._finish(kept[middle:], is_last=is_last)

    async def _existing(self, sent: Sequence[_SentFile]) -> tuple[list[_SentFile], list[Job]]:
        """Return the sets that PostHog has, and the jobs of those that it does not have any more."""
        rows = [await self._symbol_sets.get(one.symbol_set_id) for _, one in sent]
        kept = [one for one, row in zip(sent, rows, strict=True) if row is not None]
        return kept, [job for (job, _), row in zip(sent, rows, strict=True) if row is None]

    async def _refuse_all(self, jobs: Sequence[Job], error: PostHogError) -> None:
        for job in jobs:
            await self._refuse(job, error)

    async def _refuse(self, job: Job, error: PostHogError) -> None:
        await self._report(job, refused(error, self._rules))


def refused_job(jobs: Sequence[Job], error: InvalidError) -> Job | None:
    """Return the job that a refusal of all jobs is about; None if the answer does not name it."""
    if len(jobs) == 1:
        return jobs[0]
    found = _NAMED.search(error.detail or "")
    return next((job for job in jobs if found and job.chunk.chunk_id == found[1]), None)
