"""Slots: limits of calls and sessions at once, in total and for each caller."""

from collections import Counter
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of the app over HTTP. Times in seconds, sizes in bytes."""

    calls: int
    """Calls in flight; one caller may have half of them."""
    sessions: int
    """Open SSE streams; one caller may have half of them, and at least 4."""
    idle: float
    """An SSE stream without a request for this long is closed."""
    body: int = 4 * 1024 * 1024
    """Of one request."""
    bodies: int = 64 * 1024 * 1024
    """Of all requests that are being received or answered; one caller may have half of them."""
    body_time: float = 20.0
    """For the whole body of a request to arrive."""
    stalled: float = 30.0
    """An SSE client that reads nothing for this long is disconnected."""

    @property
    def connections(self) -> int:
        """Open connections: twice the calls and streams, and enough for every probe."""
        return 2 * (self.calls + self.sessions) + 1024


class FullError(Exception):
    """No slot is free. `status` is 429 if the caller is at its limit, 503 if the whole server is."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status

    def response(self) -> Response:
        """Return the answer to send."""
        error = "too_many_requests" if self.status == 429 else "busy"
        return JSONResponse({"error": error, "detail": str(self)}, self.status, {"Retry-After": "1"})


class Slots:
    """A number of slots, of which one caller may take half."""

    def __init__(self, total: int, noun: str) -> None:
        self._total = total
        self._share = max(total // 2, min(4, total))
        self._noun = noun
        self._taken_by = Counter[str]()
        self.taken = 0

    def take(self, caller: str, count: int = 1) -> None:
        """Take slots, to be released with `free`.

        Raises:
            FullError: no slot is left, for this caller or for any.
        """
        held, noun = self._taken_by[caller], self._noun
        if held + count > self._share:
            raise FullError(429, f"This caller has {held} {noun} in use; its limit is {self._share}. Retry later.")
        if self.taken + count > self._total:
            raise FullError(503, f"The server has {self.taken} {noun} in use; its limit is {self._total}. Retry later.")
        self._taken_by[caller] += count
        self.taken += count

    def free(self, caller: str, count: int = 1) -> None:
        """Release slots."""
        self.taken -= count
        self._taken_by[caller] -= count
        if not self._taken_by[caller]:
            del self._taken_by[caller]
