"""A limit on informational responses (100, 103): aiohttp skips any number of them before an answer."""

from typing import Any, Self

import aiohttp

MOST_INFORMATIONAL = 10
"""Informational responses to one request."""


class InformationalError(Exception):
    """Too many informational responses were received."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_INFORMATIONAL} informational responses")


class BoundedResponse(aiohttp.ClientResponse):
    """A response that may follow a few informational ones."""

    async def start(self, connection: Any) -> Self:
        """Read the head of the response.

        Raises:
            InformationalError: too many informational responses precede it.
        """
        await super().start(_Connection(connection))  # pyright: ignore[reportArgumentType] it has all of its attributes
        return self


class _Delegating:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Connection(_Delegating):
    """A connection whose heads of responses are counted."""

    @property
    def protocol(self) -> Any:
        protocol = self._inner.protocol
        return None if protocol is None else _Protocol(protocol)


class _Protocol(_Delegating):
    _heads = 0

    async def read(self) -> Any:
        """Return the next head."""
        self._heads += 1
        if self._heads > MOST_INFORMATIONAL + 1:
            raise InformationalError
        return await self._inner.read()
