"""The addresses that object storage may have."""

import pytest

from mcp_errortracking.workflows.source_maps.remote import addresses
from mcp_errortracking.workflows.source_maps.remote.addresses import GuardedNetwork, network_class
from mcp_errortracking.workflows.source_maps.remote.storage_errors import AddressRefusedError

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
    connected = list[str]()

    async def resolve(host: str, port: int) -> list[str]:
        if host not in names:
            raise OSError("unknown")
        return names[host]

    class Inner:
        async def connect_tcp(self, host: str, *_: object) -> str:
            connected.append(host)
            return "stream"

    monkeypatch.setattr(addresses, "resolve", resolve)
    network = GuardedNetwork(posthog)
    network._inner = Inner()  # pyright: ignore[reportAttributeAccessIssue]

    if refused:
        with pytest.raises(AddressRefusedError, match="inside a private network"):
            await network.connect_tcp("storage.example", 443)
        assert connected == []
    else:
        # The address that was looked at is the one connected to: the name is not resolved again.
        assert await network.connect_tcp("storage.example", 443) == "stream"
        assert connected == found
