"""The content hashes of many chunks, read ahead of the transfers that need them.

Threads read them, beside the transfers: a process of its own was measured to win too little for what it costs.
"""

import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import anyio
from anyio import to_thread

from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, Fingerprint, fingerprint

THREADS = min(os.cpu_count() or 1, 4)
"""That read, hash or pack at the same time."""

_AT_ONCE = 16  # chunks that a thread takes at a time

Known = Fingerprint | ContentError
"""A chunk's content, or why it cannot be had."""


class Hashing:
    """Hashes chunks in `run`, while `take` hands them out."""

    def __init__(self, chunks: Sequence[Chunk], told: Callable[[int], Awaitable[None]] | None = None) -> None:
        """
        Args:
            told: is told now and then how many are done.
        """
        self._chunks = chunks
        self._told = told
        self._work = deque(range(0, len(chunks), _AT_ONCE))
        self._found = dict[int, Known]()
        self._taken = 0
        self._ready = 0  # these, from the first on, are done
        self._more = anyio.Event()

    async def run(self) -> None:
        """Hashes all of them."""
        async with anyio.create_task_group() as group:
            for _ in range(THREADS):
                group.start_soon(self._by_thread)

    async def take(self, least: int, most: int, *, step: int = 1) -> list[tuple[int, Known]]:
        """The next chunks in their order, by their place; none is left after an empty list.

        Args:
            least: waits until there are so many, or all.
            step: hands out a multiple of it, but for the last ones; `least` and `most` are multiples too.
        """
        wanted = min(self._taken + least, len(self._chunks))
        while self._ready < wanted:
            await self._more.wait()
        first, end = self._taken, min(self._ready, self._taken + most)
        self._taken = end if end == len(self._chunks) else end - (end - first) % step
        return [(place, self._found.pop(place)) for place in range(first, self._taken)]

    async def _by_thread(self) -> None:
        while self._work:
            first = self._work.popleft()
            await self._keep(first, await to_thread.run_sync(_of_each, self._some(first)))

    def _some(self, first: int) -> Sequence[Chunk]:
        return self._chunks[first : first + _AT_ONCE]

    async def _keep(self, first: int, found: Sequence[Known]) -> None:
        self._found.update(enumerate(found, first))
        while self._ready in self._found:
            self._ready += 1
        self._more.set()
        self._more = anyio.Event()
        if self._told is not None:
            await self._told(self._taken + len(self._found))


def _of_each(chunks: Sequence[Chunk]) -> list[Known]:
    return [_of(chunk) for chunk in chunks]


def _of(chunk: Chunk) -> Known:
    if not chunk.chunk_id.strip():
        return ContentError("no_chunk_id", f"{chunk.label} has no chunk id.", "Inject one.")
    if chunk.chunk_id != chunk.chunk_id.strip():  # PostHog would store it without them, and never find it again
        return ContentError("bad_chunk_id", f"{chunk.label} has spaces around its chunk id.", "Inject another.")
    try:
        return fingerprint(chunk)
    except ContentError as error:
        return error
