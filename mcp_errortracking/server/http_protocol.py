"""uvicorn's HTTP protocol with the limits that it lacks, and each answer in one piece."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 15.0
"""For all headers of a request to arrive, from its first byte or from the opening of the connection."""

STALLED_SECONDS = 30.0
"""A peer that takes none of what waits for it for so long is cut off."""


LAST_SECONDS = 1.0
"""For the headers of a request on a connection that was just opened when the server ends."""

HEAD_BYTES = 64 * 1024
"""Of the request line and headers, beyond the piece in which they end."""


class _OneWrite:
    """A transport that sends what is written within one turn of the event loop as one piece.

    uvicorn writes head and body of an answer apart: twice the system calls, and a process that is killed between the
    two leaves a load balancer with half an answer, which it cannot ask another replica for.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting = list[bytes]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Sends it with the next turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def close(self) -> None:
        """Closes when all that was written is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self._waiting.clear()


class TimedProtocol(HttpToolsProtocol):
    """Closes connections whose peer never ends its headers, is too slow with them, or does not take its answer.

    When the server ends, a request that is on its way is answered: a load balancer may have opened its connection
    before it could know, and does not send a write to another replica once it is sent.
    """

    header_seconds = HEADER_SECONDS
    stalled_seconds = STALLED_SECONDS
    last_seconds = LAST_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._headers_due: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._head = 0
        self._is_ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(cast("asyncio.Transport", _OneWrite(transport, self.loop)))
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head = self._head + len(data) if self._headers_due is not None else 0
        if self._head > HEAD_BYTES:
            self._stop_waiting()
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()
        if self._is_ending:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Ends the connection: after the request that is awaited, being received or being answered, if there is one."""
        if self._headers_due is None or self._is_ending:
            super().shutdown()
            return
        self._is_ending = True
        self._headers_due.cancel()
        self._headers_due = self.loop.call_later(self.last_seconds, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _await_headers(self) -> None:
        if self._headers_due is None:
            self._headers_due = self.loop.call_later(self.header_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _too_slow(self) -> None:
        self._headers_due = None
        self._refuse(b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
