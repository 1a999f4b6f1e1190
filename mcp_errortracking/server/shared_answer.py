"""An answer that many wait for and that is asked for once."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class SharedAnswer(Generic[T]):
    """Asks once for all who wait at the same time, and remembers the answer for a while.

    No caller waits longer than the time limit. After a question without an answer, later callers do not wait at all
    until it is asked again.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[T]], *, time_limit: float, fallback: T, ttl: Callable[[T], float]
    ) -> None:
        """
        Args:
            ask: gives the answer.
            time_limit: seconds that it may take.
            fallback: the answer where it takes longer.
            ttl: how long an answer is good for.
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
