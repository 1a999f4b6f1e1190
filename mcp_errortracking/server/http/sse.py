"""MCP over SSE: a stream of events out (`GET /sse`), messages in (`POST /messages/?session_id=...`).

The SDK's own transport needs seven tasks and four queues for each stream, has no limits, and keeps a stream open for
ever if its client stops reading. Here a session is one object that the SDK's server reads from and writes to; events go
straight to the socket; one task pings all sessions and closes idle ones.
"""

import asyncio
import logging
import math
import time
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import anyio
from mcp.server.lowlevel import Server
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import INVALID_REQUEST, JSONRPCError, JSONRPCRequest, JSONRPCResponse
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from mcp_errortracking.server.callers import Caller, caller_of, minimal_request, set_structured, structured_of
from mcp_errortracking.server.http.cross_origin import refuse_other_media
from mcp_errortracking.server.http.slots import FullError, HttpLimits, Slots
from mcp_errortracking.server.json_rpc import JSONRPCMessage, MessageError, interrupted, parse_message, request_key
from mcp_errortracking.server.message_streams import MessageSource

logger = logging.getLogger(__name__)

PING_SECONDS = 15.0
_UNREAD = 100
"""Messages of one session that the server has not read yet."""
_BODIES = 4
"""Bodies of full size that may be unread or unanswered in one session."""
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # else nginx buffers events
]


class SseSession(MessageSource):
    """One stream, which the SDK's server reads from and writes to."""

    def __init__(self, send: Send, owner: Caller, calls: Slots, limits: HttpLimits) -> None:
        self.owner = owner.id
        self._expiry = _expiry_of(owner)
        self.structured: bool | None = None
        """The form of results that the stream asks for; a message may ask for another."""
        self.used = time.monotonic()
        self._send = send
        self._calls = calls
        self._limits = limits
        self._inbox = list[tuple[SessionMessage, int]]()
        self._arrival: asyncio.Future[None] | None = None
        self._unanswered = dict[str | int, tuple[str | int, int]]()
        """Ids and sizes by id as the SDK compares ids: to it "7" is 7."""
        self._bytes = 0
        self._writing = asyncio.Lock()
        self._is_closed = False
        self._draining = False

    def put(self, message: JSONRPCMessage, request: Request, size: int) -> None:
        """Queue a message for the SDK.

        A request takes a call slot until the SDK has answered it, or drops it because it was cancelled.

        Args:
            size: bytes of the message.

        Raises:
            FullError: the caller or the server is at its limit of calls, or the session at its limit of messages.
            MessageError: a request with that id is not answered yet.
        """
        if len(self._inbox) >= _UNREAD or self._bytes + size > _BODIES * self._limits.body:
            raise FullError(429, "This session is at its limit of unread and unanswered messages. Retry later.")
        metadata = ServerMessageMetadata(request_context=minimal_request(request))
        if isinstance(message, JSONRPCRequest):
            key = request_key(message.id)
            if key in self._unanswered:
                text = "Invalid request: a request with this id is not answered yet. Use each id once."
                raise MessageError(INVALID_REQUEST, text, message.id)
            self._calls.take(self.owner)
            self._unanswered[key] = (message.id, size)
            metadata.on_request_unanswered = partial(self._end_unanswered, key)
        self._bytes += size
        self.used = time.monotonic()
        self._expiry = max(self._expiry, _expiry_of(caller_of(request.scope)))
        self._inbox.append((SessionMessage(message, metadata=metadata), size))
        self._wake()

    @property
    def is_closed(self) -> bool:
        """True if the session is closing or closed."""
        return self._is_closed

    def is_idle(self, now: float) -> bool:
        """True if the session had no request for a long time, or if the tokens of its requests have all expired."""
        return not self._unanswered and (now - self.used > self._limits.idle or now > self._expiry)

    def drain(self) -> None:
        """Close the session after its last answer."""
        self._draining = True
        if not self._unanswered:
            self.close()

    def close(self) -> None:
        """Close the session; calls in flight are cancelled."""
        if not self._is_closed:
            self._is_closed = True
            self._wake()
            for request_id in list(self._unanswered):
                self._settle(request_id)

    async def interrupt(self) -> None:
        """Answer every call in flight with an error, and close the session."""
        for key, (request_id, _) in list(self._unanswered.items()):
            self._settle(key)
            await self._write_message(to_json(interrupted(request_id).answer))
        self.close()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def write(self, event: bytes) -> None:
        """Send bytes of the stream; the session closes if the client reads nothing for too long."""
        try:
            async with asyncio.timeout(self._limits.stalled), self._writing:
                if not self._is_closed:
                    await self._send({"type": "http.response.body", "body": event, "more_body": True})
        except TimeoutError:
            logger.warning("an SSE client stopped reading: closing its stream")
            self.close()

    async def send(self, item: SessionMessage) -> None:
        """Send an answer or a notification, for the SDK."""
        message = item.message
        key = None
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
            key = request_key(message.id)
            if key not in self._unanswered:  # it was answered as interrupted
                return
        await self._write_message(message.model_dump_json(by_alias=True, exclude_unset=True).encode())
        if key is not None:
            await self._end_unanswered(key)

    async def _write_message(self, message: bytes) -> None:
        await self.write(b"event: message\r\ndata: " + message + b"\r\n\r\n")

    async def _end_unanswered(self, key: str | int) -> None:
        """Mark a request as done, for the SDK."""
        self._settle(key)
        self.used = time.monotonic()
        if self._draining and not self._unanswered:
            self.close()

    def _settle(self, key: str | int) -> None:
        settled = self._unanswered.pop(key, None)
        if settled is not None:
            self._bytes -= settled[1]
            self._calls.free(self.owner)

    async def receive(self) -> SessionMessage:
        """Return the next message, for the SDK."""
        # An asyncio queue would be four objects of 700 bytes, and there is only one reader.
        while not self._inbox:
            if self._is_closed:
                raise anyio.EndOfStream
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        message, size = self._inbox.pop(0)
        if not isinstance(message.message, JSONRPCRequest):
            self._bytes -= size
        return message

    async def aclose(self) -> None:
        self.close()


