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
        self, ask: Callable[[], Awaitable[T]], *, time_limit: float, late: T, seconds: Callable[[T], float]
    ) -> None:
        """
        Args:
            ask: gives the answer.
            time_limit: seconds that it may take.
            late: the answer where it takes longer.
            seconds: how long an answer is good for.
        """
        self._ask = ask
        self._time_limit = time_limit
        self._late = late
        self._seconds = seconds
        self._lock = anyio.Lock()
        self._answer = late
        self._until = float("-inf")

    async def get(self) -> T:
        """Return the answer."""
        with anyio.move_on_after(self._time_limit) as limit:
            async with self._lock:
                if time.monotonic() >= self._until:
                    self._keep(await self._ask())
        if limit.cancelled_caught and time.monotonic() >= self._until:
            self._keep(self._late)
        return self._answer

    def _keep(self, answer: T) -> None:
        self._answer = answer
        self._until = time.monotonic() + self._seconds(answer)
