"""A process of its own that hashes chunks; it ends with the upload, and its environment holds no key."""

import os
import pickle
import struct
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from mcp_errortracking.workflows.children import environment
from mcp_errortracking.workflows.chunks import Chunk
from mcp_errortracking.workflows.content import ContentError, Fingerprint, fingerprint

_SIZE = struct.Struct("<Q")


class ProcessLostError(Exception):
    """The process did not start, or ended too early."""


def of_each(chunks: Sequence[Chunk]) -> list[Fingerprint | ContentError]:
    """The fingerprint of each chunk, or why there is none. Blocks."""
    return [_of(chunk) for chunk in chunks]


def _of(chunk: Chunk) -> Fingerprint | ContentError:
    if not chunk.chunk_id.strip():
        return ContentError("no_chunk_id", f"{chunk.label} has no chunk id.", "Inject one.")
    if chunk.chunk_id != chunk.chunk_id.strip():  # PostHog would store it without them, and never find it again
        return ContentError("bad_chunk_id", f"{chunk.label} has spaces around its chunk id.", "Inject another.")
    try:
        return fingerprint(chunk)
    except ContentError as error:
        return error


class HashingProcess:
    """The process while it runs. `pid` is its number."""

    def __init__(self, process: Process) -> None:
        assert process.stdin  # noqa: S101 both were asked for
        assert process.stdout  # noqa: S101
        self.pid = process.pid
        self._questions, self._answers = process.stdin, BufferedByteReceiveStream(process.stdout)

    async def of_each(self, chunks: Sequence[Chunk]) -> list[Fingerprint | ContentError]:
        """As the function. The chunks' parts are files.

        Raises:
            ProcessLostError: see there.
        """
        try:
            await self._questions.send(pickle.dumps(chunks))
            (size,) = _SIZE.unpack(await self._answers.receive_exactly(_SIZE.size))
            answer = await self._answers.receive_exactly(size)
        except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.IncompleteRead) as error:
            raise ProcessLostError from error
        return cast("list[Fingerprint | ContentError]", pickle.loads(answer))  # noqa: S301 from our own process


@asynccontextmanager
async def hashing_process() -> AsyncGenerator[HashingProcess]:
    """Starts the process, and ends it.

    It is not one of `anyio.to_process`: those go on after the work, inherit the API key, and run the main module again.

    Raises:
        ProcessLostError: see there.
    """
    given = environment(PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, "-m", __name__]
    try:
        process = await anyio.open_process(command, stderr=subprocess.DEVNULL, env=given)
    except OSError as error:
        raise ProcessLostError from error
    try:
        running = HashingProcess(process)
        await running.of_each([])
        yield running
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()


def main() -> None:
    """Answers until nothing more is asked."""
    while True:
        try:
            chunks: Sequence[Chunk] = pickle.load(sys.stdin.buffer)  # noqa: S301 from the process that started this one
        except EOFError:
            return
        answer = pickle.dumps(of_each(chunks))
        sys.stdout.buffer.write(_SIZE.pack(len(answer)) + answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
