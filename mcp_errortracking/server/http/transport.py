"""The transport under the HTTP protocol: each answer in one piece, and a close that ends in bounded time."""

import asyncio
from typing import Any

LINGER_BYTES = 8 * 1024 * 1024
"""Of a refused body that are read and dropped, so that the client gets to its answer."""


class HttpTransport:
    """A transport that sends what is written within one turn of the event loop as one piece.

    uvicorn writes head and body of an answer apart: twice the system calls, and a process that is killed between the
    two leaves a load balancer with half an answer, which it cannot ask another replica for.

    asyncio's `close` waits for the peer to take what was written, without a limit; here it has one.
    """

    has_unread = False
    """Set where the peer may still be sending what will not be read: `close` lingers then."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, *, stalled: float, linger: float
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._stalled_seconds = stalled
        self._linger_seconds = linger
        self._waiting = list[bytes]()
        self._deadline: asyncio.TimerHandle | None = None
        self.is_lingering = False
        """True if what arrives is only dropped."""
        self._dropped = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it with the next turn."""
        if self.is_lingering:
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def is_closing(self) -> bool:
        """True if nothing more is to be read or written."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close when all that was written is sent, or when the peer does not take it in time."""
        self._flush()
        if self._transport.is_closing():
            return
        if self.has_unread and not self.is_lingering and self._transport.can_write_eof():
            self._linger()
            return
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._set_deadline(self._stalled_seconds)

    def abort(self) -> None:
        """Close at once."""
        self._waiting.clear()
        self._transport.abort()

    def drop(self, data: bytes) -> None:
        """Count bytes that arrive while it lingers."""
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES:
            self.abort()

    def forget(self) -> None:
        """Release the timer of a connection that is lost."""
        if self._deadline is not None:
            self._deadline.cancel()

    def _linger(self) -> None:
        """Send the end of the stream, and close when the peer has ended its own, or after some seconds.

        A socket that is closed with unread bytes resets the connection, and the peer may lose its answer.
        """
        self.is_lingering = True
        self._transport.write_eof()
        self._transport.resume_reading()
        self._set_deadline(self._linger_seconds)

    def _set_deadline(self, seconds: float) -> None:
        self.forget()
        self._deadline = self._loop.call_later(seconds, self.abort)

    def _flush(self) -> None:
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self._waiting.clear()
