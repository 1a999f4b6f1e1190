"""The keys of an issuer: found, rotated, and not to be had. Requests are counted, and the clock is the test's own."""

import threading
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio import to_thread

from mcp_errortracking.config import ConfigError
from mcp_errortracking.oauth import requests as limits
from mcp_errortracking.oauth.errors import IssuerError
from mcp_errortracking.oauth.requests import MOST_BYTES, Requests
from mcp_errortracking.oauth.signing_keys import MOST_AGE, REFRESH_SECONDS, RETRY_SECONDS, SigningKeys
from tests.oauth.tokens import ISSUER, jwks
from tests.proxy.fault_server import FaultServer, Reply, http

pytestmark = pytest.mark.anyio


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Keys:
    """Keys at the address of a server, or found by its metadata, and the clock that they are read by."""

    def __init__(self, server: FaultServer, issuer: str = ISSUER, *, discover: bool = False) -> None:
        self.clock = Clock()
        self.requests = Requests(lambda _: None, seconds=limits.SECONDS)
        self.keys = SigningKeys(self.requests, issuer, None if discover else f"{server.url}/keys", clock=self.clock)

    async def __aenter__(self) -> "Keys":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.requests.aclose()

    async def has(self, key_id: str, algorithm: str = "RS256") -> bool:
        return await self.keys.find(key_id, algorithm) is not None

    async def problem(self, key_id: str = "rsa") -> str:
        with pytest.raises(IssuerError) as caught:
            await self.keys.find(key_id, "RS256")
        return str(caught.value)


async def test_keys_are_requested_once_and_again_when_they_are_old() -> None:
    with FaultServer([http(200, jwks("rsa"))]) as server:
        async with Keys(server) as keys:
            for _ in range(5):
                assert await keys.has("rsa")
            assert len(server.received) == 1
            keys.clock.now += REFRESH_SECONDS
            assert await keys.has("rsa")
            assert len(server.received) == 2


async def test_a_rotated_key_is_found_by_one_more_request() -> None:
    with FaultServer([http(200, jwks("rsa")), http(200, jwks("rsa-new", "rsa"))]) as server:
        async with Keys(server) as keys:
            assert await keys.has("rsa")
            keys.clock.now += RETRY_SECONDS
            assert await keys.has("rsa-new")
            assert len(server.received) == 2


async def test_unknown_keys_cause_few_requests() -> None:
    with FaultServer([http(200, jwks("rsa"))]) as server:
        async with Keys(server) as keys:
            for number in range(100):
                assert not await keys.has(f"unknown-{number}")
            assert len(server.received) == 1
            keys.clock.now += RETRY_SECONDS
            for number in range(100):
                assert not await keys.has(f"unknown-{number}")
            assert await keys.has("rsa")
            assert len(server.received) == 2


async def test_a_caller_that_leaves_does_not_stop_the_others() -> None:
    gate = threading.Event()
    with FaultServer([replace(http(200, jwks("rsa")), gate=gate), http(200, jwks("rsa"))]) as server:
        async with Keys(server) as keys:
            async with anyio.create_task_group() as group:
                group.start_soon(keys.has, "rsa")
                await to_thread.run_sync(server.arrived.acquire)
                group.cancel_scope.cancel()
            gate.set()
            assert await keys.has("rsa")
            assert len(server.received) == 2


async def test_a_forward_proxy_of_another_kind_is_a_problem_of_the_issuer() -> None:
    def refuse(_: str) -> str:
        raise ConfigError("The proxy in ALL_PROXY is not an HTTP proxy")

    requests = Requests(refuse)
    with pytest.raises(IssuerError, match="not an HTTP proxy"):
        await requests.get("https://login.example/keys")


