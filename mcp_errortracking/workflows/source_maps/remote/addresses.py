"""The addresses allowed for object storage: public ones, and those of PostHog's own network class.

A presigned URL comes from PostHog, and a redirect from the server it leads to; neither may be used to reach a router's
web page or a cloud's metadata service. The check is made on the address that is connected to, so that a name which
resolves differently the second time gains nothing.
"""

import ipaddress
import socket

import anyio
from aiohttp.abc import AbstractResolver, ResolveResult

from mcp_errortracking.workflows.source_maps.remote.storage_errors import AddressRefusedError

_SPECIAL: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Loopback", "RFC 1122, RFC 4291", ("127.0.0.0/8", "::1/128")),
    ("This Network", "RFC 791, RFC 4291", ("0.0.0.0/8", "::/128")),
    ("Private-Use", "RFC 1918", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    ("Unique-Local", "RFC 4193", ("fc00::/7",)),
    ("Shared Address Space", "RFC 6598", ("100.64.0.0/10",)),
    ("Link-Local", "RFC 3927, RFC 4291", ("169.254.0.0/16", "fe80::/10")),
    ("Site-Local", "RFC 3879", ("fec0::/10",)),
    ("IETF Protocol Assignments", "RFC 6890, RFC 2928", ("192.0.0.0/24", "2001::/23")),
    ("Documentation", "RFC 5737", ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")),
    ("Documentation", "RFC 3849, RFC 9637", ("2001:db8::/32", "3fff::/20")),
    ("Benchmarking", "RFC 2544", ("198.18.0.0/15",)),
    ("6to4 Relay Anycast", "RFC 7526", ("192.88.99.0/24",)),
    ("Multicast", "RFC 1112, RFC 4291", ("224.0.0.0/4", "ff00::/8")),
    ("Reserved", "RFC 1112", ("240.0.0.0/4",)),
    ("Segment Routing (SRv6) SIDs", "RFC 9602", ("5f00::/16",)),
    ("Discard-Only Address Block", "RFC 6666", ("100::/64",)),
    ("TEREDO", "RFC 4380", ("2001::/32",)),
    ("6to4", "RFC 3056", ("2002::/16",)),
    ("IPv4-Compatible", "RFC 4291", ("::/96",)),
    ("IPv4-IPv6 Translation, local", "RFC 8215", ("64:ff9b:1::/48",)),
    ("Cloud Metadata", "AWS and others, AWS, GCP", ("169.254.169.254/32", "fd00:ec2::254/128", "fd20:ce::254/128")),
    ("Cloud Metadata", "Oracle, Alibaba, Azure", ("192.0.0.192/32", "100.100.100.200/32", "168.63.129.16/32")),
)
"""Networks that are not of the public internet: class, source, networks.

The classes have the names of IANA's registries of special-purpose addresses and of IPv6 address space, except for
the metadata services of clouds: a PostHog in a network of the same kind must not make them reachable.
"""

_CLASSES = [(ipaddress.ip_network(network), name) for name, _, networks in _SPECIAL for network in networks]
_CLASSES.sort(key=lambda entry: -entry[0].prefixlen)  # the narrowest network decides
_UNICAST = ipaddress.ip_network("2000::/3")  # all of IPv6 that is handed out for the public internet
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV4_AT_END = (_NAT64, ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("::/96"))


def network_class(address: str) -> str | None:
    """Return the class of an IP address, like `Loopback`; None if it is public.

    An IPv6 address that stands for an IPv4 address which is not public has the class of that one.

    Raises:
        ValueError: `address` is not an IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    found = next((name for network, name in _CLASSES if ip in network), None)
    if isinstance(ip, ipaddress.IPv4Address):
        return found
    if found in ("Loopback", "This Network"):  # they lie among the IPv4-compatible addresses
        return found
    inner = [network_class(str(one)) for one in _embedded(ip)]
    if any(inner):
        return next(filter(None, inner))
    if ip.ipv4_mapped is not None or ip in _NAT64:
        return None
    return found or (None if ip in _UNICAST else "Reserved")


def _embedded(ip: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address leads to."""
    if any(ip in network for network in _IPV4_AT_END):
        return [ipaddress.IPv4Address(ip.packed[-4:])]
    return [*(ip.teredo or ()), *filter(None, (ip.ipv4_mapped, ip.sixtofour))]


def literal_class(host: str) -> str | None:
    """Return the class of a host that is an address, in any form that a resolver takes, or a name of this machine.

    None for every other name: only its resolver knows.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "Loopback"
    try:
        return network_class(name)
    except ValueError:
        pass
    try:
        return network_class(socket.inet_ntoa(socket.inet_aton(name)))  # 127.1, 0x7f000001
    except (OSError, ValueError):
        return None


def is_address(host: str) -> bool:
    """True if a host is an address, in any form that a resolver takes: no top-level domain begins with a digit."""
    return ":" in host or host.rstrip(".").rpartition(".")[2][:1].isdigit()


async def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, in the order in which to try them.

    Raises:
        OSError: the name has no address.
    """
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedResolver(AbstractResolver):
    """A resolver that gives public addresses, and others if PostHog has one of the same class."""

    def __init__(self, posthog: str) -> None:
        """
        Args:
            posthog: host name or address of PostHog, as configured.
        """
        self._posthog = posthog
        self._own_classes: set[str | None] | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host, if all of them may be connected to.

        Raises:
            AddressRefusedError: one of them is not public, and PostHog has none of its class.
            OSError: the name has no address.
        """
        addresses = await resolve(host, port)
        inside = {name for name in map(network_class, addresses) if name is not None}
        if inside and (foreign := inside - await self._classes_of_posthog()):
            raise AddressRefusedError(
                "Object storage has an address inside a private network.",
                f"PostHog itself has no {' or '.join(sorted(foreign))} address, so nothing was sent to it.",
            )
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [
            ResolveResult(hostname=host, host=address, port=port, family=families[":" in address], proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        """Do nothing: a resolver holds no connection."""

    async def _classes_of_posthog(self) -> set[str | None]:
        if self._own_classes is None:
            try:
                self._own_classes = {network_class(address) for address in await resolve(self._posthog, 443)}
            except OSError:
                return set()
        return self._own_classes
