"""Three replicas over HTTP that share the limits of one key: processes, a real Redis or Valkey, and what is sent."""

import asyncio
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.command import run_here
from tests.proxy.fault_server import FaultServer, http
from tests.redis_process import RedisProcess
from tests.sandbox_process import FULL
from tests.server.http.http_process import HEADERS, LIST, HttpServer, serving

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-more-than-sixteen-characters"
PAGE = {"count": 0, "next": None, "previous": None, "results": []}


class Balancer:
    """Calls that reach three replicas in turn, 30 at a time; the codes of their errors, "" for an answer."""

    def __init__(self, client: httpx.AsyncClient, servers: list[HttpServer]) -> None:
        self._client, self._servers = client, servers
        self.codes = list[str]()

    async def call(self, number: int) -> Counter[str]:
        """Make calls; return how many had each code."""
        before = len(self.codes)
        turns = iter(range(number))

        async def work() -> None:
            for turn in turns:
                url = f"{self._servers[turn % 3].url}/mcp"
                answer: dict[str, Any] = (await self._client.post(url, json=LIST)).json()["result"]
                self.codes.append(answer["structuredContent"]["error"]["code"] if answer.get("isError") else "")

        await asyncio.gather(*(work() for _ in range(30)))
        return Counter(self.codes[before:])

    async def store_is_up(self) -> list[float]:
        """Return the metric of each replica."""
        pages = [(await self._client.get(f"{server.url}/metrics")).text for server in self._servers]
        return [float(re.findall(r"^mcp_shared_limits_up (\S+)$", page, re.MULTILINE)[0]) for page in pages]


@asynccontextmanager
async def balanced(posthog: str, redis: RedisProcess) -> AsyncGenerator[tuple[Balancer, list[HttpServer]]]:
    """Three replicas, for a host that limits requests."""
    environment = {"MCP_SHARED_LIMITS": redis.url.get_secret_value(), "POSTHOG_RATE_LIMITS": "1", "MCP_TIMEOUT": "20"}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving(posthog, "--metrics", MCP_SERVER_TOKEN=TOKEN, **environment)) for _ in range(3)
        ]
        headers = {**HEADERS, "Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(headers=headers, timeout=30) as client:
            yield Balancer(client, servers), servers


@pytest.mark.thorough
async def test_three_replicas_send_no_more_than_one_key_may() -> None:
    with RedisProcess() as redis, FaultServer([http(200, PAGE)]) as posthog:
        async with balanced(posthog.url, redis) as (balancer, _):
            codes = await balancer.call(510)
            up = await balancer.store_is_up()
        kept = str([redis.ask("ZRANGE", key, 0, -1) for key in redis.ask("KEYS", "*")]) + str(redis.ask("KEYS", "*"))

    assert codes == {"": 480, "held_back": 30}
    assert len(posthog.received) == 480
    assert up == [1, 1, 1]
    assert FULL not in kept


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.thorough)])
async def test_calls_go_on_when_the_store_ends_or_hangs_in_the_middle(number: signal.Signals) -> None:
    with RedisProcess() as redis, FaultServer([http(200, PAGE)]) as posthog:
        async with balanced(posthog.url, redis) as (balancer, servers):
            before, _ = await asyncio.gather(balancer.call(90), _signal_after(30, balancer, redis, number))
            after = await balancer.call(30)
            up = await balancer.store_is_up()
            logs = [server.end(signal.SIGTERM) for server in servers]

    assert (before, after) == ({"": 90}, {"": 30})
    assert len(posthog.received) == 120
    assert up == [0, 0, 0]
    assert [log.count("The store of the shared limits at") for log in logs] == [1, 1, 1]


async def _signal_after(calls: int, balancer: Balancer, redis: RedisProcess, number: signal.Signals) -> None:
    while len(balancer.codes) < calls:  # noqa: ASYNC110 what it waits for happens in other processes
        await asyncio.sleep(0.001)
    redis.process.send_signal(number)


def test_the_package_redis_is_needed_only_where_limits_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    words = ("call", "error-tracking-settings-get")
    environment = {"POSTHOG_HOST": "http://127.0.0.1:1", "POSTHOG_PERSONAL_API_KEY": FULL}

    _, _, alone = run_here(*words, **environment)
    code, _, shared = run_here(*words, **environment, MCP_SHARED_LIMITS="redis://:hunter2hunter2@a.example")
    monkeypatch.undo()
    _, _, wrong = run_here(*words, **environment, MCP_SHARED_LIMITS="redis://:hunter2hunter2@a.example?db=none")

    assert "redis" not in alone
    assert (code, shared) == (
        2,
        "mcp-errortracking: Shared limits need redis: pip install 'mcp_errortracking[redis]'\n",
    )
    assert "MCP_SHARED_LIMITS has an option or a database that redis does not know" in wrong
    assert "hunter2" not in shared + wrong
