"""The rate limiter: waits, their length and order, and refusals with the time to retry."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy, retry_after
from mcp_errortracking.proxy.errors import RateLimitedError, RateLimitWaitError
from mcp_errortracking.proxy.rate_limit.context import Wait, caller, on_wait
from mcp_errortracking.proxy.rate_limit.limiter import KeyLimiter, RateLimiter
from mcp_errortracking.proxy.rate_limit.window import DEFAULT, SYMBOL_SETS, Rate, RateTest, Window, rates_for
from tests.proxy.fake_clock import FakeClock, settle
from tests.proxy.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

KEY, OTHER = SecretStr("phx_one"), SecretStr("phx_two")
PATH = "error_tracking/fingerprints/"
SYMBOLS = "error_tracking/symbol_sets/bulk_delete/"


class LimitedHost:
    """A host that limits requests, and the requests that were let through."""

    def __init__(
        self, *rates: Rate, limited: bool | None = True, at: str = "http://self.hosted", path: str = PATH
    ) -> None:
        self.clock = FakeClock()
        self.rate_limiter = RateLimiter(
            at, limited, rates=rates or None, clock=self.clock, call_later=self.clock.call_later
        )
        self.limiter = self.rate_limiter.for_key(KEY, path)
        self.sent = list[tuple[str, float]]()
        self.refused = list[tuple[str, RateLimitWaitError]]()

    async def request(self, name: str, time: float = 50, *, again: bool = False) -> None:
        """Send one that is answered at once."""
        caller.set(name.partition(" ")[0])
        try:
            with anyio.fail_after(time):
                await self.limiter.acquire(again=again)
        except RateLimitWaitError as error:
            self.refused.append((name, error))
            return
        self.sent.append((name, self.clock.now - 1000))
        self.limiter.release()

    async def hold(self, seconds: float, *, by_posthog: bool = True) -> None:
        """Send one that is throttled."""
        await self.limiter.acquire()
        self.limiter.release(throttled=seconds, by_posthog=by_posthog)

    async def send_at_once(self, number: int) -> int:
        """Send requests one after the other without time passing; return how many were sent."""
        before = len(self.sent)
        for _ in range(number):
            await self.request("a", 0)
        return len(self.sent) - before

    async def send_over(self, seconds: float, number: int) -> int:
        """Send requests evenly over a time; return how many were sent."""
        sent = 0
        with anyio.move_on_after(0), suppress(RateLimitWaitError):
            for _ in range(number):
                self.clock.now += seconds / number
                await self.limiter.acquire()
                self.limiter.release()
                sent += 1
        return sent


def test_the_limits_are_posthogs() -> None:
    assert rates_for(PATH) == rates_for("/api/users/@me/") == DEFAULT == (Rate(480, 60), Rate(4800, 3600))
    assert rates_for(SYMBOLS) == SYMBOL_SETS == (Rate(1200, 60), Rate(12000, 3600))


@pytest.mark.parametrize(
    ("ends", "more", "delay"),
    [
        ([], 3, 0),
        ([], 4, 10),
        ([], 7, 20),
        ([90, 95], 1, 0),
        ([90, 95], 2, 0.0),
        ([91, 95], 2, 1),
        ([91, 95], 3, 5),
        ([91, 95, 95], 4, 11),
        ([91, 95, 95], 9, 25),
        ([80, 85, 89, 99], 3, 9),
    ],
)
def test_a_window_looks_back(ends: list[float], more: int, delay: float) -> None:
    window = Window(Rate(3, 10))
    for end in ends:
        window.note(end)

    assert window.delay(100, more) == delay


@pytest.mark.parametrize(
    ("host", "given", "limited"),
    [
        ("https://us.posthog.com", None, True),
        ("https://eu.posthog.com", None, True),
        ("https://posthog.example.com", None, False),
        ("http://us.posthog.com.evil.example", None, False),
        ("https://us.posthog.com", False, False),
        ("http://127.0.0.1:8000", True, True),
    ],
)
def test_which_hosts_are_limited_from_the_start(host: str, given: bool | None, limited: bool) -> None:
    assert RateLimiter(host, given).limited is limited


async def test_a_burst_up_to_the_limit_goes_at_once_and_the_rest_when_the_window_has_passed() -> None:
    host = LimitedHost(Rate(3, 10), Rate(5, 100))
    async with anyio.create_task_group() as tasks:
        for number in range(7):
            tasks.start_soon(host.request, f"a {number}", 300)
        await settle()
        assert [moment for _, moment in host.sent] == [0, 0, 0]
        await host.clock.advance(9.9)
        assert len(host.sent) == 3
        await host.clock.advance(0.1)
        assert [moment for _, moment in host.sent] == [0, 0, 0, 10, 10]
        await host.clock.advance(100)

    assert host.sent == [(f"a {n}", t) for n, t in enumerate([0, 0, 0, 10, 10, 100, 100])]


async def test_a_request_counts_until_long_after_its_answer() -> None:
    host = LimitedHost(Rate(1, 10))
    await host.limiter.acquire()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host.request, "a", 300)
        await host.clock.advance(30)
        assert host.sent == []
        host.limiter.release()
        await host.clock.advance(9)
        assert host.sent == []
        await host.clock.advance(1)

    assert host.sent == [("a", 40)]


async def test_what_never_arrived_does_not_count() -> None:
    host = LimitedHost(Rate(1, 10))
    await host.limiter.acquire()
    host.limiter.release(arrived=False)

    await host.request("a")

    assert host.sent == [("a", 0)]


async def test_callers_take_turns_and_each_ones_calls_keep_their_order() -> None:
    host = LimitedHost(Rate(1, 10))
    await host.request("first")
    async with anyio.create_task_group() as tasks:
        for name in ("a 1", "a 2", "a 3", "b 1", "b 2", "c 1"):
            tasks.start_soon(host.request, name, 300)
            await settle()
        await host.clock.advance(60)

    assert [name for name, _ in host.sent[1:]] == ["a 1", "b 1", "c 1", "a 2", "b 2", "a 3"]


async def test_a_wait_longer_than_the_call_may_take_is_refused_before_anything_is_sent() -> None:
    host = LimitedHost(Rate(1, 60))
    await host.request("a")

    await host.request("b", 50)

    assert host.sent == [("a", 0)]
    ((_, error),) = host.refused
    assert (error.code, error.retry_after, error.status, error.maybe_applied) == ("held_back", 60, None, False)
    assert "held back and not sent" in error.what
    assert "480 a minute" in error.why
    assert error.next_step == "Retry after 60 s. This request changed nothing."


async def test_those_ahead_are_counted() -> None:
    host = LimitedHost(Rate(1, 20))
    async with anyio.create_task_group() as tasks:
        for name in ("a 1", "a 2", "a 3", "a 4"):
            tasks.start_soon(host.request, name, 50)
            await settle()
        assert [name for name, _ in host.refused] == ["a 4"]
        tasks.start_soon(host.request, "b 1", 50)  # goes before a 3, whose time still suffices
        await host.clock.advance(60)

    assert host.sent == [("a 1", 0), ("a 2", 20), ("b 1", 40), ("a 3", 60)]


async def test_two_keys_and_two_counts_do_not_wait_for_each_other() -> None:
    host = LimitedHost(Rate(1, 60))
    await host.request("a")
    for limiter in (host.rate_limiter.for_key(OTHER, PATH), host.rate_limiter.for_key(KEY, SYMBOLS)):
        assert limiter is not host.limiter
        await limiter.acquire()
    assert host.rate_limiter.for_key(SecretStr("phx_one"), PATH) is host.limiter


async def test_a_429_makes_everybody_wait_and_then_begins_with_one() -> None:
    host = LimitedHost(Rate(100, 60), limited=None)
    await host.hold(20)
    assert host.rate_limiter.limited
    underway = list[str]()

    async def slow(name: str) -> None:
        await host.limiter.acquire()
        underway.append(name)

    async with anyio.create_task_group() as tasks:
        for name in "abcdefgh":
            tasks.start_soon(slow, name)
        await host.clock.advance(19.9)
        assert underway == []
        await host.clock.advance(0.1)
        assert underway == ["a"]
        for expected in ("abc", "abcde", "abcdefg"):
            host.limiter.release()
            await settle()
            assert "".join(underway) == expected
        host.limiter.release()


async def test_who_waits_is_refused_at_once_when_a_429_takes_the_time_it_has() -> None:
    host = LimitedHost(Rate(2, 30))
    await host.request("a")
    await host.limiter.acquire()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host.request, "short", 40)
        tasks.start_soon(host.request, "long", 300)
        await settle()
        host.limiter.release(throttled=45)
        await settle()
        assert [name for name, _ in host.refused] == ["short"]
        await host.clock.advance(45)

    assert host.refused[0][1].retry_after == 45
    assert "PostHog has throttled the key" in host.refused[0][1].why
    assert host.sent == [("a", 0), ("long", 45)]


async def test_an_absurd_retry_after_is_probed_again_after_a_minute() -> None:
    host = LimitedHost(Rate(100, 60), limited=None)
    await host.hold(999_999_999)
    await host.request("a")
    assert [name for name, _ in host.refused] == ["a"]

    async with anyio.create_task_group() as tasks:
        await host.clock.advance(60)
        tasks.start_soon(host.request, "b")

    assert host.sent == [("b", 60)]
    assert "Retry after a minute" in host.refused[0][1].next_step
    assert host.limiter.delay() == 0  # one that succeeds ends it


async def test_one_that_was_throttled_goes_first_of_its_caller() -> None:
    host = LimitedHost(Rate(1, 10))
    await host.request("a 0")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host.request, "a 1", 300)
        await settle()
        caller_again = host.request("a 2", 300, again=True)
        tasks.start_soon(_run, caller_again)
        await host.clock.advance(30)

    assert [name for name, _ in host.sent] == ["a 0", "a 2", "a 1"]


async def _run(awaitable: Awaitable[None]) -> None:
    await awaitable


async def test_a_call_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    host = LimitedHost(Rate(1, 10))
    await host.request("a")
    scope = anyio.CancelScope()

    async def cancelled() -> None:
        with scope:
            await host.request("b", 300)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancelled)
        await settle()
        tasks.start_soon(host.request, "c", 300)
        await settle()
        scope.cancel()
        await host.clock.advance(10)

    assert host.sent == [("a", 0), ("c", 10)]


async def test_a_call_cancelled_in_the_moment_of_its_turn_gives_it_back() -> None:
    host = LimitedHost(Rate(1, 10))
    await host.request("a")
    scope = anyio.CancelScope()

    async def cancelled() -> None:
        with scope:
            await host.request("b", 300)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancelled)
        await settle()
        tasks.start_soon(host.request, "c", 300)
        await settle()
        host.clock.call_later(10, scope.cancel)
        host.clock.now += 10
        scope.cancel()
        host.limiter._wake()
        await settle()

    assert host.sent == [("a", 0), ("c", 10)]


async def test_a_wait_is_reported_with_its_expected_length() -> None:
    host = LimitedHost(Rate(1, 10))
    reports = list[Wait]()

    async def report(wait: Wait) -> None:
        reports.append(wait)

    on_wait.set(report)
    await host.request("a")
    assert reports == []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host.request, "a")
        await settle()
        assert [(wait.waited, wait.expected) for wait in reports] == [(0, 10)]
        assert "used up" in reports[0].why
        await host.clock.advance(10)


async def test_how_long_a_batch_will_take_is_known_beforehand() -> None:
    host = LimitedHost(Rate(3, 10), Rate(8, 100))

    assert [host.limiter.delay(requests) for requests in (1, 3, 4, 6, 7, 9)] == [0, 0, 10, 10, 20, 100]
    await host.request("a")
    await host.clock.advance(4)
    assert host.limiter.delay(3) == 6


async def test_most_keys_are_forgotten_in_the_end() -> None:
    rate_limiter = RateLimiter("https://us.posthog.com")
    limiters = [rate_limiter.for_key(SecretStr(f"phx_{number}"), PATH) for number in range(3000)]

    assert rate_limiter.for_key(SecretStr("phx_2999"), PATH) is limiters[-1]
    assert rate_limiter.for_key(SecretStr("phx_0"), PATH) is not limiters[0]
    assert "phx_" not in repr(vars(rate_limiter))


@pytest.mark.parametrize(
    ("times", "disproved"),
    [
        ([(0, 1), (1, 2), (2, 3)], False),
        ([(0, 1), (1, 2), (2, 3), (3, 4)], True),
        ([(0, 1), (1, 2), (2, 3), (10, 11)], False),
        ([(0, 9), (0, 9), (0, 9), (0, 10)], True),
        ([(0, 9), (1, 9), (2, 9), (3, 11), (11, 12), (11, 12)], False),  # PostHog may have seen three in ten seconds
        ([(0, 30), (29, 31), (29, 32), (29, 33), (29, 34), (29, 35)], True),
    ],
)
def test_a_rate_is_disproved_by_more_requests_within_its_period(
    times: list[tuple[float, float]], disproved: bool
) -> None:
    test = RateTest(Rate(3, 10))
    results = [test.note(began, ended) for began, ended in times]

    assert any(results) is disproved
    test.restart()
    assert not test.note(100, 101)


async def test_a_limit_that_was_just_learned_begins_with_an_empty_history() -> None:
    host = LimitedHost(Rate(20, 60), Rate(100, 3600), limited=None)
    other = host.rate_limiter.for_key(OTHER, PATH)
    assert await host.send_over(3000, 100) == 100
    for _ in range(15):
        await other.acquire()
        other.release()

    await host.hold(1)
    host.clock.now += 1

    assert await host.send_at_once(21) == 20
    assert [error.retry_after for _, error in host.refused] == [60]
    assert (other.delay(20), other.delay(21)) == (0, 60)


async def test_an_hour_of_unrefused_requests_disproves_the_limits_of_a_host() -> None:
    host = LimitedHost(limited=None)
    assert await host.send_over(3600, 30_000) == 30_000
    assert host.rate_limiter.limited is False

    await host.hold(1)
    assert host.rate_limiter.limited is True
    assert await host.send_at_once(1) == 0
    host.clock.now += 1

    assert await host.send_over(3600, 30_000) == 30_000
    assert await host.send_at_once(5000) == 5000
    assert {error.retry_after for _, error in host.refused} == {1}


async def test_only_the_limit_that_was_exceeded_is_disproved() -> None:
    host = LimitedHost(Rate(10, 60), Rate(100, 3600), limited=None)
    assert await host.send_at_once(11) == 11

    await host.hold(1)
    host.clock.now += 1

    assert await host.send_at_once(101) == 100
    assert [error.retry_after for _, error in host.refused] == [3600]


async def test_requests_before_a_429_do_not_disprove_a_limit_with_those_after_it() -> None:
    host = LimitedHost(Rate(10, 60), limited=None)
    assert await host.send_at_once(10) == 10
    await host.hold(1)
    host.clock.now += 1

    assert await host.send_at_once(11) == 10


async def test_one_in_ten_429s_in_the_middle_of_a_long_run_fails_no_call() -> None:
    host = LimitedHost(limited=None)
    await host.send_over(3600, 30_000)
    started = 0

    async def call() -> None:
        nonlocal started
        throttled = False
        while True:
            await host.limiter.acquire(again=throttled)
            started += 1
            throttled = started % 10 == 0
            host.limiter.release(throttled=1 if throttled else None)
            if not throttled:
                host.sent.append(("a", host.clock.now))
                return

    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(call)
        await host.clock.advance(50)

    assert (len(host.sent), started) == (100, 111)


async def test_a_gateways_429_pauses_and_teaches_nothing_of_posthogs_limits() -> None:
    host = LimitedHost(Rate(10, 60), limited=None)
    assert await host.send_at_once(9) == 9

    await host.hold(1, by_posthog=False)
    assert await host.send_at_once(1) == 0
    host.clock.now += 1

    assert host.rate_limiter.limited is False
    assert await host.send_at_once(50) == 50
    await host.hold(1)
    host.clock.now += 1
    assert await host.send_at_once(50) == 50  # the gateway's 429 did not hide that the limit was exceeded


@pytest.mark.parametrize(("path", "minute", "hour"), [(PATH, 480, 4800), (SYMBOLS, 1200, 12000)])
async def test_the_limits_of_cloud_are_kept_from_the_start(path: str, minute: int, hour: int) -> None:
    host = LimitedHost(limited=None, at="https://eu.posthog.com", path=path)
    assert await host.send_at_once(minute + 1) == minute
    assert [error.retry_after for _, error in host.refused] == [60]
    for _ in range(9):
        host.clock.now += 60
        assert await host.send_at_once(minute + 1) == minute
    host.clock.now += 60
    assert await host.send_at_once(1) == 0
    assert (len(host.sent), host.refused[-1][1].retry_after) == (hour, 3000)


async def test_a_retry_after_that_has_passed_outranks_the_history() -> None:
    host = LimitedHost(Rate(10, 60))
    await host.limiter.acquire()
    assert await host.send_at_once(10) == 9
    host.clock.now += 10
    host.limiter.release(throttled=5)

    host.clock.now += 4
    assert await host.send_at_once(1) == 0
    host.clock.now += 1
    assert await host.send_at_once(2) == 1
    assert [error.retry_after for _, error in host.refused] == [60, 1, 45]


async def test_what_posthog_refuses_does_not_count() -> None:
    host = LimitedHost(Rate(2, 60))
    await host.hold(0)
    await host.hold(0)

    assert await host.send_at_once(3) == 2


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as events on a socket have made the condition true."""
    while not condition():  # noqa: ASYNC110 what it waits for happens in another thread
        await anyio.sleep(0.001)


