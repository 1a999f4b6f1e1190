"""The connections under the HTTP client: httpcore2's pool, which stays fast with many calls in flight.

httpx's own pool gets slower with each call in flight (its requests are polled in turn); httpcore2 is its maintained
successor and is installed with the MCP SDK. benchmarks/ measures the difference.
"""

import ssl
import time
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx
import truststore

from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.network import BoundedNetwork

# In order: the first class that matches names the failure.
_FAILURES: list[tuple[type[Exception], type[httpx.TransportError]]] = [
    (httpcore2.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore2.ReadTimeout, httpx.ReadTimeout),
    (httpcore2.WriteTimeout, httpx.WriteTimeout),
    (httpcore2.PoolTimeout, httpx.PoolTimeout),
    (httpcore2.ProxyError, httpx.ProxyError),
    (httpcore2.ConnectError, httpx.ConnectError),
    (httpcore2.ReadError, httpx.ReadError),
    (httpcore2.WriteError, httpx.WriteError),
    (httpcore2.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore2.UnsupportedProtocol, httpx.UnsupportedProtocol),
    (httpcore2.ProtocolError, httpx.RemoteProtocolError),
    (httpcore2.NetworkError, httpx.NetworkError),
    (httpcore2.TimeoutException, httpx.ReadTimeout),
]


class PoolTransport(httpx.AsyncBaseTransport):
    """httpx's transport interface over httpcore2's connection pool."""

    def __init__(
        self,
        limits: Limits,
        *,
        secure: bool,
        http_proxy: str | None,
        network: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        """
        Args:
            network: opens the sockets; for callers that must not connect to every address.
        """
        self._pool = _Pool(
            lifetime=limits.lifetime,
            # The certificates that the system trusts, so that a company's own authority works.
            ssl_context=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if secure else None,
            proxy=_forward_proxy(http_proxy) if http_proxy else None,
            max_connections=limits.connections,
            max_keepalive_connections=limits.connections,
            keepalive_expiry=limits.keepalive,
            network_backend=BoundedNetwork(network),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over a pooled connection.

        Raises:
            httpx.TransportError: no connection was made, or it broke.
        """
        url = request.url
        with _as_httpx(request):
            answer = await self._pool.handle_async_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        extensions: dict[str, Any] = {**answer.extensions}  # pyright: ignore[reportUnknownMemberType] not typed there
        stream = _AnswerStream(answer.stream, request)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Pool(httpcore2.AsyncConnectionPool):
    """A pool that closes each connection after its lifetime, between two requests, even if it is busy.

    Connections through a forward proxy are kept: there the proxy looks up the host's address.
    """

    def __init__(self, *, lifetime: float, keepalive_expiry: float, **options: Any) -> None:
        super().__init__(keepalive_expiry=keepalive_expiry, **options)
        self._lifetime = lifetime
        kept = {name: options[name] for name in ("ssl_context", "network_backend") if name in options}
        self._options = {"keepalive_expiry": keepalive_expiry, **kept}
        self._is_direct = options["proxy"] is None

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.AsyncConnectionInterface:
        """Return a connection that is not open yet."""
        if not self._is_direct:
            return super().create_connection(origin)
        return _ExpiringConnection(origin, self._lifetime, **self._options)


class _ExpiringConnection(httpcore2.AsyncHTTPConnection):
    def __init__(self, origin: httpcore2.Origin, lifetime: float, **options: Any) -> None:
        super().__init__(origin, **options)
        self._ends = time.monotonic() + lifetime

    def has_expired(self) -> bool:
        """True if the connection must not be used again; the pool asks between requests."""
        return super().has_expired() or time.monotonic() > self._ends or self._has_trailing_data()

    def _has_trailing_data(self) -> bool:
        """True if data followed the answer: it would be taken for the answer to the next request."""
        inner = self._connection
        return isinstance(inner, httpcore2.AsyncHTTP11Connection) and bool(inner._h11_state.trailing_data[0])  # pyright: ignore[reportPrivateUsage]


def _forward_proxy(address: str) -> httpcore2.Proxy:
    """Return the proxy with that address, which may hold a user name and password."""
    url = httpx.URL(address)
    auth = (url.username, url.password) if url.username else None
    return httpcore2.Proxy(str(url.copy_with(userinfo=b"")), auth=auth)


class _AnswerStream(httpx.AsyncByteStream):
    def __init__(self, stream: Any, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._request):
            async for part in self._stream:
                yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextmanager
def _as_httpx(request: httpx.Request) -> Generator[None]:
    try:
        yield
    except Exception as error:
        for kind, named in _FAILURES:
            if isinstance(error, kind):
                raise named(str(error), request=request) from error
        raise
