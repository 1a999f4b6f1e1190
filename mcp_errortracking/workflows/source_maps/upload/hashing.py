"""The content hashes of many chunks, computed ahead of the transfers that need them.

Threads do this beside the transfers. A separate process was measured: it gains too little for its cost.
"""

import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import anyio
from anyio import to_thread

from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, Fingerprint, fingerprint

THREADS = min(os.cpu_count() or 1, 4)
"""Threads that read, hash or compress at the same time."""

_AT_ONCE = 16  # chunks that a thread takes at a time

HashResult = Fingerprint | ContentError
"""A chunk's fingerprint, or the reason why its content cannot be read."""


class Hashing:
    """Hash chunks in `run`, while `take` hands out the results."""

    def __init__(self, chunks: Sequence[Chunk], progress: Callable[[int], Awaitable[None]] | None = None) -> None:
        """
        Args:
            progress: called now and then with the number of hashed chunks.
        """
        self._chunks = chunks
        self._progress = progress
        self._work = deque(range(0, len(chunks), _AT_ONCE))
        self._results = dict[int, HashResult]()
        self._taken = 0
        self._ready = 0  # the number of chunks hashed without a gap, from the first on
        self._more = anyio.Event()

    async def run(self) -> None:
        """Hash all chunks."""
        async with anyio.create_task_group() as group:
            for _ in range(THREADS):
                group.start_soon(self._hash_batches)

    async def take(self, least: int, most: int, *, step: int = 1) -> list[tuple[int, HashResult]]:
        """Return the next chunks in their order, each with its place; an empty list after the last one.

        Args:
            least: wait until this many are hashed, or all.
            step: return a multiple of it, except for the last chunks; `least` and `most` are multiples too.
        """
        wanted = min(self._taken + least, len(self._chunks))
        while self._ready < wanted:
            await self._more.wait()
        first, end = self._taken, min(self._ready, self._taken + most)
        self._taken = end if end == len(self._chunks) else end - (end - first) % step
        return [(place, self._results.pop(place)) for place in range(first, self._taken)]

    async def _hash_batches(self) -> None:
        while self._work:
            first = self._work.popleft()
            await self._keep(first, await to_thread.run_sync(_hash_all, self._slice(first)))

    def _slice(self, first: int) -> Sequence[Chunk]:
        return self._chunks[first : first + _AT_ONCE]

    async def _keep(self, first: int, results: Sequence[HashResult]) -> None:
        self._results.update(enumerate(results, first))
        while self._ready in self._results:
            self._ready += 1
        self._more.set()
        self._more = anyio.Event()
        if self._progress is not None:
            await self._progress(self._taken + len(self._results))


def _hash_all(chunks: Sequence[Chunk]) -> list[HashResult]:
    return [_hash(chunk) for chunk in chunks]


def _hash(chunk: Chunk) -> HashResult:
    if not chunk.chunk_id.strip():
        return ContentError("no_chunk_id", f"{chunk.label} has no chunk id.", "Inject one.")
    if chunk.chunk_id != chunk.chunk_id.strip():  # PostHog would store it without the spaces, and never find it again
        return ContentError("bad_chunk_id", f"{chunk.label} has spaces around its chunk id.", "Inject another.")
    try:
        return fingerprint(chunk)
    except ContentError as error:
        return error
