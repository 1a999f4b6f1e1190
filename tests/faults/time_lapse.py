"""An event loop in which waiting takes no time: when nothing is left to do but wait, its clock jumps to the end of the
wait. So production's own time limits can be tested, as they are, in milliseconds.

It assumes that both ends of every connection run in this thread.
"""

import asyncio
import selectors
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager

_IDLE = 0.002  # real seconds without any event, after which nothing is under way on a loopback socket


class _Clock:
    def __init__(self) -> None:
        self._real = time.monotonic
        self._skipped = 0.0

    def monotonic(self) -> float:
        """In place of `time.monotonic`."""
        return self._real() + self._skipped

    def skip(self, seconds: float) -> None:
        self._skipped += seconds


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the events that are ready; if there are none, the clock jumps."""
        if timeout is None or timeout <= _IDLE:
            return super().select(timeout)
        events = super().select(_IDLE)
        if not events:
            self._clock.skip(timeout - _IDLE)
        return events


@contextmanager
def time_lapse() -> Generator[tuple[str, Mapping[str, object]]]:
    """The backend and its options, for anyio, of a loop with such a clock; `time.monotonic` shows it for as long."""
    clock, real = _Clock(), time.monotonic
    time.monotonic = clock.monotonic
    try:
        yield "asyncio", {"loop_factory": lambda: asyncio.SelectorEventLoop(_Selector(clock))}
    finally:
        time.monotonic = real
