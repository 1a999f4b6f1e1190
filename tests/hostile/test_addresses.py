"""Addresses that a presigned URL or a redirect names, so that something inside the network gets a request."""

import io

import anyio
import pytest

from mcp_errortracking.workflows.source_maps.remote import addresses
from mcp_errortracking.workflows.source_maps.remote.addresses import GuardedResolver, literal_class, network_class
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import AddressRefusedError

pytestmark = pytest.mark.anyio

INSIDE = {
    "Loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "This Network": ["0.0.0.0", "0.1.2.3", "::"],
    "Private-Use": ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1"],
    "Unique-Local": ["fc00::1", "fdff::1", "fd00:ec2::253"],
    "Shared Address Space": ["100.64.0.1", "100.127.255.255"],
    "Link-Local": ["169.254.0.1", "169.254.169.253", "fe80::1", "fe80::1%eth0", "febf::1"],
    "Site-Local": ["fec0::1", "feff::1"],
    "IETF Protocol Assignments": ["192.0.0.1", "192.0.0.8", "192.0.0.170", "2001:2::1", "2001:10::1", "2001:1ff::1"],
    "Documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "Benchmarking": ["198.18.0.1", "198.19.255.255"],
    "6to4 Relay Anycast": ["192.88.99.1"],
    "Multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "Reserved": ["240.0.0.1", "255.255.255.255", "::ffff:0:7f00:1", "4000::1", "e000::1", "fe00::1", "400::1"],
    "Segment Routing (SRv6) SIDs": ["5f00::1", "5f00:ffff::1"],
    "Discard-Only Address Block": ["100::1"],
    "TEREDO": ["2001:0:4136:e378:8000:63bf:f7f7:f7f7"],
    "6to4": ["2002:808:808::1"],
    "IPv4-Compatible": ["::8.8.8.8"],
    "IPv4-IPv6 Translation, local": ["64:ff9b:1::808:808"],
    "Cloud Metadata": [
        *("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "192.0.0.192", "100.100.100.200", "168.63.129.16"),
    ],
}


def embeddings(ipv4: str) -> list[str]:
    """Return every IPv6 address that leads to this IPv4 address."""
    a, b, c, d = map(int, ipv4.split("."))
    high, low = a << 8 | b, c << 8 | d
    return [
        *(f"::{ipv4}", f"::ffff:{ipv4}", f"64:ff9b::{ipv4}", f"64:ff9b:1::{ipv4}", f"2002:{high:x}:{low:x}::1"),
        f"2001:0:{high:x}:{low:x}:8000:63bf:f7f7:f7f7",  # as the server of Teredo
        f"2001:0:4136:e378:8000:63bf:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}",  # as its client
    ]


@pytest.mark.parametrize(("name", "members"), INSIDE.items())
def test_an_address_inside_has_the_class_of_its_network_in_every_form(name: str, members: list[str]) -> None:
    for address in members:
        assert network_class(address) == name, address
        for other in embeddings(address) if "." in address and ":" not in address else []:
            # ::0.0.0.0/8 holds loopback and the unspecified address, which have a class of their own
            assert network_class(other) in ({name, "Loopback"} if other.startswith("::0.") else {name}), other


@pytest.mark.parametrize(
    "address",
    [
        *(
            "8.8.8.8",
            "1.1.1.1",
            "52.216.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "169.253.255.255",
            "192.0.1.1",
            "198.20.0.1",
        ),
        *("2606:4700::1111", "2a00:1450::1", "2620:4f:8000::1", "2001:200::1", "2001:4860:4860::8888", "3ffe::1"),
        *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),  # the second is what a network without IPv4 calls S3
    ],
)
def test_public_addresses_have_no_class(address: str) -> None:
    assert network_class(address) is None


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "017700000001", "127.0.0.1."),
        *("localhost", "LOCALHOST", "localhost.", "a.localhost", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"),
    ],
)
def test_a_host_is_known_to_be_this_machine_in_every_form(host: str) -> None:
    assert literal_class(host) == "Loopback"
    assert literal_class("storage.example") is None


def resolver_of(monkeypatch: pytest.MonkeyPatch, posthog: list[str], storage: list[str]) -> GuardedResolver:
    async def resolve(host: str, _port: int) -> list[str]:
        return {"posthog.example": posthog, "storage.example": storage}[host]

    monkeypatch.setattr(addresses, "resolve", resolve)
    return GuardedResolver("posthog.example")


@pytest.mark.parametrize(("name", "members"), INSIDE.items())
async def test_storage_inside_is_connected_to_only_where_posthog_is_of_its_class(
    monkeypatch: pytest.MonkeyPatch, name: str, members: list[str]
) -> None:
    for own, others in INSIDE.items():
        for address in members:
            resolver = resolver_of(monkeypatch, [others[0]], ["8.8.8.8", address])
            if own == name:
                assert [entry["host"] for entry in await resolver.resolve("storage.example", 443)] == [
                    "8.8.8.8",
                    address,
                ]
            else:
                with pytest.raises(AddressRefusedError, match="inside a private network"):
                    await resolver.resolve("storage.example", 443)


async def test_one_class_of_posthog_does_not_open_another(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = resolver_of(monkeypatch, ["10.0.0.1", "::1"], ["10.0.0.2", "169.254.169.254"])
    with pytest.raises(AddressRefusedError) as refused:
        await resolver.resolve("storage.example", 80)
    assert "PostHog itself has no Cloud Metadata address" in str(refused.value)


async def test_a_sandbox_on_this_machine_cannot_send_us_to_the_metadata_service() -> None:
    async with Storage("http://127.0.0.1:9") as storage:
        for host in ("169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "[::ffff:10.0.0.1]", "2852039166"):
            with pytest.raises(AddressRefusedError), anyio.fail_after(20):
                await storage.fetch(f"http://{host}/latest/meta-data/", io.BytesIO(), limit=100)


async def test_through_a_proxy_literal_addresses_are_held_to_the_same_rule() -> None:
    async with Storage("http://10.0.0.1", http_proxy="http://127.0.0.1:9") as storage:
        for host in ("169.254.169.254", "127.0.0.1", "127.1", "0x7f000001", "2852039166", "localhost", "[::1]"):
            with pytest.raises(AddressRefusedError, match="inside a private network"):
                await storage.fetch(f"http://{host}/", io.BytesIO(), limit=100)
