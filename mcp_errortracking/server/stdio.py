"""MCP over stdio: one JSON-RPC message per line, in on stdin, out on stdout.

The SDK's own transport moves every message through worker threads, cannot be interrupted while it reads, and drops the
calls in flight when stdin ends. This one reads and writes the pipes in the event loop. When stdin ends or a signal asks
to stop, calls in flight may finish within a time limit. A file or a terminal, and on Windows a pipe too, is copied
through a socket.
"""

import asyncio
import logging
import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

import anyio
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.shared.message import SessionMessage
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_REQUEST,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)
from pydantic_core import to_json

from mcp_errortracking.server.id_scan import SCANNED
from mcp_errortracking.server.json_rpc import (
    MAX_BYTES,
    STREAM,
    JSONRPCMessage,
    MessageError,
    interrupted,
    is_id,
    parse_message,
    request_key,
    too_long,
)
from mcp_errortracking.server.message_streams import MessageSource, MessageStream
from mcp_errortracking.server.pipes import CopiedPipe, is_pipe
from mcp_errortracking.server.ready import Opening
from mcp_errortracking.system.stop_signals import STOP_SIGNALS

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
"""Time for calls in flight after stdin has ended or a signal has arrived."""

_REPLAYED = "mcp_errortracking:replayed"
"""The id of a replayed request. It is not recorded as unanswered, so the writer drops the answer."""


async def _unchanged() -> bool:
    return False


async def serve(
    server: Server[Any], opening: Opening, tools_changed: Callable[[], Awaitable[bool]] = _unchanged
) -> None:
    """Serve MCP on stdin and stdout until stdin ends, or SIGINT or SIGTERM arrives.

    Args:
        opening: what was received and answered already.
        tools_changed: called once; if it returns True, a client of the 2025 era is notified to list the tools again.

    Meanwhile file descriptor 1 points at stderr, so that a stray print never breaks the protocol, and 0 at the null
    device.
    """
    wire_in, wire_out = _redirect(0, os.devnull, os.O_RDONLY), _redirect(1, None, os.O_WRONLY)
    loop = asyncio.get_running_loop()
    buffer = asyncio.StreamReader(limit=MAX_BYTES, loop=loop)
    buffer.feed_data(opening.unread)
    source = await _connect_input(wire_in, buffer)
    transport, flow, copied_out = await _connect_output(wire_out)
    transport.set_write_buffer_limits(0)  # so that everything has been written when `drain` returns
    if opening.unsent:
        transport.write(opening.unsent)
    writer = MessageWriter(transport, flow)
    reader = MessageReader(source, buffer, writer, opening.replayed)
    flow.on_lost = reader.abandon
    for number in STOP_SIGNALS:
        _handle_signal(loop, number, reader.stop)
    if opening.stopped:
        reader.stop()
    notification = asyncio.create_task(_notify(reader, writer, tools_changed))
    try:
        await server.run(reader, writer, initialization_options(server))
    finally:
        notification.cancel()
        for number in STOP_SIGNALS:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
        transport.close()
    if copied_out is not None:
        await asyncio.to_thread(copied_out.join)


def initialization_options(server: Server[Any]) -> InitializationOptions:
    """Return the options of a session over stdio: the list of tools may change."""
    return server.create_initialization_options(NotificationOptions(tools_changed=True))


async def _notify(
    reader: "MessageReader", writer: "MessageWriter", tools_changed: Callable[[], Awaitable[bool]]
) -> None:
    """Notify the client if its list of tools is out of date, once it takes notifications."""
    if await tools_changed():
        await reader.initialized.wait()
        notification = JSONRPCNotification(jsonrpc="2.0", method="notifications/tools/list_changed")
        with suppress(anyio.BrokenResourceError):
            await writer.send(SessionMessage(notification))


async def _connect_input(descriptor: int, buffer: asyncio.StreamReader) -> asyncio.ReadTransport:
    loop = asyncio.get_running_loop()

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(buffer)

    if is_pipe(descriptor):
        return (await loop.connect_read_pipe(protocol, os.fdopen(descriptor, "rb", 0)))[0]
    return (await loop.create_connection(protocol, sock=CopiedPipe(descriptor, reads=True).end))[0]


