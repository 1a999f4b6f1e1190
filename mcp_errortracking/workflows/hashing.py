"""The content hashes of many chunks, read by a few threads at once."""

import os
from collections.abc import Awaitable, Callable, Sequence

import anyio
from anyio import to_thread

from mcp_errortracking.workflows.chunks import Chunk
from mcp_errortracking.workflows.content import ContentError, Fingerprint, fingerprint

THREADS = min(os.cpu_count() or 1, 4)
"""That read, hash or pack at the same time."""

_AT_ONCE = 16  # chunks that a thread takes at a time


async def fingerprints(
    chunks: Sequence[Chunk], told: Callable[[int], Awaitable[None]] | None = None
) -> list[Fingerprint | ContentError]:
    """Hashes chunks, in the order given; for each that cannot be, why.

    Args:
        told: is told now and then how many are done.
    """
    found = dict[int, Fingerprint | ContentError]()
    work = iter(range(0, len(chunks), _AT_ONCE))

    async def worker() -> None:
        for first in work:
            some = chunks[first : first + _AT_ONCE]
            found.update(enumerate(await to_thread.run_sync(_of, some), first))
            if told is not None:
                await told(len(found))

    async with anyio.create_task_group() as group:
        for _ in range(THREADS):
            group.start_soon(worker)
    return [found[index] for index in range(len(chunks))]


def _of(chunks: Sequence[Chunk]) -> list[Fingerprint | ContentError]:
    def one(chunk: Chunk) -> Fingerprint | ContentError:
        if not chunk.chunk_id.strip():
            return ContentError("no_chunk_id", f"{chunk.label} has no chunk id.", "Inject one.")
        if chunk.chunk_id != chunk.chunk_id.strip():  # PostHog would store it without them, and never find it again
            return ContentError("bad_chunk_id", f"{chunk.label} has spaces around its chunk id.", "Inject another.")
        try:
            return fingerprint(chunk)
        except ContentError as error:
            return error

    return [one(chunk) for chunk in chunks]
