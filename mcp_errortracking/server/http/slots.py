"""How much is let in at once: calls and sessions, in all and for each caller."""

from collections import Counter
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The bounds of the app over HTTP. Times in seconds, sizes in bytes."""

    calls: int
    """Calls under way; one caller may have half of them."""
    sessions: int
    """Open SSE streams; one caller may have half of them, but 4 at least."""
    idle: float
    """An SSE stream on which nothing was asked for so long is closed."""
    body: int = 4 * 1024 * 1024
    """Of one request."""
    bodies: int = 64 * 1024 * 1024
    """Of all requests that are being received or answered; one caller may have half of them."""
    body_time: float = 20.0
    """For the whole body of a request to arrive."""
    stalled: float = 30.0
    """An SSE reader that takes nothing for so long is given up."""

    @property
    def connections(self) -> int:
        """Open connections: all calls and streams twice over, and as many probes as there will ever be."""
        return 2 * (self.calls + self.sessions) + 1024


class FullError(Exception):
    """There is no room. `status` is 429 where the caller has its share, 503 where the whole server is full."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status

    def response(self) -> Response:
        """The answer to give."""
        error = "too_many_requests" if self.status == 429 else "busy"
        return JSONResponse({"error": error, "detail": str(self)}, self.status, {"Retry-After": "1"})


class Slots:
    """A number of places of which one caller may hold half."""

    def __init__(self, total: int, noun: str) -> None:
        self._total = total
        self._share = max(total // 2, min(4, total))
        self._noun = noun
        self._taken_by = Counter[str]()
        self.taken = 0

    def take(self, caller: str, count: int = 1) -> None:
        """Takes places, to be given back with `free`.

        Raises:
            FullError: there is none left, for this caller or for anyone.
        """
        held, noun = self._taken_by[caller], self._noun
        if held + count > self._share:
            raise FullError(429, f"This caller has {held} {noun} under way and may have {self._share}: retry later.")
        if self.taken + count > self._total:
            raise FullError(503, f"The server has {self.taken} {noun} under way and takes {self._total}: retry later.")
        self._taken_by[caller] += count
        self.taken += count

    def free(self, caller: str, count: int = 1) -> None:
        """Gives places back."""
        self.taken -= count
        self._taken_by[caller] -= count
        if not self._taken_by[caller]:
            del self._taken_by[caller]
