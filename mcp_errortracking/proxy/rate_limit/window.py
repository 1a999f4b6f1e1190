"""PostHog's limits of requests per key (contract 1.6), the use of one, and the test if a host has it at all."""

from collections import deque
from dataclasses import dataclass

from mcp_errortracking.proxy.address import SYMBOL_SETS_PATH


@dataclass(frozen=True, slots=True)
class Rate:
    """A maximum of requests within any period of that many seconds."""

    requests: int
    seconds: float


DEFAULT = (Rate(480, 60), Rate(4800, 3600))
SYMBOL_SETS = (Rate(1200, 60), Rate(12000, 3600))


def rates_for(path: str) -> tuple[Rate, ...]:
    """Return the limits that a path counts towards, one tuple for each of PostHog's two counts.

    Args:
        path: relative to the project, like `error_tracking/fingerprints/`, or absolute.
    """
    return SYMBOL_SETS if path.startswith(SYMBOL_SETS_PATH) else DEFAULT


class Window:
    """The requests that count towards one rate now.

    PostHog remembers the moment of each request and looks back, so this class does too: a bucket that refills steadily
    would let through up to twice the limit in the first minute. A request counts from its end, which is never before
    the moment PostHog saw it. Until then it is in flight, and the caller of `delay` adds it.
    """

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._ends = deque[float](maxlen=rate.requests)

    def note(self, now: float) -> None:
        """Record the end of a request."""
        self._ends.append(now)

    def delay(self, now: float, more: int) -> float:
        """Return the seconds until there is room for `more` requests, those in flight included; 0: now.

        Where that depends on requests that have not ended yet, it is the least that it can be.
        """
        ends, rate = self._ends, self.rate
        while ends and ends[0] <= now - rate.seconds:
            ends.popleft()
        beyond, delay = len(ends) + more - rate.requests, 0.0
        if beyond > len(ends):  # the last ones take the places of others that are not sent yet either
            rounds = -((len(ends) - beyond) // rate.requests)
            beyond -= rounds * rate.requests
            delay = rounds * rate.seconds
        return delay + ends[beyond - 1] + rate.seconds - now if beyond > 0 else delay


class RateTest:
    """The test of a rate that a host may not have: more requests than it allows, none of them refused, disprove it.

    It counts the requests that begin and end within one period, so all of them reached PostHog within it.
    """

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._since = float("-inf")
        self._requests = 0

    def note(self, began: float, ended: float) -> bool:
        """Count a request that was not refused; return True if the rate is disproved."""
        if ended > self._since + self.rate.seconds:
            self._since, self._requests = began, 0
        self._requests += began >= self._since
        return self._requests > self.rate.requests

    def restart(self) -> None:
        """Forget the requests so far."""
        self._since = float("-inf")
