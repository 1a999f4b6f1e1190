"""A cached answer: requested once for all callers that wait for it."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class SharedAnswer(Generic[T]):
    """Asks once for all concurrent callers, and keeps the answer for a while.

    No caller waits longer than the time limit. After a timeout, later callers get the fallback without waiting, until
    it expires.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[T]], *, time_limit: float, fallback: T, ttl: Callable[[T], float]
    ) -> None:
        """
        Args:
            ask: fetches the answer.
            time_limit: seconds that it may take.
            fallback: the answer if it takes longer.
            ttl: seconds until an answer expires.
        """
        self._ask = ask
        self._time_limit = time_limit
        self._fallback = fallback
        self._ttl = ttl
        self._lock = anyio.Lock()
        self._answer = fallback
        self._expires_at = float("-inf")

    async def get(self) -> T:
        """Return the answer."""
        with anyio.move_on_after(self._time_limit) as limit:
            async with self._lock:
                if time.monotonic() >= self._expires_at:
                    self._keep(await self._ask())
        if limit.cancelled_caught and time.monotonic() >= self._expires_at:
            self._keep(self._fallback)
        return self._answer

    def _keep(self, answer: T) -> None:
        self._answer = answer
        self._expires_at = time.monotonic() + self._ttl(answer)
