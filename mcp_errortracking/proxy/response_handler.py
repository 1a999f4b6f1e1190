"""The protocol of a connection: ended by bytes that no request waits for, by an answer that breaks off, and by too many
informational responses (100, 103) before an answer.
"""

import asyncio
from functools import partial
from typing import Any

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler

MOST_INFORMATIONAL = 10
"""Informational responses to one request."""


class InformationalError(Exception):
    """Too many informational responses were received."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_INFORMATIONAL} informational responses")


class StrictResponseHandler(ResponseHandler):
    """aiohttp's protocol, without three of its faults.

    It keeps an answer that nothing asked for, and gives it to the next request, which may be another caller's. Where
    the parser fails within a body, it leaves the reader of the body waiting. And it skips any number of informational
    responses.
    """

    _is_awaited = False
    _informational = 0

    def set_response_params(self, **params: Any) -> None:
        """Begin a request."""
        self._is_awaited, self._informational = True, 0
        super().set_response_params(**params)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Add the head of a response."""
        is_informational = 100 <= data[0].code < 200
        self._is_awaited = self._is_awaited and is_informational
        self._informational += is_informational
        if self._informational > MOST_INFORMATIONAL:
            self.set_exception(InformationalError())
            return
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Read bytes of the server, or close the connection if they belong to no request."""
        is_complete = self._payload is None or self._payload.is_eof()
        if data and is_complete and not self._is_awaited:
            self.force_close()
            self.close()
            return
        super().data_received(data)

    def set_exception(self, exc: Any, exc_cause: Any = None) -> None:
        """Fail the request, and the reading of its body."""
        cause = () if exc_cause is None else (exc_cause,)
        super().set_exception(exc, *cause)
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(exc, *cause)


class StrictConnector(TCPConnector):
    """aiohttp's connections, with that protocol."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType]
        self._factory = partial(StrictResponseHandler, loop=asyncio.get_running_loop())
