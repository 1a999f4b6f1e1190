"""Limits of requests per key (contract 1.6)."""

import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass

from mcp_errortracking.sandbox.errors import HogError

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests per number of seconds."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `480/minute`.

        Raises:
            ValueError: the text is not a rate.
        """
        number, _, period = text.partition("/")
        if not number.isdigit() or int(number) < 1 or period not in _SECONDS:
            raise ValueError(f"no rate: {text!r}; give one like 480/minute")
        return cls(int(number), _SECONDS[period])


DEFAULT = (Rate(480, 60), Rate(4800, 3600))
SYMBOL_SETS = (Rate(1200, 60), Rate(12000, 3600))


class Throttle:
    """Counts the requests of each key, apart for symbol sets and for everything else."""

    def __init__(self, rates: tuple[Rate, ...] | None = None) -> None:
        """`rates` in place of PostHog's own."""
        self._rates = {False: rates or DEFAULT, True: rates or SYMBOL_SETS}
        self._seen = defaultdict[tuple[str, bool], deque[float]](deque)

    def check(self, key: str, *, symbol_sets: bool) -> None:
        """Count a request.

        Raises:
            ErrorAnswer: 429; such a request does not count.
        """
        now = time.monotonic()
        seen = self._seen[key, symbol_sets]
        rates = self._rates[symbol_sets]
        while seen and seen[0] <= now - max(rate.seconds for rate in rates):
            seen.popleft()
        for rate in rates:
            recent = [moment for moment in seen if moment > now - rate.seconds]
            if len(recent) >= rate.requests:
                wait = max(1, math.ceil(recent[-rate.requests] + rate.seconds - now))
                detail = f"Request was throttled. Expected available in {wait} second{'' if wait == 1 else 's'}."
                raise HogError(429, "throttled_error", "throttled", detail, headers={"Retry-After": str(wait)})
        seen.append(now)
