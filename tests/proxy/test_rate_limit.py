"""Under PostHog's limits: who waits, for how long, in which order, and who is told to come back later."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import HeldBackError, RateLimitedError
from mcp_errortracking.proxy.rate_limit.context import Wait, caller, on_wait
from mcp_errortracking.proxy.rate_limit.limiter import Pace, Pacer
from mcp_errortracking.proxy.rate_limit.window import DEFAULT, SYMBOL_SETS, Rate, Window, rates_of
from tests.proxy.fake_clock import FakeClock, settle
from tests.proxy.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

KEY, OTHER = SecretStr("phx_one"), SecretStr("phx_two")
PATH = "error_tracking/fingerprints/"
SYMBOLS = "error_tracking/symbol_sets/bulk_delete/"


class Station:
    """A paced host, and the requests that got their turn."""

    def __init__(self, *rates: Rate, paced: bool | None = True) -> None:
        self.clock = FakeClock()
        self.pacer = Pacer("http://self.hosted", paced, rates=rates, clock=self.clock, call_later=self.clock.call_later)
        self.pace = self.pacer.pace(KEY, PATH)
        self.sent = list[tuple[str, float]]()
        self.refused = list[tuple[str, HeldBackError]]()

    async def request(self, name: str, time: float = 50, *, again: bool = False) -> None:
        """Sends one that is answered at once."""
        caller.set(name.partition(" ")[0])
        try:
            with anyio.fail_after(time):
                await self.pace.turn(again=again)
        except HeldBackError as error:
            self.refused.append((name, error))
            return
        self.sent.append((name, self.clock.now - 1000))
        self.pace.done()

    async def hold(self, seconds: float) -> None:
        """One that is throttled."""
        await self.pace.turn()
        self.pace.done(throttled=seconds)


def test_the_limits_are_posthogs() -> None:
    assert rates_of(PATH) == rates_of("/api/users/@me/") == DEFAULT == (Rate(480, 60), Rate(4800, 3600))
    assert rates_of(SYMBOLS) == SYMBOL_SETS == (Rate(1200, 60), Rate(12000, 3600))


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
    ("host", "paced", "limited"),
    [
        ("https://us.posthog.com", None, True),
        ("https://eu.posthog.com", None, True),
        ("https://posthog.example.com", None, False),
        ("http://us.posthog.com.evil.example", None, False),
        ("https://us.posthog.com", False, False),
        ("http://127.0.0.1:8000", True, True),
    ],
)
def test_which_hosts_are_paced_from_the_start(host: str, paced: bool | None, limited: bool) -> None:
    assert Pacer(host, paced).limited is limited


async def test_a_burst_up_to_the_limit_goes_at_once_and_the_rest_when_the_window_has_passed() -> None:
    station = Station(Rate(3, 10), Rate(5, 100))
    async with anyio.create_task_group() as tasks:
        for number in range(7):
            tasks.start_soon(station.request, f"a {number}", 300)
        await settle()
        assert [moment for _, moment in station.sent] == [0, 0, 0]
        await station.clock.advance(9.9)
        assert len(station.sent) == 3
        await station.clock.advance(0.1)
        assert [moment for _, moment in station.sent] == [0, 0, 0, 10, 10]
        await station.clock.advance(100)

    assert station.sent == [(f"a {n}", t) for n, t in enumerate([0, 0, 0, 10, 10, 100, 100])]


async def test_a_request_counts_until_long_after_its_answer() -> None:
    station = Station(Rate(1, 10))
    await station.pace.turn()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(station.request, "a", 300)
        await station.clock.advance(30)
        assert station.sent == []
        station.pace.done()
        await station.clock.advance(9)
        assert station.sent == []
        await station.clock.advance(1)

    assert station.sent == [("a", 40)]


async def test_what_never_arrived_does_not_count() -> None:
    station = Station(Rate(1, 10))
    await station.pace.turn()
    station.pace.done(arrived=False)

    await station.request("a")

    assert station.sent == [("a", 0)]


async def test_callers_take_turns_and_each_ones_calls_keep_their_order() -> None:
    station = Station(Rate(1, 10))
    await station.request("first")
    async with anyio.create_task_group() as tasks:
        for name in ("a 1", "a 2", "a 3", "b 1", "b 2", "c 1"):
            tasks.start_soon(station.request, name, 300)
            await settle()
        await station.clock.advance(60)

    assert [name for name, _ in station.sent[1:]] == ["a 1", "b 1", "c 1", "a 2", "b 2", "a 3"]


async def test_a_wait_longer_than_the_call_may_take_is_told_before_anything_is_sent() -> None:
    station = Station(Rate(1, 60))
    await station.request("a")

    await station.request("b", 50)

    assert station.sent == [("a", 0)]
    ((_, error),) = station.refused
    assert (error.code, error.retry_after, error.status, error.maybe_applied) == ("held_back", 60, None, False)
    assert "held back, and not sent" in error.what
    assert "480 a minute" in error.why
    assert error.next_step == "Come back in 60 s. Nothing was changed by it."


async def test_those_ahead_are_counted() -> None:
    station = Station(Rate(1, 20))
    async with anyio.create_task_group() as tasks:
        for name in ("a 1", "a 2", "a 3", "a 4"):
            tasks.start_soon(station.request, name, 50)
            await settle()
        assert [name for name, _ in station.refused] == ["a 4"]
        tasks.start_soon(station.request, "b 1", 50)  # goes before a 3, whose time still suffices
        await station.clock.advance(60)

    assert station.sent == [("a 1", 0), ("a 2", 20), ("b 1", 40), ("a 3", 60)]


async def test_two_keys_and_two_counts_do_not_wait_for_each_other() -> None:
    station = Station(Rate(1, 60))
    await station.request("a")
    for pace in (station.pacer.pace(OTHER, PATH), station.pacer.pace(KEY, SYMBOLS)):
        assert pace is not station.pace
        await pace.turn()
    assert station.pacer.pace(SecretStr("phx_one"), PATH) is station.pace


async def test_a_429_makes_everybody_wait_and_then_begins_with_one() -> None:
    station = Station(Rate(100, 60), paced=None)
    await station.hold(20)
    assert station.pacer.limited
    underway = list[str]()

    async def slow(name: str) -> None:
        await station.pace.turn()
        underway.append(name)

    async with anyio.create_task_group() as tasks:
        for name in "abcdefgh":
            tasks.start_soon(slow, name)
        await station.clock.advance(19.9)
        assert underway == []
        await station.clock.advance(0.1)
        assert underway == ["a"]
        for expected in ("abc", "abcde", "abcdefg"):
            station.pace.done()
            await settle()
            assert "".join(underway) == expected
        station.pace.done()


async def test_who_waits_is_told_at_once_when_a_429_takes_the_time_it_has() -> None:
    station = Station(Rate(2, 30))
    await station.request("a")
    await station.pace.turn()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(station.request, "short", 40)
        tasks.start_soon(station.request, "long", 300)
        await settle()
        station.pace.done(throttled=45)
        await settle()
        assert [name for name, _ in station.refused] == ["short"]
        await station.clock.advance(45)

    assert station.refused[0][1].retry_after == 45
    assert "PostHog has throttled the key" in station.refused[0][1].why
    assert station.sent == [("a", 0), ("long", 45)]


async def test_an_absurd_retry_after_is_probed_again_after_a_minute() -> None:
    station = Station(Rate(100, 60), paced=None)
    await station.hold(999_999_999)
    await station.request("a")
    assert [name for name, _ in station.refused] == ["a"]

    async with anyio.create_task_group() as tasks:
        await station.clock.advance(60)
        tasks.start_soon(station.request, "b")

    assert station.sent == [("b", 60)]


async def test_one_that_was_throttled_goes_first_of_its_caller() -> None:
    station = Station(Rate(1, 10))
    await station.request("a 0")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(station.request, "a 1", 300)
        await settle()
        caller_again = station.request("a 2", 300, again=True)
        tasks.start_soon(_run, caller_again)
        await station.clock.advance(30)

    assert [name for name, _ in station.sent] == ["a 0", "a 2", "a 1"]


async def _run(awaitable: Awaitable[None]) -> None:
    await awaitable


async def test_a_call_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    station = Station(Rate(1, 10))
    await station.request("a")
    scope = anyio.CancelScope()

    async def cancelled() -> None:
        with scope:
            await station.request("b", 300)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancelled)
        await settle()
        tasks.start_soon(station.request, "c", 300)
        await settle()
        scope.cancel()
        await station.clock.advance(10)

    assert station.sent == [("a", 0), ("c", 10)]


async def test_a_call_cancelled_in_the_moment_of_its_turn_gives_it_back() -> None:
    station = Station(Rate(1, 10))
    await station.request("a")
    scope = anyio.CancelScope()

    async def cancelled() -> None:
        with scope:
            await station.request("b", 300)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancelled)
        await settle()
        tasks.start_soon(station.request, "c", 300)
        await settle()
        station.clock.call_later(10, scope.cancel)
        station.clock.now += 10
        scope.cancel()
        station.pace._wake()
        await settle()

    assert station.sent == [("a", 0), ("c", 10)]


async def test_a_wait_is_told_with_how_long_it_will_be() -> None:
    station = Station(Rate(1, 10))
    told = list[Wait]()

    async def tell(wait: Wait) -> None:
        told.append(wait)

    on_wait.set(tell)
    await station.request("a")
    assert told == []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(station.request, "a")
        await settle()
        assert [(wait.waited, wait.expected) for wait in told] == [(0, 10)]
        assert "used up" in told[0].why
        await station.clock.advance(10)


async def test_how_long_a_batch_will_take_is_known_beforehand() -> None:
    station = Station(Rate(3, 10), Rate(8, 100))

    assert [station.pace.delay(requests) for requests in (1, 3, 4, 6, 7, 9)] == [0, 0, 10, 10, 20, 100]
    await station.request("a")
    await station.clock.advance(4)
    assert station.pace.delay(3) == 6


async def test_most_keys_are_forgotten_in_the_end() -> None:
    pacer = Pacer("https://us.posthog.com")
    paces = [pacer.pace(SecretStr(f"phx_{number}"), PATH) for number in range(3000)]

    assert pacer.pace(SecretStr("phx_2999"), PATH) is paces[-1]
    assert pacer.pace(SecretStr("phx_0"), PATH) is not paces[0]
    assert "phx_" not in repr(vars(pacer))


async def until(condition: Callable[[], bool]) -> None:
    """Returns as soon as something has happened on a socket that makes it so."""
    while not condition():  # noqa: ASYNC110 what it waits for happens in another thread
        await anyio.sleep(0.001)


def proxy_to(server: FaultServer, pacer: Pacer) -> Proxy:
    return Proxy(host=server.url, key=KEY, project="7", pacer=pacer)


async def test_a_hundred_calls_at_once_wait_rather_than_fail() -> None:
    clock = FakeClock()
    pacer = Pacer("http://x", paced=True, rates=(Rate(30, 10),), clock=clock, call_later=clock.call_later)
    statuses = list[int]()

    async def call(send: Callable[[], Awaitable[object]]) -> None:
        await send()
        statuses.append(200)

    with FaultServer([http(200, {})]) as server:
        async with proxy_to(server, pacer) as proxy:
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
    pacer = Pacer("http://x", clock=clock, call_later=clock.call_later)
    throttled = http(429, {"detail": "x"}, Retry_After="20")
    with FaultServer([throttled, http(200, {})]) as server:
        async with proxy_to(server, pacer) as proxy, anyio.create_task_group() as tasks:
            tasks.start_soon(proxy.send, "POST", PATH)
            await until(lambda: pacer.pace(KEY, PATH).delay() > 0)
            for _ in range(20):
                tasks.start_soon(proxy.send, "GET", PATH)
            await settle()
            assert len(server.received) == 1
            with pytest.raises(HeldBackError, match=r"Come back in 20 s\. Nothing was changed"):
                with anyio.fail_after(19):
                    await proxy.send("POST", PATH)
            await clock.advance(20)

    assert [request.method for request in server.received].count("POST") == 2
    assert len(server.received) == 22


@pytest.mark.parametrize(("code", "learned"), [("throttled", True), (None, False)])
async def test_only_posthogs_own_429_turns_the_limits_on(code: str | None, learned: bool) -> None:
    pacer = Pacer("http://x")
    with FaultServer([http(429, {"detail": "x", "code": code}, Retry_After="0"), http(200, {})]) as server:
        async with proxy_to(server, pacer) as proxy:
            await proxy.send("GET", PATH)

    assert pacer.limited is learned


async def test_a_429_that_asks_for_more_than_the_call_has_is_final() -> None:
    with FaultServer([http(429, {"detail": "x"}, Retry_After="55")]) as server:
        async with proxy_to(server, Pacer("http://x")) as proxy:
            with pytest.raises(RateLimitedError, match=r"Come back in 55 s\."):
                await proxy.send("GET", PATH)
            with pytest.raises(HeldBackError, match=r"PostHog has throttled the key.*Come back in 5[45] s\."):
                await proxy.send("POST", PATH)

    assert len(server.received) == 1


async def test_time_that_runs_out_before_sending_is_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    station = Station(Rate(1, 60))
    await station.request("a")
    monkeypatch.setattr(Pace, "delay", lambda self, requests=1: 0.0)  # as if the wait had been underrated
    with FaultServer([http(200, {})]) as server:
        async with proxy_to(server, station.pacer) as proxy:
            proxy._limits = type(proxy._limits)(total=0.05)
            with pytest.raises(HeldBackError) as caught:
                await proxy.send("POST", PATH)

    assert (caught.value.maybe_applied, server.connections) == (False, 0)
