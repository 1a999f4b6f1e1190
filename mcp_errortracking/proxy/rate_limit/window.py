"""PostHog's limits of requests per key (contract 1.6), and how much of one is used up."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in any stretch of so many seconds."""

    requests: int
    seconds: float


DEFAULT = (Rate(480, 60), Rate(4800, 3600))
SYMBOL_SETS = (Rate(1200, 60), Rate(12000, 3600))

_LONGEST = max(rate.seconds for rate in DEFAULT + SYMBOL_SETS)
_SYMBOL_SETS_PATH = "error_tracking/symbol_sets/"


def rates_of(path: str) -> tuple[Rate, ...]:
    """The limits that a path counts towards, one tuple for each of PostHog's two counts.

    Args:
        path: relative to the project, like `error_tracking/fingerprints/`, or absolute.
    """
    return SYMBOL_SETS if path.startswith(_SYMBOL_SETS_PATH) else DEFAULT


def come_back(seconds: float | None) -> str:
    """When to call again, in a sentence: no later than the longest limit lasts, whatever an answer asked for.

    Args:
        seconds: that were asked for; None: none were.
    """
    if seconds is None:
        return "Come back in a minute."
    if seconds > _LONGEST:
        return "Come back in an hour: PostHog limits for no longer."
    return f"Come back in {seconds:.0f} s." if seconds >= 0.5 else "Try again now; if it stays, in a minute."


class Window:
    """The requests that count towards one rate now.

    PostHog remembers the moment of each request and looks back, so this does too: a bucket that refills steadily would
    let through up to twice the limit in the first minute. A request counts from its end on, which is never before the
    moment PostHog saw it; until then it is under way, which is for the caller to add.
    """

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._ends = deque[float](maxlen=rate.requests)

    def note(self, now: float) -> None:
        """A request is over."""
        self._ends.append(now)

    def delay(self, now: float, more: int) -> float:
        """Seconds until there is room for so many more requests, those under way among them; 0: at once.

        Where that depends on requests that are not over yet, it is the least that it can be.
        """
        ends, rate = self._ends, self._rate
        while ends and ends[0] <= now - rate.seconds:
            ends.popleft()
        beyond, delay = len(ends) + more - rate.requests, 0.0
        if beyond > len(ends):  # the last ones take the places of others that are not sent yet either
            rounds = -((len(ends) - beyond) // rate.requests)
            beyond -= rounds * rate.requests
            delay = rounds * rate.seconds
        return delay + ends[beyond - 1] + rate.seconds - now if beyond > 0 else delay
