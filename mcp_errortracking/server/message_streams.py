"""The streams of messages that the SDK's server reads from and writes to, as objects of this server."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import anyio
from mcp.shared.message import SessionMessage


class MessageStream(ABC):
    """A stream that is closed at the end of its `async with` block."""

    @abstractmethod
    async def aclose(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


class MessageSource(MessageStream):
    """A stream of messages to the server; `async for` yields them until `receive` raises `anyio.EndOfStream`."""

    @abstractmethod
    async def receive(self) -> SessionMessage: ...

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None
