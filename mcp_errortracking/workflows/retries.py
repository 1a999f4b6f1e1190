"""Sending again what PostHog failed at. Only for requests that may arrive twice: those of an upload may."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio

from mcp_errortracking.proxy.errors import (
    InterruptedCallError,
    RateLimitedError,
    ServerFailureError,
    UnreachableError,
)
from mcp_errortracking.proxy.sender import JsonAnswer, Sender

Sleep = Callable[[float], Awaitable[None]]

_WAITS = (0.5, 1.0)  # seconds before the second and the third try
_LONGEST_WAIT = 60.0  # a Retry-After beyond this is not waited for


class Persistent:
    """A sender that tries three times."""

    def __init__(self, sender: Sender, *, sleep: Sleep = anyio.sleep) -> None:
        """
        Args:
            sleep: waits between tries.
        """
        self._sender = sender
        self._sleep = sleep

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: object = None,
        retry_safe: bool | None = None,
    ) -> JsonAnswer:
        """As a sender does.

        Raises:
            PostHogError: three tries did not get an answer, or PostHog refuses.
        """
        return (await self.send_counted(method, path, query=query, json=json, retry_safe=retry_safe))[0]

    async def send_counted(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: object = None,
        retry_safe: bool | None = None,
    ) -> tuple[JsonAnswer, int]:
        """The answer, and how many tries it took; raises as `send`."""
        for number, wait in enumerate((*_WAITS, None), 1):
            try:
                return await self._sender.send(method, path, query=query, json=json, retry_safe=retry_safe), number
            except (InterruptedCallError, RateLimitedError, ServerFailureError, UnreachableError) as error:
                asked = error.retry_after or 0.0
                if wait is None or asked > _LONGEST_WAIT:
                    raise
                await self._sleep(max(wait, asked))
        raise AssertionError("the last try returns or raises")
