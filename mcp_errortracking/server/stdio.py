"""MCP over the pipes of this process: one JSON-RPC message a line, in on stdin, out on stdout.

The SDK's own transport moves every message through worker threads, cannot be interrupted while it reads, and drops the
calls in flight when stdin ends. This one reads and writes the pipes in the event loop, and lets calls in flight finish,
for a bounded time, when stdin ends or a signal asks to stop. Where pipes cannot be used that way (Windows, a terminal
or a file as stdin) the SDK's transport serves.
"""

import asyncio
import logging
import os
import signal
import stat
import sys
from types import TracebackType
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import from_json, to_json

logger = logging.getLogger(__name__)

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of one message; a longer one is skipped and refused."""

DRAIN_SECONDS = 10.0
"""How long calls in flight may go on after stdin has ended or a signal has come."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(server: Server[Any]) -> None:
    """Serves MCP on stdin and stdout until stdin ends or SIGINT or SIGTERM comes.

    While it serves, file descriptor 1 points at stderr, so that a stray print never breaks the protocol, and 0 at the
    null device.
    """
    if not _are_pipes():
        await _serve_with_sdk(server)
        return
    wire_in, wire_out = _take_over(0, os.devnull, os.O_RDONLY), _take_over(1, None, os.O_WRONLY)
    loop = asyncio.get_running_loop()
    buffer = asyncio.StreamReader(limit=MAX_MESSAGE, loop=loop)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(buffer), os.fdopen(wire_in, "rb", 0))
    transport, flow = await loop.connect_write_pipe(WriteFlow, os.fdopen(wire_out, "wb", 0))
    transport.set_write_buffer_limits(0)  # so that what was sent has left when `drain` returns
    writer = MessageWriter(transport, flow)
    reader = MessageReader(buffer, writer)
    for number in _SIGNALS:
        loop.add_signal_handler(number, reader.stop)
    try:
        await server.run(reader, writer, server.create_initialization_options())
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        transport.close()


def _are_pipes() -> bool:
    if sys.platform == "win32":
        return False
    try:
        modes = [os.fstat(descriptor).st_mode for descriptor in (0, 1)]
    except OSError:
        return False
    return all(stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) for mode in modes)


def _take_over(descriptor: int, stand_in: str | None, flags: int) -> int:
    """A private copy of a standard descriptor, which itself then points elsewhere (None: at stderr)."""
    private = os.dup(descriptor)
    other = os.open(stand_in, flags) if stand_in else os.dup(2)
    os.dup2(other, descriptor)
    os.close(other)
    return private


async def _serve_with_sdk(server: Server[Any]) -> None:
    from mcp.server.stdio import stdio_server

    for number in _SIGNALS:
        signal.signal(number, _end_at_once)  # its reader thread cannot be interrupted in any other way
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


def _end_at_once(*_: object) -> None:
    os._exit(130)


class WriteFlow(asyncio.BaseProtocol):
    """Whether the pipe takes more, as its transport tells it."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()

    def pause_writing(self) -> None:
        self.ready.clear()

    def resume_writing(self) -> None:
        self.ready.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ready.set()


class MessageWriter:
    """The SDK's write stream, onto a pipe."""

    def __init__(self, pipe: asyncio.WriteTransport, flow: WriteFlow) -> None:
        self._pipe = pipe
        self._flow = flow
        self.unanswered = set[str | int]()
        """Ids of requests that were read and not yet answered."""
        self._settled = asyncio.Event()

    async def send(self, item: SessionMessage) -> None:
        message = item.message
        self._write(message.model_dump_json(by_alias=True, exclude_unset=True).encode())
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            self.settle(message.id)
        await self.drain()

    def refuse(self, code: int, text: str, request_id: Any) -> None:
        """Answers a line that is no message of JSON-RPC."""
        error = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": text}}
        self._write(to_json(error))

    def settle(self, request_id: str | int | None) -> None:
        """Notes that a request needs no answer any more."""
        if request_id is not None:
            self.unanswered.discard(request_id)
        self._settled.set()

    async def wait_until_answered(self) -> None:
        """Returns when every request that was read has been answered, or after `DRAIN_SECONDS`."""
        with anyio.move_on_after(DRAIN_SECONDS) as scope:
            while self.unanswered and not self._pipe.is_closing():
                self._settled.clear()
                await self._settled.wait()
        if scope.cancelled_caught:
            logger.warning("stopping with %d calls unanswered", len(self.unanswered))

    def _write(self, line: bytes) -> None:
        if self._pipe.is_closing():
            raise anyio.BrokenResourceError
        self._pipe.write(line + b"\n")

    async def drain(self) -> None:
        """Returns when everything has left: a client that does not read holds up its own answers only."""
        await self._flow.ready.wait()

    async def aclose(self) -> None:
        """Nothing to do: the pipe belongs to `serve`."""

    async def __aenter__(self) -> "MessageWriter":
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


class MessageReader:
    """The SDK's read stream, from a pipe. Ends only when the requests it gave out have been answered."""

    def __init__(self, pipe: asyncio.StreamReader, writer: MessageWriter) -> None:
        self._pipe = pipe
        self._writer = writer
        self._stopping = False

    def stop(self) -> None:
        """No more messages are read; what is in flight may finish. A second call ends the process at once."""
        if self._stopping:
            _end_at_once()
        self._stopping = True
        self._pipe.feed_eof()

    async def receive(self) -> SessionMessage:
        while not self._stopping:
            line = await self._read_line()
            if line is None or self._stopping:
                break
            message = self._parse(line)
            if message is None:
                await self._writer.drain()
                continue
            if isinstance(message, JSONRPCRequest):
                self._writer.unanswered.add(message.id)
            elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
                cancelled = (message.params or {}).get("requestId")
                if isinstance(cancelled, str | int):
                    self._writer.settle(cancelled)
            return SessionMessage(message)
        self._stopping = True
        await self._writer.wait_until_answered()
        raise anyio.EndOfStream

    async def _read_line(self) -> bytes | None:
        """The next line that is not blank; None at the end."""
        skipping = False
        while True:
            try:
                line = await self._pipe.readuntil(b"\n")
            except asyncio.IncompleteReadError as rest:  # the last line may lack its line break
                return rest.partial if rest.partial.strip() and not skipping else None
            except asyncio.LimitOverrunError as overrun:
                await self._pipe.readexactly(overrun.consumed)
                if not skipping:
                    self._writer.refuse(INVALID_REQUEST, f"Message longer than {MAX_MESSAGE} bytes; skipped.", None)
                skipping = True
                continue
            if skipping:
                skipping = False
            elif line.strip():
                return line

    def _parse(self, line: bytes) -> Any:
        try:
            return jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValidationError:
            pass
        try:
            raw: Any = from_json(line)
        except ValueError:
            self._writer.refuse(PARSE_ERROR, "Parse error: the line is not JSON.", None)
            return None
        request_id = raw.get("id") if isinstance(raw, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if not isinstance(request_id, str | int):
            request_id = None
        self._writer.refuse(INVALID_REQUEST, "Invalid request: not a JSON-RPC 2.0 message.", request_id)
        return None

    def __aiter__(self) -> "MessageReader":
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self._stopping = True

    async def __aenter__(self) -> "MessageReader":
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()
