"""Retries of requests that may safely arrive twice, beyond the proxy's own retries. Those of an upload may."""

from collections.abc import Awaitable, Callable
from typing import Unpack

import anyio

from mcp_errortracking.proxy.errors import (
    InterruptedCallError,
    RateLimitedError,
    ServerFailureError,
    UnreachableError,
)
from mcp_errortracking.proxy.sender import JsonAnswer, Sender, SendOptions

Sleep = Callable[[float], Awaitable[None]]

WAITS = (0.5, 1.0)
"""Seconds before the second and the third try."""

_LONGEST_WAIT = 60.0  # a longer Retry-After is not waited for
_MOST_REQUESTS = 4  # of all tries together, those that the proxy repeated by itself included


class RetryingSender:
    """A sender that tries a write up to three times, even if it may have been applied.

    A read is sent once: the proxy retries reads by itself. What the proxy retries of a write (429, no connection) is
    not retried here after the fourth request.
    """

    def __init__(self, sender: Sender, *, sleep: Sleep = anyio.sleep) -> None:
        """
        Args:
            sleep: waits between tries.
        """
        self._sender = sender
        self._sleep = sleep

    async def send(self, method: str, path: str, **options: Unpack[SendOptions]) -> JsonAnswer:
        """Send a request and return its answer.

        Raises:
            PostHogError: no try got an answer, or PostHog refuses.
        """
        return (await self.send_counted(method, path, **options))[0]

    async def send_counted(self, method: str, path: str, **options: Unpack[SendOptions]) -> tuple[JsonAnswer, int]:
        """Return the answer, and the number of tries it took; raise as `send`."""
        if method == "GET" or options.get("retry_safe"):  # the proxy repeats it
            return await self._sender.send(method, path, **options), 1
        requests = 0
        for number, wait in enumerate((*WAITS, None), 1):
            try:
                return await self._sender.send(method, path, **options), number
            except (InterruptedCallError, RateLimitedError, ServerFailureError, UnreachableError) as error:
                requests += error.attempts
                retry_after = error.retry_after or 0.0
                if wait is None or requests >= _MOST_REQUESTS or retry_after > _LONGEST_WAIT:
                    raise
                await self._sleep(max(wait, retry_after))
        raise AssertionError("the last try returns or raises")
