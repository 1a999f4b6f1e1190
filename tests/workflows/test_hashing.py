"""Hashes of many chunks: what is handed out and when, and the process that reads much, to its end."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from unittest.mock import ANY

import anyio
import pytest

from mcp_errortracking.workflows import hashing
from mcp_errortracking.workflows.chunks import Chunk
from mcp_errortracking.workflows.content import ContentError
from mcp_errortracking.workflows.hashing import Hashing, Known
from mcp_errortracking.workflows.hashing_process import HashingProcess, ProcessLostError, hashing_process
from tests.workflows.written_builds import expected_hash, write_build

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name != "posix", reason="kills, and asks what lives")]

CHUNKS = 100


@pytest.fixture
def much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything is enough for a process, and the process reads all of it."""
    monkeypatch.setattr(hashing, "_MUCH", 0)
    monkeypatch.setattr(hashing, "THREADS", 0)


async def hashed(chunks: list[Chunk], told: Callable[[int], Awaitable[None]] | None = None) -> list[Known]:
    """All of them, in the order in which they are handed out."""
    running = Hashing(chunks, told)
    found = list[tuple[int, Known]]()
    async with anyio.create_task_group() as group:
        group.start_soon(running.run)
        while some := await running.take(1, 7):
            assert len(some) <= 7
            found += some
    assert [place for place, _ in found] == list(range(len(chunks)))
    return [known for _, known in found]


def in_words(known: Known) -> str:
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


async def test_a_process_finds_the_same(tmp_path: Path, much: None) -> None:
    """Errors among them, and content that a function makes, which only this process can call."""
    chunks = write_build(tmp_path, CHUNKS)
    empty = tmp_path / "empty.js"
    empty.touch()
    made = Chunk("made", lambda: b"{}", chunks[0].source)
    chunks += [Chunk("empty", chunks[0].map, empty), Chunk(" ", chunks[0].map, empty), made]
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
        "empty.js has 0 bytes. Build again: PostHog takes no empty file.",
        "Build again: PostHog takes no empty file.",
    )


async def test_a_process_that_is_lost_is_done_without(
    tmp_path: Path, much: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = HashingProcess.of_each
    asked = list[int]()

    async def and_killed(self: HashingProcess, chunks: list[Chunk]) -> list[Known]:
        asked.append(len(chunks))
        if len(asked) == 3:
            os.kill(self.pid, signal.SIGKILL)
        return await ask(self, chunks)

    monkeypatch.setattr(HashingProcess, "of_each", and_killed)
    chunks = write_build(tmp_path, CHUNKS)
    assert [in_words(one) for one in await hashed(chunks)] == [expected_hash(chunk) for chunk in chunks]
    assert asked == [0, 16, 16]


@pytest.mark.parametrize("program", ["", "/does/not/exist", "/bin/false"])
async def test_a_process_that_does_not_start_is_done_without(
    program: str, tmp_path: Path, much: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    chunks = write_build(tmp_path, CHUNKS)
    assert [in_words(one) for one in await hashed(chunks)] == [expected_hash(chunk) for chunk in chunks]
    with pytest.raises(ProcessLostError):
        async with hashing_process():
            pass


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
async def test_the_process_knows_no_key_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_PERSONAL_API_KEY", "phx_secret")
    monkeypatch.setenv("MCP_SERVER_TOKEN", "a secret of callers")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret of the job")
    async with hashing_process() as running:
        environment = await anyio.Path("/proc", str(running.pid), "environ").read_bytes()
        assert b"PATH=" in environment
        assert b"secret" not in environment
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)


async def test_an_upload_that_is_broken_off_ends_the_process(
    tmp_path: Path, much: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = anyio.Event()
    ask = HashingProcess.of_each
    pids = list[int]()

    async def slow(self: HashingProcess, chunks: list[Chunk]) -> list[Known]:
        found = await ask(self, chunks)
        pids.append(self.pid)
        if chunks:
            begun.set()
            await anyio.sleep_forever()
        return found

    monkeypatch.setattr(HashingProcess, "of_each", slow)
    async with anyio.create_task_group() as group:
        group.start_soon(Hashing(write_build(tmp_path, CHUNKS)).run)
        await begun.wait()
        group.cancel_scope.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs a way to wait for the end of another's child")
@pytest.mark.parametrize("asked", [False, True])
def test_the_process_ends_when_that_which_started_it_is_killed(tmp_path: Path, asked: bool) -> None:
    """Whether it waits for a question, or has one to answer."""
    (chunk,) = write_build(tmp_path, 1)
    assert isinstance(chunk.map, Path)
    os.truncate(chunk.map, 64 * 1024 * 1024)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import anyio\n"
        "from anyio.lowlevel import checkpoint\n"
        "from mcp_errortracking.workflows.chunks import Chunk\n"
        "from mcp_errortracking.workflows.hashing_process import hashing_process\n"
        "async def main():\n"
        "    async with hashing_process() as running, anyio.create_task_group() as group:\n"
        "        if len(sys.argv) > 1:\n"
        "            group.start_soon(running.of_each, [Chunk('one', *map(Path, sys.argv[1:]))])\n"
        "            await checkpoint()\n"
        "        print(running.pid, flush=True)\n"
        "        await anyio.sleep_forever()\n"
        "anyio.run(main)\n"
    )
    command = [sys.executable, "-c", script, *(map(str, (chunk.map, chunk.source)) if asked else ())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        ending = os.pidfd_open(int(parent.stdout.readline()))
        try:
            assert select.select([ending], [], [], 0)[0] == []
            parent.kill()
            assert select.select([ending], [], [], 30)[0] == [ending]
        finally:
            os.close(ending)
