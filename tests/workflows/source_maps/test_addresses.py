"""The addresses that object storage may have."""

import io

import pytest

from mcp_errortracking.workflows.source_maps.remote import addresses
from mcp_errortracking.workflows.source_maps.remote.addresses import GuardedResolver, network_class
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import AddressRefusedError
from tests.proxy.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
    ],
)
def test_private(address: str) -> None:
    assert network_class(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public(address: str) -> None:
    assert network_class(address) is None


@pytest.mark.parametrize(
    ("posthog", "found", "refused"),
    [
        ("posthog.example", ["10.0.0.1"], True),
        ("posthog.example", ["8.8.8.8", "127.0.0.1"], True),
        ("inside.example", ["10.0.0.1"], False),
        ("unknown.example", ["10.0.0.1"], True),
    ],
)
async def test_a_private_address_is_connected_to_only_if_posthog_has_one(
    monkeypatch: pytest.MonkeyPatch, posthog: str, found: list[str], refused: bool
) -> None:
    names = {"storage.example": found, "posthog.example": ["8.8.4.4"], "inside.example": ["192.168.0.9"]}

    async def resolve(host: str, port: int) -> list[str]:
        if host not in names:
            raise OSError("unknown")
        return names[host]

    monkeypatch.setattr(addresses, "resolve", resolve)
    resolver = GuardedResolver(posthog)

    if refused:
        with pytest.raises(AddressRefusedError, match="inside a private network"):
            await resolver.resolve("storage.example", 443)
    else:
        assert [entry["host"] for entry in await resolver.resolve("storage.example", 443)] == found


async def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1" if asked.count(host) == 1 else "127.0.0.2"]

    monkeypatch.setattr(addresses, "resolve", resolve)
    target = io.BytesIO()
    with FaultServer([http(200, [1])]) as store:
        url = store.url.replace("127.0.0.1", "storage.example")
        async with Storage("http://posthog.example") as storage:
            assert await storage.fetch(f"{url}/key", target, limit=100) == 3

    assert target.getvalue() == b"[1]"
    assert asked == ["storage.example", "posthog.example"]
