"""The requests of a brief: ten at most, and a refused one costs its section only."""

from collections.abc import Generator
from typing import Any, TypeVar

from mcp_errortracking.catalog import Request
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender

MOST_REQUESTS = 10
_T = TypeVar("_T")


class _TooManyRequestsError(Exception):
    """The requests of the brief are spent."""


class Reader:
    """Sends the requests of one brief."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.sent = 0
        self.refusal: PostHogError | None = None
        """The last one."""

    @property
    def left(self) -> int:
        """Requests that may still be sent."""
        return MOST_REQUESTS - self.sent

    async def read(self, steps: Generator[Request, Any, _T]) -> tuple[_T | None, str]:
        """Return the result of steps that only read, or None and the reason.

        Raises:
            PostHogError: the key is wrong, or PostHog does not answer: no other request will do better.
        """
        try:
            return await send_steps(self._sender, self._counted(steps), read_only=True), ""
        except _TooManyRequestsError:
            return None, f"not read: a brief sends {MOST_REQUESTS} requests at most"
        except PostHogError as error:
            if error.status in (None, 401, 429):
                raise
            self.refusal = error
            return None, f"not read: {_reason(error)}"

    def _counted(self, steps: Generator[Request, Any, _T]) -> Generator[Request, Any, _T]:
        """Count the requests of steps."""
        try:
            request = next(steps)
            while True:
                if not self.left:
                    steps.close()
                    raise _TooManyRequestsError
                self.sent += 1
                try:
                    answer = yield request
                except Exception as failure:
                    request = steps.throw(failure)
                else:
                    request = steps.send(answer)
        except StopIteration as stop:
            return stop.value


def _reason(error: PostHogError) -> str:
    if error.status == 403:
        return "the key may not (403)"
    if error.status == 404:
        is_old = error.explanation.code == "endpoint_not_found"
        return "this PostHog does not have it (404)" if is_old else "not found (404)"
    return f"PostHog answered {error.status}"