def proxy_to(server: FaultServer, rate_limiter: RateLimiter) -> Proxy:
    return Proxy(host=server.url, key=KEY, project="7", rate_limiter=rate_limiter)


async def test_a_hundred_calls_at_once_wait_rather_than_fail() -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter(
        "http://x", limited=True, rates=(Rate(30, 10),), clock=clock, call_later=clock.call_later
    )
    statuses = list[int]()

    async def call(send: Callable[[], Awaitable[object]]) -> None:
        await send()
        statuses.append(200)

    with FaultServer([http(200, {})]) as server:
        async with proxy_to(server, rate_limiter) as proxy:
            assert proxy.delay(PATH, 100) == 30
            async with anyio.create_task_group() as tasks:
                for _ in range(100):
                    tasks.start_soon(call, lambda: proxy.send("GET", PATH))
                for expected in (30, 60, 90, 100):
                    await until(lambda expected=expected: len(statuses) == expected)
                    assert len(server.received) == expected
                    await clock.advance(10)


async def test_calls_of_a_throttled_key_find_out_together() -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter("http://x", clock=clock, call_later=clock.call_later)
    throttled = http(429, {"detail": "x"}, Retry_After="20")
    with FaultServer([throttled, http(200, {})]) as server:
        async with proxy_to(server, rate_limiter) as proxy, anyio.create_task_group() as tasks:
            tasks.start_soon(proxy.send, "POST", PATH)
            await until(lambda: rate_limiter.for_key(KEY, PATH).delay() > 0)
            for _ in range(20):
                tasks.start_soon(proxy.send, "GET", PATH)
            await settle()
            assert len(server.received) == 1
            with pytest.raises(RateLimitWaitError, match=r"Retry after 20 s\. This request changed nothing"):
                with anyio.fail_after(19):
                    await proxy.send("POST", PATH)
            await clock.advance(20)

    assert [request.method for request in server.received].count("POST") == 2
    assert len(server.received) == 22


