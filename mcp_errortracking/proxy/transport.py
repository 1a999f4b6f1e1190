"""The connections under the HTTP client: httpx's transport interface over aiohttp's pool and its parser in C.

A call costs half the CPU of httpx's own transport (benchmarks/ measures it). Only aiohttp's connections are used: no
cookies, redirects, decompression, settings of the environment or second tries.
"""

import math
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses
from typing import Any, cast

import aiohttp
import anyio
import httpx
import truststore
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import HttpProcessingError
from anyio import lowlevel
from yarl import URL

from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.response_handler import InformationalError, StrictConnector
from mcp_errortracking.system.network_errors import words_for

_ADDED_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp adds to a request that lacks them."""

_TURNS = 2
"""Turns of the event loop before a request: one to see that a kept connection has ended, one to notify aiohttp."""

# In order: the first class that matches names the failure.
_FAILURES: list[tuple[type[Exception], type[httpx.TransportError]]] = [
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectionError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (HttpProcessingError, httpx.RemoteProtocolError),
    (InformationalError, httpx.RemoteProtocolError),
    (TimeoutError, httpx.ReadTimeout),
    (OSError, httpx.ReadError),
]


class PoolTransport(httpx.AsyncBaseTransport):
    """A pool of connections.

    Each is closed after its lifetime, between two requests, even if it is busy. Connections through a forward proxy are
    kept: there the proxy looks up the host's address.
    """

    def __init__(
        self, limits: Limits, *, secure: bool, http_proxy: str | None, resolver: AbstractResolver | None = None
    ) -> None:
        """
        Args:
            http_proxy: address of a forward proxy, which may hold a user name and password.
            resolver: looks up hosts; for callers that must not connect to every address.
        """
        self._limits = limits
        # The certificates that the system trusts, so that a company's own authority works.
        self._certificates = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if secure else None
        self._proxy = _ForwardProxy(http_proxy) if http_proxy else None
        self._resolver = resolver
        self._free = anyio.Semaphore(limits.connections)
        self._pools = list[_Pool]()
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over a pooled connection.

        Raises:
            httpx.TransportError: no connection was made, or it broke.
        """
        timeouts: dict[str, float] = request.extensions["timeout"]
        await self._wait_for_turn(request, timeouts["pool"])
        if self._is_closed:
            self._free.release()
            raise httpx.ConnectError("the connections were closed", request=request)
        pool = self._current_pool()
        pool.in_use += 1
        try:
            answer = await self._send(pool, request, timeouts)
        except BaseException:
            await self._end(pool)
            raise
        stream = _AnswerStream(answer, request, lambda: self._end(pool))
        if answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
            await stream.aclose()
            raise httpx.RemoteProtocolError("the server switched to another protocol", request=request)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=stream)

    async def aclose(self) -> None:
        """Close every connection, including those in use. Requests that wait for one fail."""
        self._is_closed = True
        while self._pools:
            await self._pools.pop().session.close()

    async def _wait_for_turn(self, request: httpx.Request, seconds: float) -> None:
        for _ in range(_TURNS):
            await lowlevel.checkpoint()
        try:
            self._free.acquire_nowait()
        except anyio.WouldBlock:
            try:
                with anyio.fail_after(seconds):
                    await self._free.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout("", request=request) from None

    def _current_pool(self) -> "_Pool":
        """Return the pool for new requests: another one after each lifetime of connections."""
        if not self._pools or (self._proxy is None and self._pools[-1].ends < time.monotonic()):
            connector = StrictConnector(
                limit=0,  # `_free` limits the requests
                keepalive_timeout=self._limits.keepalive,
                resolver=self._resolver or aiohttp.ThreadedResolver(),
                ssl=self._certificates or True,
            )
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_ADDED_HEADERS,
                middlewares=[_once],
            )
            self._pools.append(_Pool(session, time.monotonic() + self._limits.lifetime))
        return self._pools[-1]

    async def _end(self, pool: "_Pool") -> None:
        """End a request. The last one of an old pool closes its connections."""
        self._free.release()
        pool.in_use -= 1
        for old in [old for old in self._pools[:-1] if not old.in_use]:
            self._pools.remove(old)
            await old.session.close()

    async def _send(self, pool: "_Pool", request: httpx.Request, timeouts: dict[str, float]) -> aiohttp.ClientResponse:
        url, headers, options = _url_of(request), request.headers, dict[str, Any]()
        if self._proxy is not None:
            options["proxy"] = self._proxy.url
            if url.scheme == "https":
                options["proxy_headers"] = self._proxy.headers
            else:
                headers = httpx.Headers({**headers, **self._proxy.headers})
        with _as_httpx(request), anyio.CancelScope() as writing:
            body = _body_of(request, writing, timeouts["write"])
            try:
                return await pool.session.request(
                    request.method,
                    url,
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, connect=timeouts["connect"], sock_read=timeouts["read"]),
                    **options,
                )
            except aiohttp.ClientConnectionError:
                if isinstance(body, _Body) and body.failure is not None:
                    raise body.failure from None
                raise
        raise httpx.WriteTimeout("", request=request)


