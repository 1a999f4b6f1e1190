"""Keeps our requests under PostHog's limits per key (contract 1.6), so that calls wait a little rather than fail.

Each key has a pace for each of PostHog's two counts. A request asks it for its turn, which comes at once while there
is room. When there is none, or PostHog has answered 429, calls wait in a queue that is fair between callers; whoever
cannot have a turn in the time it has left is told at once, with the time to come back.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio
from pydantic import SecretStr

from mcp_errortracking.proxy.errors import HeldBackError
from mcp_errortracking.proxy.rate_limit.context import Wait, caller, on_wait
from mcp_errortracking.proxy.rate_limit.fair_queue import Turn, Turns
from mcp_errortracking.proxy.rate_limit.window import Rate, Window, come_back, rates_of

CLOUD = ("us.posthog.com", "eu.posthog.com", "app.posthog.com")
"""Hosts whose limits are on. Elsewhere they are off unless the instance turns them on; its first 429 tells."""

Clock = Callable[[], float]
CallLater = Callable[[float, Callable[[], None]], object]

_MOST_PACES = 2000
_LONGEST_HOLD = 60.0  # after so long one request finds out whether PostHog still refuses
_CREDIT_FOR_SUCCESS = 2
_FULL_CREDIT = 16
_WORTH_TELLING, _TELL_EVERY = 1.0, 5.0


class Pacer:
    """The paces of all keys at one host."""

    def __init__(
        self,
        host: str,
        paced: bool | None = None,
        *,
        rates: tuple[Rate, ...] | None = None,
        clock: Clock | None = None,
        call_later: CallLater | None = None,
    ) -> None:
        """
        Args:
            host: origin of PostHog.
            paced: whether it limits requests; None: as is known of the host, or learned from its answers.
            rates: in place of PostHog's own.
            clock: in seconds; must never go back.
            call_later: calls a function in so many seconds of that clock.
        """
        self.limited = urlsplit(host).hostname in CLOUD if paced is None else paced
        self._learns = paced is None
        self._rates = rates
        self.clock = clock or time.monotonic
        self.call_later = call_later or _call_later
        self._paces = OrderedDict[tuple[SecretStr, tuple[Rate, ...]], Pace]()

    def pace(self, key: SecretStr, path: str) -> "Pace":
        """The pace of a key for requests to that path."""
        rates = rates_of(path)
        pace = self._paces.get((key, rates))
        if pace is None:
            pace = self._paces[key, rates] = Pace(self, self._rates or rates)
            if len(self._paces) > _MOST_PACES:
                self._paces.popitem(last=False)
        return pace

    def learn(self) -> None:
        """PostHog itself, not a gateway before it, has throttled a key: its limits are on."""
        self.limited = self.limited or self._learns


class Pace:
    """The turns of one key's requests that PostHog counts together: taken with `turn`, given back with `done`."""

    def __init__(self, pacer: Pacer, rates: tuple[Rate, ...]) -> None:
        self._pacer = pacer
        self._clock = pacer.clock
        self._windows = [Window(rate) for rate in rates]
        self._waiting = Turns()
        self._underway = 0
        self._resume = self._asked = float("-inf")
        self._credit: int | None = None
        self._alarm: float | None = None

    async def turn(self, *, again: bool = False) -> None:
        """Returns when a request may be sent; each success of it asks for one `done`.

        Args:
            again: it was sent before and throttled, so it is the first of its caller's.

        Raises:
            HeldBackError: there will be no turn in the time that the call has left.
        """
        if not self._waiting and self._has_room(self._clock()):
            self._take()
        else:
            await self._wait(again)

    def done(self, *, arrived: bool = True, throttled: float | None = None, by_posthog: bool = True) -> None:
        """A request is over.

        Args:
            arrived: whether it can have reached PostHog.
            throttled: the answer was 429 and asked for so many seconds.
            by_posthog: it was PostHog's, so its limits are on.
        """
        self._underway -= 1
        now = self._clock()
        if arrived:
            for window in self._windows:
                window.note(now)
        if throttled is not None:
            if by_posthog:
                self._pacer.learn()
            self._hold(now, throttled)
        elif self._credit is not None:
            self._credit += _CREDIT_FOR_SUCCESS
            if self._credit >= _FULL_CREDIT:
                self._credit = None
        if self._waiting:
            self._hand_out()

    def delay(self, requests: int = 1) -> float:
        """Seconds, at the least, until so many more requests of this context's caller could all have been sent."""
        now = self._clock()
        held = max(self._asked - now, 0.0)
        if not self._pacer.limited:
            return held
        ahead = self._waiting.ahead(caller.get())
        return max(held, *(window.delay(now, self._underway + ahead + requests) for window in self._windows))

    def held_back(self) -> HeldBackError:
        """The error for a call that cannot have its turn in time."""
        seconds = max(self.delay(), 1.0)
        return HeldBackError(
            "Too many requests with this API key: this one was held back, and not sent.",
            self._why(),
            f"{come_back(seconds)} Nothing was changed by it.",
            code="held_back",
            retry_after=round(seconds, 1),
        )

    def _has_room(self, now: float) -> bool:
        if now < self._resume or self._credit == 0:
            return False
        more = self._underway + 1
        return not self._pacer.limited or all(window.delay(now, more) <= 0 for window in self._windows)

    def _take(self) -> None:
        self._underway += 1
        if self._credit is not None:
            self._credit -= 1

    async def _wait(self, again: bool) -> None:
        left = anyio.current_effective_deadline() - anyio.current_time()
        if self.delay() >= left:
            raise self.held_back()
        one = Turn(caller.get(), self._clock() + left)
        self._waiting.add(one, first=again)
        self._hand_out()
        try:
            await self._tell_until(one)
        except BaseException:
            if one.granted:  # and given up in the same moment
                self.done(arrived=False)
            elif not one.come.is_set():
                self._waiting.remove(one)
            raise
        if not one.granted:
            raise self.held_back()

    async def _tell_until(self, one: Turn) -> None:
        tell, began = on_wait.get(), self._clock()
        if tell is None:
            await one.come.wait()
            return
        while not one.come.is_set():
            waited, expected = self._clock() - began, self.delay(0)
            if waited + expected >= _WORTH_TELLING:
                await tell(Wait(waited, expected, self._why()))
            with anyio.move_on_after(_TELL_EVERY):
                await one.come.wait()

    def _why(self) -> str:
        if self._clock() < self._asked:
            return "PostHog has throttled the key: it allows 480 a minute and 4,800 an hour (symbol sets: more)."
        return "PostHog allows a key 480 a minute and 4,800 an hour (symbol sets: more), and they are used up."

    def _hand_out(self) -> None:
        """Gives turns while there is room, and sees to it that this happens again when there will be."""
        now = self._clock()
        while self._waiting and self._has_room(now):
            self._take()
            one = self._waiting.pop()
            one.granted = True
            one.come.set()
        if not self._waiting or self._credit == 0:  # in the latter case the next `done` hands out
            return
        delay = self._resume - now
        if self._pacer.limited:
            delay = max(delay, *(window.delay(now, self._underway + 1) for window in self._windows))
        if delay > 0 and (self._alarm is None or now + delay < self._alarm):
            self._alarm = now + delay
            self._pacer.call_later(delay, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._hand_out()

    def _hold(self, now: float, seconds: float) -> None:
        """PostHog refuses this key: all wait, then it begins with one; those without time for that are told."""
        self._asked = max(self._asked, now + seconds)
        self._resume = max(self._resume, now + min(seconds, _LONGEST_HOLD))
        self._credit = 1
        for one in self._waiting.all():
            if one.until <= self._asked:
                self._waiting.remove(one)
                one.come.set()


def _call_later(seconds: float, function: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(seconds, function)
