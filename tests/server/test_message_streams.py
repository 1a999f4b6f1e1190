"""The streams that the SDK reads messages from: iteration until their end, and closing."""

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCNotification

from mcp_errortracking.server.http.sse import SseSession
from mcp_errortracking.server.message_streams import MessageSource
from mcp_errortracking.server.stdio import MessageReader

pytestmark = pytest.mark.anyio


class Two(MessageSource):
    """A source of two messages."""

    def __init__(self) -> None:
        self.left = ["first", "second"]
        self.closed = 0

    async def receive(self) -> SessionMessage:
        if not self.left:
            raise anyio.EndOfStream
        return SessionMessage(JSONRPCNotification(jsonrpc="2.0", method=self.left.pop(0)))

    async def aclose(self) -> None:
        self.closed += 1


async def test_a_source_yields_its_messages_until_its_end_and_is_closed_once() -> None:
    source = Two()
    async with source as entered:
        assert entered is source
        assert [item.message.method async for item in source] == ["first", "second"]  # pyright: ignore
        assert source.closed == 0
    assert source.closed == 1


def test_both_transports_use_it() -> None:
    assert issubclass(MessageReader, MessageSource)
    assert issubclass(SseSession, MessageSource)
