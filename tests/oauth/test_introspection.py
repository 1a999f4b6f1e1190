"""Introspection: the answers of an authorization server, and how often it is asked."""

import asyncio
import time
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import anyio
import pytest
from anyio.abc import TaskGroup
from pydantic import SecretStr

from mcp_errortracking import verdicts
from mcp_errortracking.oauth.errors import IssuerError, TokenRefusedError
from mcp_errortracking.oauth.facts import TokenFacts
from mcp_errortracking.oauth.introspection import BAD_SECONDS, GOOD_SECONDS, UNKNOWN_AT_ONCE, Introspection
from mcp_errortracking.oauth.requests import Requests
from tests.oauth.test_signing_keys import Clock
from tests.oauth.tokens import AUDIENCE, ISSUER
from tests.proxy.fault_server import FaultServer, Reply, http

pytestmark = pytest.mark.anyio

NOW = int(time.time())
SECRET = "p&ss word:100%"


def answer(**more: Any) -> Reply:
    usual = {"active": True, "sub": "ada", "client_id": "agent", "aud": AUDIENCE, "scope": "a b", "exp": NOW + 600}
    return http(200, {name: value for name, value in (usual | more).items() if value is not None})


class Asked:
    """Introspection at a server, by the test's own clock."""

    def __init__(self, server: Any) -> None:
        self.clock, self.now = Clock(), float(NOW)
        self.requests = Requests(lambda _: None)
        self.introspection = Introspection(
            self.requests,
            f"{server.url}/introspect",
            issuer=ISSUER,
            audience=[AUDIENCE],
            client_id="mcp:server",
            client_secret=SecretStr(SECRET),
            clock=self.clock,
            now=lambda: self.now,
        )

    async def __aenter__(self) -> "Asked":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.requests.aclose()

    async def verify(self, token: str = "opaque") -> TokenFacts:
        return await self.introspection.verify(token)

    async def refusal(self, token: str = "opaque") -> str:
        with pytest.raises((TokenRefusedError, IssuerError)) as caught:
            await self.verify(token)
        assert token not in str(caught.value)
        assert SECRET not in str(caught.value)
        return str(caught.value)


