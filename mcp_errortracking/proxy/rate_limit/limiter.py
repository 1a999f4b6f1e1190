"""The rate limiter: keeps requests under PostHog's limits per key (contract 1.6), so that calls wait rather than fail.

Each key has a limiter for each of PostHog's two counts. A request acquires a slot before it is sent, at once while
there is room. When there is no room, or PostHog has answered 429, requests wait in a queue that is fair between
callers. A call that has too little time left for its slot is refused at once, with the time to retry.

An answer of PostHog outranks what is believed of its limits. A host that is not known to limit requests is believed to
have PostHog's limits from its first 429 on, with an empty history, except for those that it has been seen to exceed.
When the time of a `Retry-After` has passed, one request is sent, whatever the history says.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio
from pydantic import SecretStr

from mcp_errortracking.proxy.errors import RateLimitWaitError
from mcp_errortracking.proxy.rate_limit.context import Wait, caller, on_wait
from mcp_errortracking.proxy.rate_limit.fair_queue import FairQueue, Ticket
from mcp_errortracking.proxy.rate_limit.shared_slots import SharedSlots
from mcp_errortracking.proxy.rate_limit.store import Store
from mcp_errortracking.proxy.rate_limit.window import Rate, RateTest, Window, rates_for
from mcp_errortracking.proxy.retry_after import LONGEST_PAUSE, retry_advice

CLOUD = ("us.posthog.com", "eu.posthog.com", "app.posthog.com")
"""Hosts that limit requests. Other hosts do not, unless configured to; their first 429 shows it."""

Clock = Callable[[], float]
CallLater = Callable[[float, Callable[[], None]], object]

_MOST_LIMITERS = 2000
_CREDIT_FOR_SUCCESS = 2
_FULL_CREDIT = 16
_LEAST_REPORTED_WAIT, _REPORT_INTERVAL = 1.0, 5.0


class RateLimiter:
    """The limiters of all keys at one host."""

    def __init__(
        self,
        host: str,
        limited: bool | None = None,
        *,
        rates: tuple[Rate, ...] | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
        call_later: CallLater | None = None,
    ) -> None:
        """
        Args:
            host: origin of PostHog.
            limited: True if the host limits requests; None: known for Cloud, else learned from its answers.
            rates: in place of PostHog's own.
            store: shares the limits with other processes that use the same keys.
            clock: in seconds; must never go back.
            call_later: calls a function after a number of seconds of that clock.
        """
        self.limited = urlsplit(host).hostname in CLOUD if limited is None else limited
        self._learns = limited is None
        self._rates = rates
        self._host, self.store = host, store
        self._disproved = set[Rate]()
        self.clock = clock or time.monotonic
        self.call_later = call_later or _call_later
        self._limiters = OrderedDict[tuple[SecretStr, tuple[Rate, ...]], KeyLimiter]()

    def for_key(self, key: SecretStr, path: str) -> "KeyLimiter":
        """Return the limiter of a key for requests to that path."""
        rates = rates_for(path)
        limiter = self._limiters.get((key, rates))
        if limiter is None:
            slots = None if self.store is None else SharedSlots(self.store, self._host, key, rates)
            limiter = self._limiters[key, rates] = KeyLimiter(self, self._rates or rates, slots)
            if len(self._limiters) > _MOST_LIMITERS:
                self._limiters.popitem(last=False)
        return limiter

    def learn(self) -> None:
        """Note that PostHog itself, not a gateway before it, has throttled a key: it limits requests."""
        self.limited = self.limited or self._learns

    def disprove(self, rate: Rate) -> None:
        """Note that the host does not have that limit: it has taken more requests."""
        self._disproved.add(rate)

    def applies(self, rate: Rate) -> bool:
        """Return True if requests have to keep to that limit."""
        return self.limited and rate not in self._disproved

    async def aclose(self) -> None:
        """Close the connections to the store, if there is one."""
        if self.store is not None:
            await self.store.aclose()


class KeyLimiter:
    """The slots of one key's requests that PostHog counts together. Each request acquires one and releases it."""

    def __init__(self, host_limiter: RateLimiter, rates: tuple[Rate, ...], slots: SharedSlots | None) -> None:
        self._host_limiter = host_limiter
        self._clock = host_limiter.clock
        self._windows = [Window(rate) for rate in rates]
        self._tests = [RateTest(rate) for rate in rates]
        self._queue = FairQueue()
        self._begun = deque[float]()
        """When the requests in flight began. A request that ends is taken to be the oldest of them."""
        self._slots = slots
        self._paused_until = self._throttled_until = self._used_up_until = float("-inf")
        self._credit: int | None = None
        self._alarm: float | None = None

    async def acquire(self, *, again: bool = False) -> None:
        """Return when a request may be sent; after it, `release` must be called once.

        Args:
            again: the request was sent before and throttled, so it goes first among its caller's.

        Raises:
            RateLimitWaitError: the call has too little time left to wait for a slot.
        """
        if not self._queue and self._has_room(self._clock()):
            self._take()
        else:
            await self._wait(again)

    def release(self, *, arrived: bool = True, throttled: float | None = None, by_posthog: bool = True) -> None:
        """Note the end of a request.

        Args:
            arrived: False if it cannot have reached PostHog.
            throttled: the answer was 429 and asked for a wait of that many seconds.
            by_posthog: the 429 was PostHog's own, so PostHog limits requests.
        """
        now = self._clock()
        began = self._begun.popleft() if arrived else self._begun.pop()
        if self._slots is not None:
            self._slots.release(counts=arrived and throttled is None)
            if throttled is not None and self._host_limiter.limited:
                self._slots.pause(min(throttled, LONGEST_PAUSE))
        if throttled is not None:  # not counted, as PostHog does not count what it refuses: that leaves room for one
            if by_posthog:
                self._host_limiter.learn()
                for test in self._tests:
                    test.restart()
            self._pause(now, throttled)
        else:
            if arrived:
                self._note(began, now)
            if self._credit is not None:
                self._restore_credit(now, arrived)
        if self._queue:
            self._grant()

    def delay(self, requests: int = 1) -> float:
        """Return the least seconds until that many more requests of this context's caller could all have been sent."""
        now = self._clock()
        pause = max(self._throttled_until - now, 0.0)
        if not self._host_limiter.limited:
            return pause
        shared = self._used_up_until - now if self._needs_slots() else 0.0
        return max(pause, shared, self._window_delay(now, self._queue.ahead(caller.get()) + requests))

    def wait_error(self) -> RateLimitWaitError:
        """Return the error for a call that cannot wait long enough for its slot."""
        seconds = max(self.delay(), 1.0)
        return RateLimitWaitError(
            "Too many requests with this API key: this one was held back and not sent.",
            self._why(),
            f"{retry_advice(seconds)} This request changed nothing.",
            code="held_back",
            retry_after=round(seconds, 1),
        )

    def _has_room(self, now: float) -> bool:
        if now < self._paused_until or self._credit == 0:
            return False
        return self._window_delay(now, 1) <= 0 and (not self._needs_slots() or bool(self._slots))

    def _needs_slots(self) -> bool:
        """Return True if requests need slots that processes share."""
        return self._slots is not None and bool(self._applied()) and self._slots.are_needed()

    def _applied(self) -> list[Window]:
        return [window for window in self._windows if self._host_limiter.applies(window.rate)]

    def _window_delay(self, now: float, more: int) -> float:
        """Return the least seconds until the limits allow that many more requests; 0: now."""
        more += len(self._begun)
        return max((window.delay(now, more) for window in self._applied()), default=0.0)

    def _take(self) -> None:
        self._begun.append(self._clock())
        if self._slots is not None:
            self._slots.take()
        if self._credit is not None:
            self._credit -= 1

    def _note(self, began: float, now: float) -> None:
        """Count a request that PostHog has not refused."""
        if self._host_limiter.limited:
            for window in self._windows:
                window.note(now)
            return
        for test in self._tests:
            if test.note(began, now):
                self._host_limiter.disprove(test.rate)

    def _restore_credit(self, now: float, arrived: bool) -> None:
        """Let more requests through after a pause, because one has ended well."""
        if arrived and now >= self._paused_until:  # PostHog takes requests again, sooner than it said
            self._throttled_until = min(self._throttled_until, now)
        assert self._credit is not None  # noqa: S101 the caller has checked
        self._credit += _CREDIT_FOR_SUCCESS
        if self._credit >= _FULL_CREDIT:
            self._credit = None

    async def _wait(self, again: bool) -> None:
        left = anyio.current_effective_deadline() - anyio.current_time()
        if self.delay() >= left:
            raise self.wait_error()
        ticket = Ticket(caller.get(), self._clock() + left)
        self._queue.add(ticket, first=again)
        self._grant()
        try:
            await self._report_until_settled(ticket)
        except BaseException:
            if ticket.granted:  # and cancelled in the same moment
                self.release(arrived=False)
            elif not ticket.settled.is_set():
                self._queue.remove(ticket)
            raise
        if not ticket.granted:
            raise self.wait_error()

    async def _report_until_settled(self, ticket: Ticket) -> None:
        report, began = on_wait.get(), self._clock()
        if report is None:
            await ticket.settled.wait()
            return
        while not ticket.settled.is_set():
            waited, expected = self._clock() - began, self.delay(0)
            if waited + expected >= _LEAST_REPORTED_WAIT:
                await report(Wait(waited, expected, self._why()))
            with anyio.move_on_after(_REPORT_INTERVAL):
                await ticket.settled.wait()

    def _why(self) -> str:
        if self._clock() < self._throttled_until:
            return "PostHog has throttled the key: it allows 480 a minute and 4,800 an hour (symbol sets: more)."
        return "PostHog allows a key 480 a minute and 4,800 an hour (symbol sets: more), and they are used up."

    def _grant(self) -> None:
        """Grant slots while there is room, and schedule the next grant for the moment when there will be room again."""
        now = self._clock()
        while self._queue and self._has_room(now):
            self._take()
            ticket = self._queue.pop()
            ticket.granted = True
            ticket.settled.set()
        if self._slots is not None and not self._queue:
            self._slots.release_free()
        if not self._queue or self._credit == 0:  # without credit, the next `release` grants
            return
        delay = max(self._paused_until - now, self._window_delay(now, 1))
        if self._slots is not None and self._needs_slots():
            delay = max(delay, self._used_up_until - now)
            if delay <= 0:
                number = len(self._queue) if self._credit is None else min(self._credit, len(self._queue))
                self._slots.ask(number, [window.rate for window in self._applied()], self._note_slots)
        if delay > 0 and (self._alarm is None or now + delay < self._alarm):
            self._alarm = now + delay
            self._host_limiter.call_later(delay, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._grant()

    def _pause(self, now: float, seconds: float) -> None:
        """Make all requests of the key wait, then let one through; refuse those that do not have that much time."""
        self._throttled_until = max(self._throttled_until, now + seconds)
        self._paused_until = max(self._paused_until, now + min(seconds, LONGEST_PAUSE))
        self._credit = 1
        self._refuse_until(self._throttled_until)
        if self._slots is not None:
            self._slots.release_free()

    def _note_slots(self, delay: float) -> None:
        """Use the slots that were reserved; there will be more in that many seconds."""
        if delay > 0:
            self._used_up_until = self._clock() + delay
        self._grant()
        if delay > 0:
            self._refuse_until(self._used_up_until)

    def _refuse_until(self, moment: float) -> None:
        """Refuse the waiting requests that do not have the time to wait until then."""
        for ticket in self._queue.all():
            if ticket.deadline <= moment:
                self._queue.remove(ticket)
                ticket.settled.set()


def _call_later(seconds: float, function: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(seconds, function)