async def _connect_output(descriptor: int) -> tuple[asyncio.WriteTransport, "WriteFlow", CopiedPipe | None]:
    loop = asyncio.get_running_loop()
    if is_pipe(descriptor):
        return *await loop.connect_write_pipe(WriteFlow, os.fdopen(descriptor, "wb", 0)), None
    copied = CopiedPipe(descriptor, reads=False)
    return *await loop.create_connection(WriteFlow, sock=copied.end), copied


def _handle_signal(loop: asyncio.AbstractEventLoop, number: int, handler: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, handler)
    except NotImplementedError:  # on Windows

        def wake(*_: object) -> None:
            loop.call_soon_threadsafe(handler)

        signal.signal(number, wake)


def _redirect(descriptor: int, stand_in: str | None, flags: int) -> int:
    """Return a private copy of a standard descriptor, and point the original at `stand_in` (None: at stderr)."""
    private = os.dup(descriptor)
    other = os.open(stand_in, flags) if stand_in else os.dup(2)
    os.dup2(other, descriptor)
    os.close(other)
    return private


def _end_at_once(*_: object) -> None:
    os._exit(130)


def _with_own_id(message: JSONRPCMessage) -> JSONRPCMessage:
    """Return a request that was answered already under an id of ours: the client may use its own again."""
    return message.model_copy(update={"id": _REPLAYED}) if isinstance(message, JSONRPCRequest) else message


class WriteFlow(asyncio.Protocol):
    """Flow control: `ready` is set while the pipe accepts more."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()
        self.on_lost: Callable[[], None] | None = None

    def pause_writing(self) -> None:
        self.ready.clear()

    def resume_writing(self) -> None:
        self.ready.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ready.set()
        if self.on_lost is not None:
            self.on_lost()


class MessageWriter(MessageStream):
    """The SDK's write stream, to a pipe."""

    def __init__(self, pipe: asyncio.WriteTransport, flow: WriteFlow) -> None:
        self._pipe = pipe
        self._flow = flow
        self.unanswered = dict[str | int, str | int]()
        """The ids of requests that were read and not yet answered, by their keys."""
        self.streams = set[str | int]()
        """Keys of requests that are answered only when their client ends them: nobody waits for these at the end."""
        self.questions = set[str | int]()
        """The ids of requests to the client whose answers were not read yet."""
        self.takes_questions = True
        """False once the input has ended: no answer can be read."""
        self._settled = asyncio.Event()

    async def send(self, item: SessionMessage) -> None:
        message = item.message
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
            if request_key(message.id) not in self.unanswered:  # answered already, or cancelled
                return
            self.settle(message.id)
        elif isinstance(message, JSONRPCRequest):
            if not self.takes_questions:
                raise anyio.BrokenResourceError
            self.questions.add(message.id)
        self._write(message.model_dump_json(by_alias=True, exclude_unset=True).encode())
        await self.drain()

    def refuse(self, error: MessageError) -> None:
        """Answer a message that was not passed on."""
        if not self._pipe.is_closing():
            self._write(to_json(error.answer))

    def settle(self, request_id: str | int | None) -> None:
        """Record that a request no longer needs an answer."""
        if request_id is not None:
            self.unanswered.pop(request_key(request_id), None)
            self.streams.discard(request_key(request_id))
        self._settled.set()

    async def wait_until_answered(self) -> None:
        """Wait until every request has been answered, for at most `DRAIN_SECONDS`."""
        with anyio.move_on_after(DRAIN_SECONDS) as scope:
            while self.unanswered.keys() - self.streams and not self._pipe.is_closing():
                self._settled.clear()
                await self._settled.wait()
        if scope.cancelled_caught:
            logger.warning("stopping with %d calls unanswered", len(self.unanswered))
            for request_id in list(self.unanswered.values()):
                self.refuse(interrupted(request_id))
            self.unanswered.clear()

    def abandon(self) -> None:
        """Stop waiting for answers: no client reads them."""
        self.unanswered.clear()
        self._settled.set()

    def _write(self, line: bytes) -> None:
        if self._pipe.is_closing():
            raise anyio.BrokenResourceError
        self._pipe.write(line + b"\n")

    async def drain(self) -> None:
        """Wait until everything is written: a client that does not read only delays its own answers."""
        await self._flow.ready.wait()

    async def aclose(self) -> None:
        """Do nothing: the pipe belongs to `serve`."""