@pytest.mark.parametrize(("code", "learned"), [("throttled", True), (None, False)])
async def test_only_posthogs_own_429_turns_the_limits_on(code: str | None, learned: bool) -> None:
    rate_limiter = RateLimiter("http://x")
    with FaultServer([http(429, {"detail": "x", "code": code}, Retry_After="0"), http(200, {})]) as server:
        async with proxy_to(server, rate_limiter) as proxy:
            await proxy.send("GET", PATH)

    assert rate_limiter.limited is learned


async def test_a_429_that_asks_for_more_than_the_call_has_is_final() -> None:
    with FaultServer([http(429, {"detail": "x"}, Retry_After="55")]) as server:
        async with proxy_to(server, RateLimiter("http://x")) as proxy:
            with pytest.raises(RateLimitedError, match=r"Retry after 55 s\."):
                await proxy.send("GET", PATH)
            with pytest.raises(RateLimitWaitError, match=r"PostHog has throttled the key.*Retry after 5[45] s\."):
                await proxy.send("POST", PATH)

    assert len(server.received) == 1


async def test_time_that_runs_out_before_sending_is_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    host = LimitedHost(Rate(1, 60))
    await host.request("a")
    monkeypatch.setattr(KeyLimiter, "delay", lambda self, requests=1: 0.0)  # as if the wait had been underrated
    with FaultServer([http(200, {})]) as server:
        async with proxy_to(server, host.rate_limiter) as proxy:
            proxy._limits = type(proxy._limits)(total=0.05)
            with pytest.raises(RateLimitWaitError) as caught:
                await proxy.send("POST", PATH)

    assert (caught.value.maybe_applied, server.connections) == (False, 0)


def test_advice_to_retry_knows_the_longest_limit() -> None:
    assert max(rate.seconds for rate in (*DEFAULT, *SYMBOL_SETS)) == retry_after._LONGEST_PERIOD