class SseTransport:
    """Both endpoints, and their sessions."""

    def __init__(self, server: Server[Any], *, limits: HttpLimits, calls: Slots) -> None:
        self._server = server
        self._limits = limits
        self._calls = calls
        self.slots = Slots(limits.sessions, "SSE sessions")
        self._sessions = dict[UUID, SseSession]()
        self._stopping = False
        self._interrupting: asyncio.Future[list[None]] | None = None

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`GET /sse`: an ASGI app that runs as long as the stream."""
        owner = caller_of(scope)
        caller = owner.id
        try:
            if self._stopping:
                raise FullError(503, "The server is stopping. Connect again.")
            self.slots.take(caller)
        except FullError as full:
            await full.response()(scope, receive, send)
            return
        session_id, session = uuid4(), SseSession(send, owner, self._calls, self._limits)
        session.structured = structured_of(Request(scope))
        self._sessions[session_id] = session
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            messages = f"{quote(scope.get('root_path', ''))}/messages/?session_id={session_id.hex}"
            await session.write(f"event: endpoint\r\ndata: {messages}\r\n\r\n".encode())
            await self._serve(session, receive)
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await send({"type": "http.response.body", "body": b""})
        finally:
            session.close()
            del self._sessions[session_id]
            self.slots.free(caller)

    async def _serve(self, session: SseSession, receive: Receive) -> None:
        watch = asyncio.create_task(_until_disconnect(receive, session))
        try:
            await self._server.run(session, session, self._server.create_initialization_options())
        finally:
            watch.cancel()

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`POST /messages/`: an ASGI app."""
        await (await self._accept(Request(scope, receive)))(scope, receive, send)

    async def _accept(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        if refusal := refuse_other_media(request.scope):
            return refusal
        try:
            session_id = UUID(hex=request.query_params.get("session_id", ""))
        except ValueError:
            return _problem(
                400, "bad_session_id", "session_id is missing or malformed: use the address that /sse sent."
            )
        session = self._sessions.get(session_id)
        # A session of another caller gets the same answer as an unknown one.
        if session is None or session.is_closed or session.owner != caller_of(request.scope).id:
            return _problem(404, "unknown_session", "This session is not open here: connect to /sse again.")
        if session.structured is not None and structured_of(request) is None:
            set_structured(request.scope, session.structured)
        body = await request.body()
        try:
            session.put(parse_message(body), request, len(body))
        except MessageError as error:
            return JSONResponse(error.answer, 400)
        except FullError as full:
            return full.response()
        return Response("Accepted", 202)

    async def maintain(self) -> None:
        """Ping the streams, and close idle ones, until cancelled."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            now = time.monotonic()
            pinged = list[SseSession]()
            for session in list(self._sessions.values()):
                if session.is_idle(now):
                    session.close()
                else:
                    pinged.append(session)
            await asyncio.gather(*(session.write(b": ping\r\n\r\n") for session in pinged))

    def stop(self) -> None:
        """Refuse new streams, and close each open one after its last answer."""
        self._stopping = True
        for session in list(self._sessions.values()):
            session.drain()

    def interrupt(self) -> None:
        """Answer the calls that are still in flight with an error, and close all streams."""
        self._interrupting = asyncio.gather(*(session.interrupt() for session in self._sessions.values()))


async def _until_disconnect(receive: Receive, session: SseSession) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    session.close()


def _expiry_of(caller: Caller) -> float:
    """Return when the token of a caller expires, by the clock that never goes back."""
    left = caller.seconds_left()
    return math.inf if left is None else time.monotonic() + left


def _problem(status: int, error: str, detail: str) -> Response:
    return JSONResponse({"error": error, "detail": detail}, status)
