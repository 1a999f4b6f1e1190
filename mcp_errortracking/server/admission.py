"""How much is let in at once: calls and sessions, in all and for each caller."""

from collections import Counter
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The bounds of the app over HTTP. Times in seconds, sizes in bytes."""

    calls: int = 512
    """Calls under way; one caller may have half of them."""
    sessions: int = 1000
    """Open SSE streams; one caller may have half of them, but 4 at least."""
    idle: float = 4 * 3600.0
    """An SSE stream on which nothing was asked for so long is closed."""
    body: int = 4 * 1024 * 1024
    """Of one request."""
    body_time: float = 20.0
    """For the whole body of a request to arrive."""
    stalled: float = 30.0
    """An SSE reader that takes nothing for so long is given up."""


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
        self._held = Counter[str]()
        self.taken = 0

    def take(self, caller: str) -> None:
        """Takes a place, to be given back with `free`.

        Raises:
            FullError: there is none left, for this caller or for anyone.
        """
        if self._held[caller] >= self._share:
            raise FullError(429, f"This caller has {self._share} {self._noun} under way, the most it may: retry later.")
        if self.taken >= self._total:
            raise FullError(
                503, f"The server has {self._total} {self._noun} under way, the most it takes: retry later."
            )
        self._held[caller] += 1
        self.taken += 1

    def free(self, caller: str) -> None:
        """Gives a place back."""
        self.taken -= 1
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]
