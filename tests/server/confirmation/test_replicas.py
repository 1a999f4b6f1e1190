"""Confirmation by replicas over HTTP that share a store: processes, and a real Redis or Valkey."""

from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest
from mcp_types import ElicitResult
from pydantic import SecretStr

from mcp_errortracking.proxy.rate_limit.store import Store
from mcp_errortracking.proxy.replicas import Replicas
from tests.redis_process import RedisProcess
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases import case as known
from tests.server.confirmation.test_clients import RESOLVE, UPDATE, User, status_of, writes
from tests.server.http.http_process import HttpServer, client_of, serving
from tests.server.mcp_client import text_of

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(known.SEED) as running:
        yield running


@pytest.fixture(scope="module")
def redis() -> Generator[RedisProcess]:
    with RedisProcess() as running:
        yield running


@pytest.fixture(scope="module")
def replicas(sandbox: SandboxProcess, redis: RedisProcess) -> Generator[list[HttpServer]]:
    shared = {"MCP_SHARED_LIMITS": redis.url.get_secret_value()}
    with ExitStack() as stack:
        yield [stack.enter_context(serving(sandbox.url, "--confirm", "writes", **shared)) for _ in range(2)]


@pytest.fixture(autouse=True)
def as_seeded(sandbox: SandboxProcess) -> None:
    sandbox.reset()
    sandbox.http.delete(f"{sandbox.url}/_journal")


async def call(server: HttpServer, arguments: dict[str, Any]) -> Any:
    async with client_of(server.url, "http", "auto") as client:
        return await client.call_tool(UPDATE, arguments)


async def test_a_token_of_one_replica_is_used_at_the_other_and_then_nowhere(
    sandbox: SandboxProcess, redis: RedisProcess, replicas: list[HttpServer]
) -> None:
    first, second = replicas
    refused = await call(first, RESOLVE)
    token = refused.structured_content["error"]["confirm"]
    wrong = await call(second, {"id": known.KEY_ERROR, "status": "resolved", "confirm": token})
    assert "not for this call" in text_of(wrong)
    assert writes(sandbox) == []

    done = await call(second, {**RESOLVE, "confirm": token})
    assert not done.is_error, text_of(done)
    assert status_of(sandbox) == "resolved"

    sandbox.reset()
    for server in replicas:
        again = await call(server, {**RESOLVE, "confirm": token})
        assert "This confirm token was used before." in text_of(again)
    assert status_of(sandbox) == "active"
    kept = str(redis.ask("KEYS", "*"))
    assert ":used:" in kept
    assert FULL not in kept
    assert token not in kept


async def test_a_token_is_of_its_caller_at_each_replica(sandbox: SandboxProcess, redis: RedisProcess) -> None:
    shared = {
        "MCP_SHARED_LIMITS": redis.url.get_secret_value(),
        "MCP_SERVER_TOKEN": "token-of-ada-0123456789,token-of-bob-0123456789",
    }
    options = ("--caller-keys", "--confirm", "writes", "--project", "1")

    async def call_as(server: HttpServer, who: str, key: str, arguments: dict[str, Any]) -> Any:
        async with client_of(
            server.url, "http", "auto", f"token-of-{who}-0123456789", {"X-PostHog-API-Key": key}
        ) as client:
            return await client.call_tool(UPDATE, arguments)

    with (
        serving(sandbox.url, *options, POSTHOG_PERSONAL_API_KEY=None, **shared) as first,
        serving(sandbox.url, *options, POSTHOG_PERSONAL_API_KEY=None, **shared) as second,
    ):
        asked = await call_as(first, "ada", FULL, RESOLVE)
        confirmed = {**RESOLVE, "confirm": asked.structured_content["error"]["confirm"]}
        of_bob = await call_as(second, "bob", FULL, confirmed)
        assert "not for this call" in text_of(of_bob)
        assert writes(sandbox) == []
        done = await call_as(second, "ada", FULL, confirmed)

    assert not done.is_error, text_of(done)
    assert writes(sandbox) == ["PATCH"]


async def test_the_answer_to_a_question_of_one_replica_counts_at_the_other(
    sandbox: SandboxProcess, replicas: list[HttpServer]
) -> None:
    first, second = replicas
    user = User()
    async with client_of(first.url, "http", "auto", elicitation=user) as client:
        asked: Any = await client.session.call_tool(UPDATE, RESOLVE, allow_input_required=True)
        state = asked.request_state
    async with client_of(second.url, "http", "auto", elicitation=user) as client:
        done = await client.session.call_tool(
            UPDATE, RESOLVE, request_state=state, input_responses={"confirm": ElicitResult(action="accept")}
        )
    assert not done.is_error
    assert writes(sandbox) == ["PATCH"]


async def test_secrets_differ_by_key_host_and_purpose_and_are_not_in_names(redis: RedisProcess) -> None:
    store = Store(redis.url)
    made = {
        Replicas(store, host, SecretStr(key)).secret(purpose)
        for host in ("https://a", "https://b")
        for key in (FULL, f"{FULL}x")
        for purpose in ("confirmation", "another")
    }
    assert len(made) == 8
    one = Replicas(store, "https://a", SecretStr(FULL))
    assert [await one.is_first("n", 5) for _ in range(2)] == [True, False]
    [name] = redis.ask("KEYS", "*:used:n")
    assert all(secret.hex() not in name for secret in made)
    assert 0 < redis.ask("PTTL", name) <= 5000
    await store.aclose()