async def test_an_issuer_that_is_down_at_first(caplog: pytest.LogCaptureFixture) -> None:
    with FaultServer([http(502), http(200, jwks("rsa"))]) as server:
        async with Keys(server) as keys:
            await keys.keys.refresh()
            for _ in range(3):
                assert await keys.problem() == f"{server.url}/keys answered with status 502"
            assert len(server.received) == 1
            keys.clock.now += RETRY_SECONDS
            assert await keys.has("rsa")
    assert [record.getMessage() for record in caplog.records] == [
        f"the signing keys of the OAuth issuer cannot be read: {server.url}/keys answered with status 502",
        "the signing keys of the OAuth issuer can be read again",
    ]


async def test_an_issuer_that_is_down_later() -> None:
    with FaultServer([http(200, jwks("rsa")), Reply(drop=True)]) as server:
        async with Keys(server) as keys:
            assert await keys.has("rsa")
            keys.clock.now += MOST_AGE - 1
            assert await keys.has("rsa")
            # The issuer may have a new key: nobody can say that this token is wrong.
            assert "cannot be reached" in await keys.problem("rsa-new")
            keys.clock.now += 1
            assert "cannot be reached" in await keys.problem("rsa")


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (http(302, Location="http://127.0.0.1:1/keys"), "redirects (status 302), which is not followed"),
        (http(404), "answered with status 404"),
        (http(200, b"<html>"), "is not JSON"),
        (http(200, b"[" * 100_000), "is not JSON"),
        (http(200, [1]), "is not a JSON object"),
        (http(200, {"keys": "none"}), "is not a set of keys"),
        (http(200, {"keys": [{"kty": "oct", "kid": "rsa", "k": "c2VjcmV0"}]}), "has no public key for signatures"),
        (http(200, b" " * (MOST_BYTES + 1)), "is larger than 256 KiB"),
        (http(200, b"{}", length=1000), "cannot be reached"),
    ],
)
async def test_keys_that_cannot_be_read(reply: Reply, says: str) -> None:
    with FaultServer([reply]) as server:
        async with Keys(server) as keys:
            assert says in await keys.problem()
            assert len(server.received) == 1


async def test_keys_that_arrive_too_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.2)
    drip = Reply(http(200, b" " * 4000).raw, drip=True)
    with FaultServer([drip]) as server:
        async with Keys(server) as keys:
            assert await keys.problem() == f"{server.url}/keys did not answer within 0.2 s"
            assert await to_thread.run_sync(lambda: server.hung_up.acquire(timeout=10))


def metadata(url: str, **more: Any) -> Reply:
    return http(200, {"issuer": url, "jwks_uri": f"{url}/keys"} | more)


async def test_keys_are_found_by_the_metadata_of_openid_connect() -> None:
    with FaultServer([]) as server:
        issuer = f"{server.url}/realms/acme"
        server.script += [metadata(issuer), http(200, jwks("rsa"))]
        async with Keys(server, issuer, discover=True) as keys:
            assert await keys.has("rsa")
    paths = [request.target for request in server.received]
    assert paths == ["/realms/acme/.well-known/openid-configuration", "/realms/acme/keys"]


async def test_keys_are_found_by_the_metadata_of_oauth() -> None:
    with FaultServer([]) as server:
        issuer = f"{server.url}/realms/acme"
        server.script += [http(404), metadata(issuer), http(200, jwks("rsa"))]
        async with Keys(server, issuer, discover=True) as keys:
            assert await keys.has("rsa")
    assert server.received[1].target == "/.well-known/oauth-authorization-server/realms/acme"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"issuer": "https://other.example"}, "is of the issuer 'https://other.example', and MCP_OAUTH_ISSUER is "),
        ({"issuer": None}, "is of the issuer 'None'"),
        ({"jwks_uri": "http://other.example/keys"}, "names no jwks_uri with https://"),
        ({"jwks_uri": "file:///etc/passwd"}, "names no jwks_uri with https://"),
        ({"jwks_uri": 7}, "names no jwks_uri with https://"),
    ],
)
async def test_metadata_of_another_issuer_is_refused(more: dict[str, Any], says: str) -> None:
    with FaultServer([]) as server:
        server.script += [metadata(server.url, **more)]
        async with Keys(server, server.url, discover=True) as keys:
            assert says in await keys.problem()
            assert len(server.received) == 1
