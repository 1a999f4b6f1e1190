"""A network backend for httpcore2 that ends a connection with too many informational responses.

httpcore2 skips any number of them (100, 103) before an answer, many in one turn of the event loop.
"""

import re
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore2

MOST_INFORMATIONAL = 10
"""Informational responses to one request."""

_STATUS_LINE = re.compile(rb"^HTTP/\d\.\d ([1-9])\d\d", re.MULTILINE)
_LONGEST_START = len(b"HTTP/1.1 100") - 1


class BoundedNetwork(httpcore2.AsyncNetworkBackend):
    """Another network backend, with the limit on informational responses for each of its connections."""

    def __init__(self, inner: httpcore2.AsyncNetworkBackend | None = None) -> None:
        """
        Args:
            inner: opens the sockets; None: httpcore2's own backend.
        """
        self._inner = inner or cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 the base class has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to a host; raise as the other backend does."""
        return _BoundedStream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _BoundedStream(httpcore2.AsyncNetworkStream):
    """A connection that is read up to the limit of informational responses."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._informational: int | None = None
        """Informational responses since the request; None once the answer has begun."""
        self._line = b""
        """The beginning of a line that a read has cut off."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 as above
        """Return the next bytes.

        Raises:
            httpcore2.RemoteProtocolError: too many informational responses were received.
        """
        data = await self._inner.read(max_bytes, timeout)
        if self._informational is not None:
            self._count(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 as above
        self._informational, self._line = 0, b""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 as above
    ) -> httpcore2.AsyncNetworkStream:
        """Return the same connection with TLS."""
        return _BoundedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _count(self, data: bytes) -> None:
        text = self._line + data
        for status in _STATUS_LINE.finditer(text):
            if status[1] != b"1":
                self._informational = None
                return
            self._informational = (self._informational or 0) + 1
            if self._informational > MOST_INFORMATIONAL:
                raise httpcore2.RemoteProtocolError(f"more than {MOST_INFORMATIONAL} informational responses")
        last = text.rfind(b"\n") + 1
        # A cut-off line that is longer is not a status line, or has been counted.
        self._line = text[last:] if len(text) - last <= _LONGEST_START else b"-"
