"""Limits of every request over HTTP: the size of its body, the time it may take to arrive, and call slots."""

import asyncio
import re
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_errortracking.posthog_keys import looks_like_key
from mcp_errortracking.server.callers import caller_of, set_request_id
from mcp_errortracking.server.http.slots import FullError, HttpLimits, Slots

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_CALLS = "/mcp"
_MESSAGES = "/messages/"


class RequestLimits:
    """Names each request for the logs, and reads its body before the app: a slow body costs only its own bytes."""

    def __init__(self, app: ASGIApp, limits: HttpLimits, calls: Slots) -> None:
        self._app = app
        self._limits = limits
        self._calls = calls
        self._bytes = Slots(limits.bodies, "bytes of requests")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) and not looks_like_key(given) else uuid4().hex
        set_request_id(scope, request_id)
        name = (b"x-request-id", request_id.encode())

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), name]}
            await send(message)

        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["method"] != "POST" or not (path == _CALLS or path.startswith(_MESSAGES)):
            await self._app(scope, _replay(b"", receive), send_named)  # no other endpoint reads a body
            return
        caller = caller_of(scope).id
        held = _Reservation(self._bytes, caller)
        call = _Reservation(self._calls, caller)
        try:
            if path == _CALLS:
                call.take(1)
            body = await self._read(scope, receive, held)
            if isinstance(body, Response):
                await body(scope, receive, send_named)
            elif body is not None:
                await self._app(scope, _replay(body, receive), send_named)
        except FullError as full:
            await full.response()(scope, receive, send_named)
        finally:
            held.free()
            call.free()

    async def _read(self, scope: Scope, receive: Receive, held: "_Reservation") -> bytes | Response | None:
        """Return the body, or a refusal; None if the client has disconnected.

        Raises:
            FullError: the bodies of all requests together exceed the limit.
        """
        limit = self._limits.body
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            return _too_large(limit)
        parts, size = list[bytes](), 0
        try:
            async with asyncio.timeout(self._limits.body_time):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    part: bytes = message.get("body", b"")
                    size += len(part)
                    if size > limit:
                        return _too_large(limit)
                    held.take(len(part))
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            detail = f"The body did not arrive within {self._limits.body_time:g} s."
            return JSONResponse({"error": "too_slow", "detail": detail}, 408, {"Connection": "close"})


def _too_large(limit: int) -> Response:
    return JSONResponse({"error": "too_large", "detail": f"The body is larger than {limit} bytes."}, 413)


class _Reservation:
    """The slots that one request takes."""

    def __init__(self, slots: Slots, caller: str) -> None:
        self._slots = slots
        self._caller = caller
        self._count = 0

    def take(self, count: int) -> None:
        self._slots.take(self._caller, count)
        self._count += count

    def free(self) -> None:
        self._slots.free(self._caller, self._count)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields the body, then the messages after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