async def test_the_server_asks_with_its_own_client() -> None:
    with FaultServer([answer()]) as server:
        async with Asked(server) as asked:
            facts = await asked.verify("opaque")

    (request,) = server.received
    assert facts == TokenFacts(ISSUER, "agent", "ada", frozenset(["a", "b"]), NOW + 660)
    assert (request.method, request.target) == ("POST", "/introspect")
    assert parse_qs(request.body.decode()) == {"token": ["opaque"], "token_type_hint": ["access_token"]}
    kind, _, login = request.headers["authorization"].partition(" ")
    assert (kind, b64decode(login)) == ("Basic", b"mcp%3Aserver:p%26ss+word%3A100%25")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"active": False}, "The token is not active: it has expired, was revoked, or is of another server."),
        ({"aud": "https://other.example"}, "The token was issued for another audience."),
        ({"aud": None}, "The token was issued for another audience."),
        ({"iss": "https://other.example"}, "The token is of another issuer."),
        ({"exp": NOW - 3600}, "The token has expired."),
        ({"exp": "never"}, "The token has no readable expiry (exp)."),
        ({"nbf": NOW + 86_400}, "The token is not valid yet."),
        ({"nbf": float("nan")}, "The token is not valid yet."),
        ({"nbf": str(NOW)}, "The token is not valid yet."),
        ({"token_type": "DPoP"}, "The token is not a bearer token."),
        ({"cnf": {"jkt": "x"}}, "The token is bound to a key of its client, and this server takes bearer tokens only."),
        ({"sub": None, "client_id": None}, "The token names neither a subject nor a client."),
    ],
)
async def test_an_answer_that_refuses(more: dict[str, Any], says: str) -> None:
    with FaultServer([answer(**more)]) as server:
        async with Asked(server) as asked:
            assert await asked.refusal() == says


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (http(401), "rejects this server's own client (status 401): check MCP_OAUTH_CLIENT_ID"),
        (http(500), "answered with status 500"),
        (http(302, Location="http://127.0.0.1:1"), "redirects (status 302), which is not followed"),
        (http(200, {"active": "true"}), "does not say if the token is active"),
        (http(200, b"active"), "is not JSON"),
        (Reply(drop=True), "cannot be reached"),
    ],
)
async def test_no_answer_is_for_the_operator_and_is_not_kept(
    reply: Reply, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultServer([reply, answer()]) as server:
        async with Asked(server) as asked:
            assert says in await asked.refusal()
            assert (await asked.verify()).subject == "ada"
    (record,) = caplog.records
    assert record.getMessage().startswith("an OAuth token cannot be introspected: ")
    assert says in record.getMessage()


async def test_an_answer_is_kept_for_a_while() -> None:
    with FaultServer([answer(), answer(active=False)]) as server:
        async with Asked(server) as asked:
            for _ in range(5):
                await asked.verify()
            assert len(server.received) == 1
            asked.clock.now += GOOD_SECONDS
            for _ in range(5):
                await asked.refusal()
            assert len(server.received) == 2
            asked.clock.now += BAD_SECONDS
            await asked.refusal()
            assert len(server.received) == 3


async def test_a_token_that_expires_is_refused_while_its_answer_is_kept() -> None:
    with FaultServer([answer(exp=NOW + 10)]) as server:
        async with Asked(server) as asked:
            await asked.verify()
            asked.now += 70
            assert await asked.refusal() == "The token has expired."
    assert len(server.received) == 1


async def test_requests_with_one_token_share_one_question() -> None:
    with FaultServer([answer()]) as server:
        async with Asked(server) as asked, anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(asked.verify)
    assert len(server.received) == 1


class SlowServer:
    """An authorization server that answers at once about the token `good`, and about others only once released."""

    def __init__(self) -> None:
        self.tokens = list[str]()
        self.arrived, self.release = asyncio.Semaphore(0), asyncio.Event()
        self._connections = set[Any]()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                body = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
                (token,) = parse_qs(body.decode())["token"]
                self.tokens.append(token)
                if token != "good":
                    self.arrived.release()
                    await self.release.wait()
                writer.write(answer().raw)
        writer.close()

    @asynccontextmanager
    async def asked(self) -> AsyncGenerator[Asked]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with Asked(SimpleNamespace(url=url)) as asked:
                yield asked
            await asyncio.gather(*self._connections)

    async def block(self, group: TaskGroup, asked: Asked, count: int) -> None:
        """Ask about tokens that were never good, until no more are let through."""
        for number in range(count):
            group.start_soon(asked.verify, f"unknown-{number}")
        with anyio.fail_after(20):
            for _ in range(UNKNOWN_AT_ONCE):
                await self.arrived.acquire()


async def test_unknown_tokens_leave_room_to_those_that_were_good() -> None:
    server = SlowServer()
    async with server.asked() as asked, anyio.create_task_group() as group:
        await asked.verify("good")
        asked.clock.now += GOOD_SECONDS
        await server.block(group, asked, 20)
        await asked.verify("good")
        assert server.tokens.count("good") == 2
        assert len(server.tokens) == 2 + UNKNOWN_AT_ONCE
        server.release.set()
    assert len(server.tokens) == 22


async def test_a_token_whose_turn_does_not_come_cannot_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SlowServer()
    async with server.asked() as asked, anyio.create_task_group() as group:
        await server.block(group, asked, UNKNOWN_AT_ONCE)
        monkeypatch.setattr("mcp_errortracking.oauth.introspection.SECONDS", 0.05)
        assert "more tokens are sent than" in await asked.refusal("one-more")
        server.release.set()
    assert "one-more" not in server.tokens


async def test_the_memory_is_bounded_and_refused_tokens_evict_no_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "REMEMBERED", 3)
    with FaultServer([answer(), answer(active=False)]) as server:
        async with Asked(server) as asked:
            await asked.verify()
            for number in range(10):
                await asked.refusal(f"opaque-{number}")
            await asked.verify()
            assert len(asked.introspection._verdicts) == 4
    assert len(server.received) == 11


@pytest.mark.parametrize("token", ["x" * 20_000, "\u00e9"])
async def test_a_token_that_cannot_be_one_is_not_asked_about(token: str) -> None:
    with FaultServer([answer()]) as server:
        async with Asked(server) as asked:
            assert await asked.refusal(token) == "The token is malformed."
    assert server.received == []
