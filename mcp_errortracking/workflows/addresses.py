"""Which addresses object storage may have: none inside the user's network, unless PostHog itself is there.

A presigned URL comes from PostHog, and a redirect from wherever that leads; neither may be used to reach a router's web
page or a cloud's metadata service. The check is made on the address that is connected to, so that a name which answers
differently the second time gains nothing.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any, cast

import anyio
import httpcore2

from mcp_errortracking.workflows.storage_errors import AddressRefusedError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")  # not in every Python's list of private networks


def is_private(address: str) -> bool:
    """Whether an IP address is none of the public internet: loopback, link-local, private, reserved, multicast."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(ip.packed[-4:]) if ip in _NAT64 else None)
        if inner is not None:
            return is_private(str(inner))
    return not ip.is_global or ip.is_multicast or ip in _LOCAL_NAT64


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host, in the order in which they are to be tried.

    Raises:
        OSError: the name has none.
    """
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens sockets to public addresses, and to private ones if PostHog has one too."""

    def __init__(self, posthog: str) -> None:
        """
        Args:
            posthog: host name or address of PostHog, as configured.
        """
        self._inner = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        self._posthog = posthog
        self._is_inside: bool | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 the base class has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connects to the first address of the host that answers.

        Raises:
            AddressRefusedError: one of its addresses is private, and PostHog's is not.
            httpcore2.ConnectError: no address, or none that answers.
        """
        try:
            addresses = await resolve(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(f"the name has no address: {error.strerror or error}") from None
        if any(is_private(address) for address in addresses) and not await self._may_go_inside():
            raise AddressRefusedError(
                "Object storage has an address inside a private network.",
                "PostHog itself is not there, so nothing was sent to it.",
            )
        last = httpcore2.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as error:
                last = error
        raise last

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def _may_go_inside(self) -> bool:
        if self._is_inside is None:
            try:
                self._is_inside = any(is_private(address) for address in await resolve(self._posthog, 443))
            except OSError:
                return False
        return self._is_inside
