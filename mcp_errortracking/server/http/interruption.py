"""Answers over streamable HTTP that the end of the server interrupts: the client gets an error, not half a body."""

from collections.abc import Awaitable
from typing import Any, cast

import anyio
from pydantic_core import from_json, to_json
from starlette.responses import JSONResponse
from starlette.types import Message, Scope, Send

from mcp_errortracking.server.json_rpc import STOPPED, interrupted, is_id


class InterruptibleAnswer:
    """The answer to one POST. When it is interrupted, the request in it is answered with an error."""

    def __init__(self, scope: Scope, body: bytes, send: Send) -> None:
        """
        Args:
            body: of the POST; a valid message, or empty.
        """
        self._scope = scope
        self._body = body
        self._send = send
        self._cancellation = anyio.CancelScope()
        self._reason = STOPPED
        self._is_started = self._is_stream = self._is_complete = False

    async def send(self, message: Message) -> None:
        """Send a part of the answer, for the SDK."""
        if message["type"] == "http.response.start":
            headers = {bytes(name).lower(): bytes(value) for name, value in message.get("headers", ())}
            self._is_started = True
            self._is_stream = headers.get(b"content-type", b"").startswith(b"text/event-stream")
        elif message["type"] == "http.response.body":
            self._is_complete = not message.get("more_body", False)
        await self._send(message)

    async def run(self, handling: Awaitable[None]) -> None:
        """Wait for the answer, or until it is interrupted."""
        with self._cancellation:
            await handling
        if self._cancellation.cancelled_caught and not self._is_complete:
            await self._send_error()

    def interrupt(self, reason: str = STOPPED) -> None:
        """End the handling of the request; the client gets the reason."""
        self._reason = reason
        self._cancellation.cancel()

    async def _send_error(self) -> None:
        message: Any = from_json(self._body) if self._body else None
        request_id = cast("dict[str, Any]", message).get("id") if isinstance(message, dict) else None
        if not is_id(request_id):
            return
        error = interrupted(request_id, self._reason).answer
        if not self._is_started:
            await JSONResponse(error, 503)(self._scope, _no_input, self._send)
        elif self._is_stream:
            event = b"event: message\r\ndata: " + to_json(error) + b"\r\n\r\n"
            await self._send({"type": "http.response.body", "body": event, "more_body": False})


async def _no_input() -> Message:
    return {"type": "http.disconnect"}