@dataclass
class _Pool:
    """Connections of about the same age: none of them is used after the pool's end."""

    session: aiohttp.ClientSession
    ends: float
    in_use: int = 0


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request, and hide a broken connection from aiohttp, which would send some requests again."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _BrokenError(error) from error


class _BrokenError(Exception):
    """A request failed for the reason that it carries."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _ForwardProxy:
    """A forward proxy, and the headers that log in to it."""

    def __init__(self, address: str) -> None:
        url = httpx.URL(address)
        self.url = URL(str(url.copy_with(userinfo=b"")), encoded=True)
        login = b64encode(f"{url.username}:{url.password}".encode()).decode()
        # The repr of httpx's headers hides the password.
        self.headers = httpx.Headers({"Proxy-Authorization": f"Basic {login}"} if url.username else {})


def _url_of(request: httpx.Request) -> URL:
    try:
        return URL(str(request.url), encoded=True)
    except ValueError as error:
        raise httpx.UnsupportedProtocol(str(error), request=request) from None


def _body_of(request: httpx.Request, writing: anyio.CancelScope, seconds: float) -> "bytes | _Body | None":
    if isinstance(request.stream, httpx.ByteStream):
        return request.read() or None
    return _Body(cast("httpx.AsyncByteStream", request.stream), writing, seconds)


class _Body:
    """A body that is sent piece by piece; a piece that is not taken in time ends the request."""

    def __init__(self, stream: httpx.AsyncByteStream, writing: anyio.CancelScope, seconds: float) -> None:
        self._stream, self._writing, self._seconds = stream, writing, seconds
        self.failure: Exception | None = None
        """The exception that reading the body raised."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                self._writing.deadline = anyio.current_time() + self._seconds
                yield piece
                self._writing.deadline = math.inf
        except Exception as error:
            self.failure = error
            raise


class _AnswerStream(httpx.AsyncByteStream):
    def __init__(
        self, answer: aiohttp.ClientResponse, request: httpx.Request, end: Callable[[], Awaitable[None]]
    ) -> None:
        self._answer = answer
        self._request = request
        self._end: Callable[[], Awaitable[None]] | None = end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._request):
            async for part in self._answer.content.iter_any():
                yield part

    async def aclose(self) -> None:
        """Keep the connection if the body was read to its end, and close it otherwise."""
        self._answer.release() if self._answer.content.at_eof() else self._answer.close()
        if self._end is not None:
            end, self._end = self._end, None
            await end()


@contextmanager
def _as_httpx(request: httpx.Request) -> Generator[None]:
    try:
        yield
    except Exception as error:
        reason = error.reason if isinstance(error, _BrokenError) else error
        for kind, named in _FAILURES:
            if isinstance(reason, kind):
                raise named(_text_of(reason), request=request) from None
        raise


def _text_of(error: Exception) -> str:
    """Return the reason of a failure, without the URL and the server's bytes that aiohttp writes into some."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return words_for(error.os_error) or error.os_error.strerror or str(error.os_error)
    if isinstance(error, aiohttp.ClientResponseError):  # of a forward proxy, or of the parser
        is_of_proxy = isinstance(error, aiohttp.ClientHttpProxyError)
        # Not the proxy's own phrase, which may repeat the login that was sent to it.
        return f"{error.status} {responses.get(error.status, '')}" if is_of_proxy else _before_bytes(error.message)
    if isinstance(error, HttpProcessingError):
        return _before_bytes(error.message)
    if isinstance(error, aiohttp.ClientOSError):
        return words_for(error) or "the connection was closed"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "Server disconnected without sending a response."
    return str(error)


def _before_bytes(message: str) -> str:
    """Return a message of the parser without the bytes that it quotes: they may hold the key, or a presigned URL."""
    return message.partition(":")[0]
