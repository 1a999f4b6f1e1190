"""The content hashes of many chunks, read ahead of the transfers that need them.

Threads read at first. They share the interpreter with the transfers, and both get slower; so once there is much to
read, a process reads beside them, and they leave the rest to it when the transfers begin.
"""

import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import anyio
from anyio import to_thread

from mcp_errortracking.workflows.chunks import Chunk
from mcp_errortracking.workflows.content import ContentError, Fingerprint
from mcp_errortracking.workflows.hashing_process import HashingProcess, ProcessLostError, hashing_process, of_each

THREADS = min(os.cpu_count() or 1, 4)
"""That read, hash or pack at the same time."""

_AT_ONCE = 16  # chunks that a thread or the process takes at a time
_MUCH = 128 * 1024 * 1024  # bytes: starting the process takes as long as hashing as many

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
        self._is_process_ready = False
        self._gives_way = False

    async def run(self) -> None:
        """Hashes all of them."""
        async with anyio.create_task_group() as group:
            for _ in range(THREADS):
                group.start_soon(self._by_thread)
            if len(self._chunks) > _AT_ONCE and await to_thread.run_sync(self._is_much):
                await self._by_process()

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

    def give_way(self) -> None:
        """From now on the interpreter is needed elsewhere."""
        self._gives_way = True

    async def _by_thread(self) -> None:
        while self._work and not (self._gives_way and self._is_process_ready):
            first = self._work.popleft()
            await self._keep(first, await to_thread.run_sync(of_each, self._some(first)))

    async def _by_process(self) -> None:
        try:
            async with hashing_process() as process:
                self._is_process_ready = True
                while self._work:
                    first = self._work.popleft()
                    try:
                        found = await self._asked(process, self._some(first))
                    except ProcessLostError:
                        self._work.appendleft(first)
                        raise
                    await self._keep(first, found)
        except ProcessLostError:
            self._is_process_ready = False
            await self._by_thread()

    async def _asked(self, process: HashingProcess, some: Sequence[Chunk]) -> Sequence[Known]:
        if all(isinstance(part, Path) for chunk in some for part in chunk.parts):
            return await process.of_each(some)
        return await to_thread.run_sync(of_each, some)  # a function stays in its process

    def _is_much(self) -> bool:
        size = 0
        for part in (part for chunk in self._chunks for part in chunk.parts if isinstance(part, Path)):
            with suppress(OSError):
                size += part.stat().st_size
            if size > _MUCH:
                return True
        return False

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