class MessageReader(MessageSource):
    """The SDK's read stream, from a pipe. It ends after the requests it returned have been answered."""

    def __init__(
        self,
        source: asyncio.ReadTransport,
        pipe: asyncio.StreamReader,
        writer: MessageWriter,
        replayed: Iterable[bytes] = (),
    ) -> None:
        """
        Args:
            replayed: messages to return first. The SDK's answers to them are dropped.
        """
        self._source = source
        self._pipe = pipe
        self._writer = writer
        self._replayed = deque(replayed)
        self.initialized = asyncio.Event()
        """Set when a client of the 2025 era has ended its handshake."""
        self._stopping = False
        self._lost = False

    def stop(self) -> None:
        """Stop reading; calls in flight may finish. A second call ends the process at once."""
        if self._stopping:
            _end_at_once()
        self._stopping = True
        self._end_input()

    def abandon(self) -> None:
        """End at once, with calls in flight: stdout was closed, so nothing can be answered."""
        if not self._lost:
            self._lost = self._stopping = True
            self._writer.abandon()
            self._end_input()

    def _end_input(self) -> None:
        self._source.close()  # else later input would be fed to a stream that has ended
        self._pipe.feed_eof()

    async def receive(self) -> SessionMessage:
        if self._replayed:
            message = _with_own_id(parse_message(self._replayed.popleft()))
            self._note_handshake(message)
            return SessionMessage(message)
        while (line := await self._read_line()) is not None and not self._lost:
            try:
                message = parse_message(line)
                self._register(message)
            except MessageError as error:
                await self._refuse(error)
            else:
                return SessionMessage(message)
        self._stopping, self._writer.takes_questions = True, False
        if self._writer.questions and not self._lost:  # calls wait for their answers
            error = ErrorData(code=CONNECTION_CLOSED, message="The input has ended.")
            return SessionMessage(JSONRPCError(jsonrpc="2.0", id=self._writer.questions.pop(), error=error))
        await self._writer.wait_until_answered()
        raise anyio.EndOfStream

    async def _read_line(self) -> bytes | None:
        """Return the next line that is not blank; None at the end."""
        while True:
            try:
                line = await self._pipe.readuntil(b"\n")
            except asyncio.IncompleteReadError as rest:  # the last line may lack its line break
                return rest.partial if rest.partial.strip() else None
            except asyncio.LimitOverrunError as overrun:
                await self._refuse(await self._skip_line(overrun.consumed))
            else:
                if line.strip():
                    return line

    async def _skip_line(self, size: int) -> MessageError:
        """Skip a line that is too long, and return its error.

        Args:
            size: bytes of it that have arrived.
        """
        beginning = end = await self._pipe.readexactly(size)
        beginning = beginning[:SCANNED]
        while True:
            try:
                rest = await self._pipe.readuntil(b"\n")
            except asyncio.IncompleteReadError as last:
                return too_long(beginning, end[-SCANNED:] + last.partial)
            except asyncio.LimitOverrunError as overrun:
                end = end[-SCANNED:] + await self._pipe.readexactly(overrun.consumed)
            else:
                return too_long(beginning, end[-SCANNED:] + rest)

    async def _refuse(self, error: MessageError) -> None:
        """Answer a message that is not passed on; an id of a request in flight is left to that request's answer."""
        if error.request_id is not None and request_key(error.request_id) in self._writer.unanswered:
            error.request_id = None
        self._writer.refuse(error)
        await self._writer.drain()

    def _register(self, message: JSONRPCMessage) -> None:
        """Record a request as unanswered, and a cancelled one as settled.

        Raises:
            MessageError: the server is stopping, or the id is in use by a request in flight, which the SDK would lose.
        """
        if isinstance(message, JSONRPCRequest):
            if self._stopping:
                raise MessageError(CONNECTION_CLOSED, "The server is stopping; nothing was done.", message.id)
            key = request_key(message.id)
            if key in self._writer.unanswered:
                raise MessageError(INVALID_REQUEST, "Invalid request: its id is that of a request in flight.")
            self._writer.unanswered[key] = message.id
            if message.method == STREAM:
                self._writer.streams.add(key)
        self._note_handshake(message)
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
            self._writer.questions.discard(message.id)
        if isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            cancelled = (message.params or {}).get("requestId")
            if is_id(cancelled):
                self._writer.settle(cancelled)

    def _note_handshake(self, message: JSONRPCMessage) -> None:
        if isinstance(message, JSONRPCNotification) and message.method == "notifications/initialized":
            self.initialized.set()

    async def aclose(self) -> None:
        self._stopping = True
