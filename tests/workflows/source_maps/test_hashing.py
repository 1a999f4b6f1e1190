"""Hashes of many chunks: which are handed out, and when."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from unittest.mock import ANY

import anyio
import pytest

from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.upload.content import ContentError
from mcp_errortracking.workflows.source_maps.upload.hashing import Hashing, HashResult
from tests.workflows.source_maps.written_builds import expected_hash, local, write_build

pytestmark = pytest.mark.anyio

CHUNKS = 100


async def hashed(chunks: list[Chunk], told: Callable[[int], Awaitable[None]] | None = None) -> list[HashResult]:
    """All of them, in the order in which they are handed out."""
    running = Hashing(chunks, told)
    found = list[tuple[int, HashResult]]()
    async with anyio.create_task_group() as group:
        group.start_soon(running.run)
        while some := await running.take(1, 7):
            assert len(some) <= 7
            found += some
    assert [place for place, _ in found] == list(range(len(chunks)))
    return [known for _, known in found]


def in_words(known: HashResult) -> str:
    return known.code if isinstance(known, ContentError) else known.content_hash


async def test_all_are_handed_out_in_their_order(tmp_path: Path) -> None:
    chunks = write_build(tmp_path, CHUNKS)
    told = list[int]()

    async def tell(done: int) -> None:
        told.append(done)

    assert [in_words(one) for one in await hashed(chunks, tell)] == [expected_hash(chunk) for chunk in chunks]
    assert told == sorted(told)
    assert told[-1] == CHUNKS
    assert await hashed([]) == []


async def test_what_is_not_ready_is_waited_for(tmp_path: Path) -> None:
    running = Hashing(write_build(tmp_path, CHUNKS))
    with anyio.move_on_after(0.01) as waiting:
        await running.take(1, CHUNKS)
    assert waiting.cancelled_caught

    async with anyio.create_task_group() as group:
        group.start_soon(running.run)
        assert len(await running.take(CHUNKS - 10, CHUNKS - 10)) == CHUNKS - 10
        assert len(await running.take(CHUNKS, CHUNKS)) == 10


async def test_errors_and_content_that_a_function_makes_keep_their_place(tmp_path: Path) -> None:
    chunks = write_build(tmp_path, CHUNKS)
    empty = tmp_path / "empty.js"
    empty.touch()
    made = Chunk("made", lambda: b"{}", chunks[0].source)
    chunks += [Chunk("empty", chunks[0].map, local(empty)), Chunk(" ", chunks[0].map, local(empty)), made]
    found = await hashed(chunks)
    assert [in_words(one) for one in found] == [
        *(expected_hash(chunk) for chunk in chunks[:CHUNKS]),
        "empty",
        "no_chunk_id",
        ANY,
    ]
    error = found[CHUNKS]
    assert isinstance(error, ContentError)
    assert (str(error), error.next_step) == (
        "empty.js has 0 bytes. Build again: PostHog rejects empty files.",
        "Build again: PostHog rejects empty files.",
    )
