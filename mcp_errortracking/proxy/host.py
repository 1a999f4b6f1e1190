"""What is shared by all who call one host."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_errortracking.proxy.address import Form
from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.rate_limit.limiter import Pacer

if TYPE_CHECKING:
    from mcp_errortracking.proxy.transport import PoolTransport


class Host:
    """The connections to a host, the form of project paths that it knows, and the pace it allows each key."""

    def __init__(self, origin: str, limits: Limits, http_proxy: str | None, pacer: Pacer) -> None:
        self.form: Form = "projects"
        self.pacer = pacer
        self._secure = origin.startswith("https:")
        self._limits = limits
        self._http_proxy = http_proxy
        self._transport: PoolTransport | None = None

    @property
    def http_proxy(self) -> str | None:
        """The address of the forward proxy, fit to be shown: without the user name and password it may hold."""
        if self._http_proxy is None:
            return None
        parts = urlsplit(self._http_proxy)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def timeouts(self) -> dict[str, float]:
        """The times of one request, as the transport reads them."""
        limits = self._limits
        return {"connect": limits.connect, "read": limits.read, "write": limits.write, "pool": limits.pool}

    def connect(self) -> "PoolTransport":
        """The connections, made with the first call. They hold no key: each request brings its own."""
        if self._transport is None:
            from mcp_errortracking.proxy.transport import PoolTransport

            self._transport = PoolTransport(self._limits, secure=self._secure, http_proxy=self._http_proxy)
        return self._transport

    async def aclose(self) -> None:
        """Closes every connection."""
        if self._transport is not None:
            transport, self._transport = self._transport, None
            await transport.aclose()
