"""The state that all callers of one host share."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_errortracking.imports import import_in_thread
from mcp_errortracking.proxy.address import Form
from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.rate_limit.limiter import RateLimiter

if TYPE_CHECKING:
    from mcp_errortracking.proxy.transport import PoolTransport


class Host:
    """The connections to a host, the form of project paths that it knows, and the rate limits of its keys."""

    def __init__(self, origin: str, limits: Limits, http_proxy: str | None, rate_limiter: RateLimiter) -> None:
        self.form: Form = "projects"
        self.rate_limiter = rate_limiter
        self._secure = origin.startswith("https:")
        self._limits = limits
        self._http_proxy = http_proxy
        self._transport: PoolTransport | None = None

    @property
    def http_proxy(self) -> str | None:
        """The address of the forward proxy for display, without the user name and password that it may hold."""
        if self._http_proxy is None:
            return None
        parts = urlsplit(self._http_proxy)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def timeouts(self) -> dict[str, float]:
        """The timeouts of one request, as the transport reads them."""
        limits = self._limits
        return {"connect": limits.connect, "read": limits.read, "write": limits.write, "pool": limits.pool}

    async def connect(self) -> "PoolTransport":
        """Return the connections, opened by the first call. They hold no key: each request carries its own."""
        if self._transport is None:
            await import_in_thread("mcp_errortracking.proxy.transport")
        if self._transport is None:
            from mcp_errortracking.proxy.transport import PoolTransport

            self._transport = PoolTransport(self._limits, secure=self._secure, http_proxy=self._http_proxy)
        return self._transport

    async def aclose(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            transport, self._transport = self._transport, None
            await transport.aclose()
        await self.rate_limiter.aclose()
