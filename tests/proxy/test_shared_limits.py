"""Limits that processes share in a real Redis or Valkey server, which is also killed and stopped."""

import logging
import signal
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy.errors import RateLimitWaitError
from mcp_errortracking.proxy.rate_limit import shared_slots, store
from mcp_errortracking.proxy.rate_limit.limiter import KeyLimiter, RateLimiter
from mcp_errortracking.proxy.rate_limit.store import Store
from mcp_errortracking.proxy.rate_limit.window import Rate
from tests.proxy.fake_clock import FakeClock
from tests.proxy.test_rate_limit import KEY, OTHER, PATH, SYMBOLS, until
from tests.redis_process import RedisProcess

pytestmark = pytest.mark.anyio

HOST = "http://self.hosted"
MINUTE, HOUR = Rate(20, 60), Rate(4800, 3600)
TIME_LIMIT = store._TIME_LIMIT


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not a store that hangs."""
    monkeypatch.setattr(store, "_TIME_LIMIT", 10.0)


@pytest.fixture
def redis() -> Generator[RedisProcess]:
    with RedisProcess() as process:
        yield process


class Replica:
    """A process as far as the limits are concerned: a rate limiter with its own connection to the store."""

    def __init__(self, url: SecretStr, *rates: Rate, limited: bool | None = True) -> None:
        self.clock = FakeClock()
        self.store = Store(url, clock=self.clock)
        self.rate_limiter = RateLimiter(HOST, limited, rates=rates, store=self.store)
        self.limiter = self.rate_limiter.for_key(KEY, PATH)
        self.times = list[tuple[float, float]]()
        self.refused = list[RateLimitWaitError]()

    async def send(self, number: int, seconds: float = 30, limiter: KeyLimiter | None = None) -> int:
        """Send requests at once, each answered at once; return how many were sent."""
        before = len(self.times)

        async def one() -> None:
            try:
                with anyio.fail_after(seconds):
                    await (limiter or self.limiter).acquire()
            except RateLimitWaitError as error:
                self.refused.append(error)
                return
            except TimeoutError:
                return
            began = time.monotonic()
            await anyio.lowlevel.checkpoint()
            (limiter or self.limiter).release()
            self.times.append((began, time.monotonic()))

        async with anyio.create_task_group() as tasks:
            for _ in range(number):
                tasks.start_soon(one)
        return len(self.times) - before


@asynccontextmanager
async def replicas(redis: RedisProcess, *rates: Rate, limited: bool | None = True) -> AsyncGenerator[list[Replica]]:
    """Three replicas of one server."""
    three = [Replica(redis.url, *rates, limited=limited) for _ in range(3)]
    try:
        yield three
    finally:
        for replica in three:
            await replica.rate_limiter.aclose()


def slots(redis: RedisProcess) -> int:
    """Return the number of requests that count, of all keys."""
    return sum(redis.ask("ZCARD", key) for key in redis.ask("KEYS", "*") if redis.ask("TYPE", key) == "zset")


async def test_three_replicas_send_no_more_than_one_key_may(redis: RedisProcess) -> None:
    async with replicas(redis, MINUTE, HOUR) as three:
        sent = [await replica.send(9) for replica in three]
        again = [await replica.send(5) for replica in three]

    assert (sent, again) == ([9, 9, 2], [0, 0, 0])
    waits = [error.retry_after or 0 for replica in three for error in replica.refused]
    assert len(waits) == 7 + 15
    assert all(30 < wait <= 60 for wait in waits)


async def test_replicas_that_send_at_the_same_time_share_too(redis: RedisProcess) -> None:
    async with replicas(redis, MINUTE, HOUR) as three, anyio.create_task_group() as tasks:
        for replica in three:
            tasks.start_soon(replica.send, 15)

    assert sum(len(replica.times) for replica in three) == 20


async def test_requests_wait_until_those_of_other_replicas_no_longer_count(redis: RedisProcess) -> None:
    rate = Rate(3, 0.3)
    async with replicas(redis, rate) as three, anyio.create_task_group() as tasks:
        for replica in three:
            tasks.start_soon(replica.send, 4)

    times = sorted(moment for replica in three for moment in replica.times)
    assert len(times) == 12
    for (_, ended), (began, _) in zip(times, times[rate.requests :], strict=False):
        assert began >= ended + rate.seconds - 0.002  # the store counts in milliseconds


async def test_a_request_in_flight_counts_until_it_ends_and_one_that_never_arrived_does_not(
    redis: RedisProcess,
) -> None:
    async with replicas(redis, Rate(2, 0.5)) as (first, second, third):
        await first.limiter.acquire()
        await first.limiter.acquire()
        await anyio.sleep(0.5)  # past the period, and they still count
        assert await second.send(1, 0.4) == 0
        first.limiter.release(arrived=False)
        await until(lambda: slots(redis) == 1)
        assert await third.send(2, 0.4) == 1
        first.limiter.release()


async def test_keys_and_counts_are_apart_and_the_store_holds_no_key(redis: RedisProcess) -> None:
    async with replicas(redis, MINUTE) as (first, second, _):
        assert await first.send(25) == 20
        for limiter in (second.rate_limiter.for_key(OTHER, PATH), second.rate_limiter.for_key(KEY, SYMBOLS)):
            assert await second.send(20, limiter=limiter) == 20
        keys = redis.ask("KEYS", "*")
        held = str([redis.ask("ZRANGE", key, 0, -1) for key in keys])
        lives = [redis.ask("TTL", key) for key in keys]

    assert len(keys) == 3
    assert sorted(key.rpartition(":")[2] for key in keys) == ["default", "default", "symbol_sets"]
    assert all(secret.get_secret_value() not in f"{keys} {held}" for secret in (KEY, OTHER))
    assert all(0 < life <= 120 for life in lives)


async def test_the_retry_after_of_one_replica_holds_for_all(redis: RedisProcess) -> None:
    async with replicas(redis, MINUTE) as (first, second, _):
        await first.limiter.acquire()
        first.limiter.release(throttled=25)
        await until(lambda: len(redis.ask("KEYS", "*:pause")) == 1)

        assert await second.send(3, 20) == 0

    assert slots(redis) == 0
    assert all(15 < (error.retry_after or 0) <= 25 for error in second.refused)


async def test_a_call_that_is_cancelled_leaves_its_slot_to_others(redis: RedisProcess) -> None:
    async with replicas(redis, Rate(1, 60)) as (first, second, _):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first.send, 1)
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        await until(lambda: not first.store._tasks and slots(redis) == 0)

        assert await second.send(2) == 1


async def test_a_host_without_limits_asks_the_store_nothing_until_it_has_them(redis: RedisProcess) -> None:
    async with replicas(redis, MINUTE, limited=None) as (first, second, _):
        assert await first.send(15) == 15
        assert redis.ask("KEYS", "*") == []
        for replica in (first, second):
            await replica.limiter.acquire()
            replica.limiter.release(throttled=0)

        assert [await first.send(12), await second.send(12)] == [12, 8]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_without_the_store_each_replica_goes_on_by_itself(
    redis: RedisProcess,
    number: signal.Signals,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    async with replicas(redis, MINUTE) as three:
        assert [await replica.send(2) for replica in three] == [2, 2, 2]
        monkeypatch.setattr(store, "_TIME_LIMIT", TIME_LIMIT)
        redis.process.send_signal(number)

        assert [await replica.send(25, 20) for replica in three] == [18, 18, 18]  # as many as one process may
        assert [replica.store.is_up() for replica in three] == [False] * 3
        assert len(caplog.records) == 3
        assert all("this process keeps the limits of each key by itself" in line for line in caplog.messages)

        monkeypatch.setattr(store, "_TIME_LIMIT", 10.0)
        redis.process.send_signal(signal.SIGCONT)
        if number == signal.SIGKILL:
            redis.kill()
            redis.start()
        for replica in three:
            replica.clock.now += 5
            await until(replica.store.is_up)
        assert [message for message in caplog.messages if "answers again" in message] == caplog.messages[3:]
        assert [await replica.send(8, limiter=replica.rate_limiter.for_key(OTHER, PATH)) for replica in three] == [
            8,
            8,
            4,
        ]


async def test_a_store_that_hangs_costs_its_time_once(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    async with replicas(redis, Rate(1000, 60)) as (first, *_):
        sent = list[object]()
        send = first.store._send

        async def counted(command: object) -> object:
            sent.append(command)
            return await send(command)  # pyright: ignore[reportArgumentType]

        monkeypatch.setattr(first.store, "_send", counted)
        monkeypatch.setattr(store, "_TIME_LIMIT", TIME_LIMIT)
        redis.process.send_signal(signal.SIGSTOP)
        for _ in range(100):
            assert await first.send(2) == 2

        assert len(sent) == 1


@pytest.mark.parametrize(
    ("script", "sent", "is_up"),
    [
        ("return 'OK'", 20, False),
        ("return {'a', 'b'}", 20, False),
        ("return redis.call('NONE')", 20, False),
        ("return {1000000000000, 0}", 20, True),
        ("return {1}", 20, False),
        ("return {0, 1000000000000}", 0, True),
    ],
)
async def test_a_store_that_answers_nonsense_ends_no_call_without_an_answer(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch, script: str, sent: int, is_up: bool
) -> None:
    monkeypatch.setattr(shared_slots, "_RESERVE", script)
    async with replicas(redis, MINUTE) as (first, *_):
        assert await first.send(25, 20) == sent
        assert first.store.is_up() is is_up

    assert all((error.retry_after or 0) <= 60 for error in first.refused)


async def test_a_store_that_was_never_there_is_named_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    replica = Replica(SecretStr("redis://somebody:hunter2hunter2@127.0.0.1:1/0"), MINUTE)

    assert await replica.send(25) == 20
    await replica.rate_limiter.aclose()

    (message,) = caplog.messages
    assert message.startswith("The store of the shared limits at 127.0.0.1:1 is away (ConnectionError): ")
    assert "hunter2" not in caplog.text + repr(vars(replica.store))
