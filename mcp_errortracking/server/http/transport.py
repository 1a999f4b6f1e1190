"""The transport under the HTTP protocol: each answer is sent in one piece, and closing takes bounded time."""

import asyncio
from typing import Any

LINGER_BYTES = 8 * 1024 * 1024
"""Of a refused body that are read and dropped, so that the client reads its answer."""


class HttpTransport:
    """A transport that sends all writes of one turn of the event loop in one piece.

    uvicorn writes the head and the body of an answer separately. That doubles the system calls, and a process killed
    between the two leaves a load balancer with half an answer, for which it cannot retry with another replica.

    asyncio's `close` waits without a limit for the peer to read; here the wait is limited.
    """

    has_unread = False
    """True if the peer may still be sending data that will not be read: `close` lingers then."""

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
        """True if arriving data is only dropped."""
        self._dropped = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the data at the end of this turn of the event loop."""
        if self.is_lingering:
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def is_closing(self) -> bool:
        """True if nothing more is to be read or written."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close when everything is sent, or when the peer does not read it in time."""
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
        """Count bytes that arrive while lingering."""
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES:
            self.abort()

    def forget(self) -> None:
        """Cancel the timer of a lost connection."""
        if self._deadline is not None:
            self._deadline.cancel()

    def _linger(self) -> None:
        """Send EOF, and close when the peer has sent its own, or after some seconds.

        Closing a socket with unread bytes resets the connection, and the peer may lose its answer.
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
