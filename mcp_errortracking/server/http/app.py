"""MCP over HTTP: one app with streamable HTTP at `/mcp` (both eras of the protocol) and SSE at `/sse`.

Streamable HTTP keeps no sessions, so any replica can answer any request. An SSE stream lives in the process that opened
it; its messages come in at `/messages/`. A request passes, in order: `CrossOriginGuard` (not from a web page), `Guard`
(authentication), `CallerKeys` (the caller's PostHog key), `StructuredHeader` (the form of its results), `RequestLimits`
(sizes and slots), then its endpoint.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import JSONRPCRequest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from mcp_errortracking.server.callers import caller_of
from mcp_errortracking.server.http.caller_keys import (
    KEY_HEADER,
    PROJECT_HEADER,
    CallerKeys,
    NoCallerKeys,
    SenderFactory,
)
from mcp_errortracking.server.http.cross_origin import CrossOriginGuard, origin_pattern, refuse_other_media
from mcp_errortracking.server.http.direct import answer_directly, is_direct
from mcp_errortracking.server.http.guard import Guard
from mcp_errortracking.server.http.interruption import InterruptibleAnswer
from mcp_errortracking.server.http.oauth import OAuth
from mcp_errortracking.server.http.one_time import OneTimeCode, OneTimeExchange
from mcp_errortracking.server.http.page import Access, headers_of, page
from mcp_errortracking.server.http.paths import MCP, MESSAGES, SSE, ExactRoute
from mcp_errortracking.server.http.readiness import Check, Readiness
from mcp_errortracking.server.http.request_limits import RequestLimits
from mcp_errortracking.server.http.slots import HttpLimits, Slots
from mcp_errortracking.server.http.sse import SseTransport
from mcp_errortracking.server.http.structured import STRUCTURED_HEADER, StructuredHeader
from mcp_errortracking.server.json_rpc import (
    STREAM,
    TOKEN_EXPIRED,
    JSONRPCMessage,
    MessageError,
    check_message,
    check_version,
)
from mcp_errortracking.system.stop_signals import STOP_SIGNALS

if TYPE_CHECKING:
    from mcp_errortracking.server.http.metrics import Metrics

Transport = Literal["http", "sse"]
_REQUEST_HEADERS = [
    "Authorization",
    "Content-Type",
    "Last-Event-ID",
    "MCP-Protocol-Version",
    "MCP-Session-Id",
    "Mcp-Method",
    "Mcp-Name",
    "X-Request-ID",
    KEY_HEADER,
    PROJECT_HEADER,
    STRUCTURED_HEADER,
]
DRAIN_SECONDS = 8.0
"""Time for calls in flight after a stop signal; then they are answered with an error. It is shorter than the time after
which `serve_http` cuts off connections."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Options of the app over HTTP.

    `transport`: `http` serves streamable HTTP and SSE, `sse` SSE only. `tokens`: secrets of which a caller presents
    one as `Authorization: Bearer`; without any, and without `oauth`, only callers on this machine are served.
    `allowed_hosts`: names of this server in addition to loopback; a request for another Host is refused.
    `allowed_origins`: origins whose web pages may call it, in addition to loopback.
    `one_time`: a code that is exchanged once for one of the tokens.
    """

    limits: HttpLimits
    transport: Transport = "http"
    tokens: Sequence[SecretStr] = ()
    allowed_hosts: Sequence[str] = ()
    allowed_origins: Sequence[str] = ()
    oauth: OAuth | None = None
    one_time: OneTimeCode | None = None


def build_app(
    server: Server[Any],
    *,
    ready: Check,
    options: HttpOptions,
    caller_keys: SenderFactory | None = None,
    metrics: "Metrics | None" = None,
    on_end: Callable[[], Awaitable[None]] | None = None,
) -> Starlette:
    """Build the ASGI app over an MCP server.

    Args:
        ready: finds the problem between this server and PostHog, for `/readyz` and the page.
        caller_keys: makes a sender for each caller's own key; None: all callers use the server's key.
        metrics: served at `/metrics`, to authenticated callers.
        on_end: awaited when the app has ended.
    """
    limits = options.limits
    origins = origin_pattern(options.allowed_origins)
    access = Access(
        needs_token=bool(options.tokens) or options.oauth is not None,
        takes_keys=caller_keys is not None,
        works_once=options.one_time is not None,
        has_http=options.transport == "http",
    )
    calls = Slots(limits.calls, "calls")
    sse = SseTransport(server, limits=limits, calls=calls)
    readiness = Readiness(ready)
    mcp = _StreamableHttp(server, options.oauth)
    # The router tries them in this order: those of calls come first.
    routes: list[BaseRoute] = [
        *([ExactRoute(MCP, mcp)] if options.transport == "http" else []),
        ExactRoute(MESSAGES, _Endpoint(sse.post)),
        ExactRoute(SSE, _Endpoint(sse.stream), methods=["GET"]),
        ExactRoute("/", _Page(readiness, access), methods=["GET"]),
        ExactRoute("/healthz", _healthz),
        ExactRoute("/readyz", readiness.endpoint, methods=["GET"]),
    ]
    if metrics is not None:
        metrics.watch("mcp_calls_in_flight", "Calls in flight.", lambda: calls.taken)
        metrics.watch("mcp_sse_sessions", "Open SSE streams.", lambda: sse.slots.taken)
        routes.append(ExactRoute("/metrics", metrics.endpoint, methods=["GET"]))
    if options.oauth is not None:
        routes += options.oauth.routes()

    def stop() -> None:
        sse.stop()
        mcp.end_streams()
        for interrupt in (sse.interrupt, mcp.interrupt):
            asyncio.get_running_loop().call_later(DRAIN_SECONDS, interrupt)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        upkeep = asyncio.create_task(sse.maintain())
        try:
            async with mcp.run(), options.oauth.lifespan() if options.oauth else nullcontext():
                with _on_stop_signal(stop):
                    yield
        finally:
            upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await upkeep
            if on_end is not None:
                await on_end()

    middleware = [
        Middleware(CrossOriginGuard, hosts=options.allowed_hosts, origins=origins),
        Middleware(
            CORSMiddleware,
            allow_origin_regex=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=_REQUEST_HEADERS,
            expose_headers=["MCP-Session-Id", "WWW-Authenticate", "X-Request-ID", "Retry-After"],
        ),
        *([Middleware(OneTimeExchange, code=options.one_time)] if options.one_time else []),
        Middleware(Guard, tokens=options.tokens, oauth=options.oauth),
        Middleware(NoCallerKeys) if caller_keys is None else Middleware(CallerKeys, senders=caller_keys, calls=calls),
        Middleware(StructuredHeader),
        Middleware(RequestLimits, limits=limits, calls=calls),
    ]
    app = Starlette(routes=routes, middleware=middleware, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


@contextmanager
def _on_stop_signal(stop: Callable[[], None]) -> Generator[None]:
    """Call `stop` as soon as a stop signal arrives: the app's host would wait for open streams, or cut them off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        handler = previous[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    replaced = [number for number, handler in previous.items() if callable(handler)]
    for number in replaced:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in replaced:
            signal.signal(number, previous[number])


class _StreamableHttp:
    """Streamable HTTP: one JSON answer to a request, or a stream of events if the request asks for progress.

    The stream is the most expensive part of a call over HTTP, and most calls send nothing before they end. A stream
    outside a request is not offered: it would carry nothing, and stay open for as long as its client likes.

    Nor is the SDK's transport cheap: only what `is_direct` does not cover goes through it.
    """

    def __init__(self, server: Server[Any], oauth: OAuth | None = None) -> None:
        self._server = server
        self._oauth = oauth
        self._lifespan_state: Any = None
        self._plain, self._streaming = (
            StreamableHTTPSessionManager(server, json_response=plain, stateless=True) for plain in (True, False)
        )
        self._answers = set[InterruptibleAnswer]()
        self._streams = set[InterruptibleAnswer]()

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Serve within this context."""
        async with self._plain.run(), self._streaming.run(), self._server.lifespan(self._server) as state:
            self._lifespan_state = state
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await _no_stream()(scope, receive, send)
            return
        if scope["method"] == "POST" and (refusal := refuse_other_media(scope)):
            await refusal(scope, receive, send)
            return
        _accept_anything(scope)
        first: Message | None = await receive() if scope["method"] == "POST" else None
        body = first.get("body", b"") if first is not None else b""  # the whole body: `RequestLimits` has joined it
        message: JSONRPCMessage | None = None
        if first is not None:
            try:
                message = _message_in(scope, body)
            except MessageError as error:
                await JSONResponse(error.answer, 400)(scope, receive, send)
                return
        if self._oauth and isinstance(message, JSONRPCRequest) and (over := self._oauth.refuse_call(scope, message)):
            await over(scope, receive, send)
            return

        async def replay() -> Message:
            nonlocal first
            message, first = first, None
            return message if message is not None else await receive()

        answer, expiry = InterruptibleAnswer(scope, body, send), None
        self._answers.add(answer)
        if isinstance(message, JSONRPCRequest) and message.method == STREAM:
            self._streams.add(answer)
            left = caller_of(scope).seconds_left()
            expiry = (
                None if left is None else asyncio.get_running_loop().call_later(left, answer.interrupt, TOKEN_EXPIRED)
            )
        try:
            await answer.run(self._handle(scope, replay, answer.send, message, body))
        finally:
            if expiry is not None:
                expiry.cancel()
            self._answers.discard(answer)
            self._streams.discard(answer)

    async def _handle(
        self, scope: Scope, receive: Receive, send: Send, message: JSONRPCMessage | None, body: bytes
    ) -> None:
        if b'"progressToken"' in body and "text/event-stream" in Headers(scope=scope).get("accept", ""):
            await self._streaming.handle_request(scope, receive, send)
            return
        request = Request(scope, receive)
        if isinstance(message, JSONRPCRequest) and is_direct(request):
            await answer_directly(self._server, self._lifespan_state, message, request, send)
            return
        await self._plain.handle_request(scope, receive, send)

    def end_streams(self) -> None:
        """End the streams of subscriptions, which nobody waits for."""
        for answer in self._streams:
            answer.interrupt()

    def interrupt(self) -> None:
        """Answer the calls that are still in flight with an error."""
        for answer in self._answers:
            answer.interrupt()


def _accept_anything(scope: Scope) -> None:
    """Name what this server sends where `Accept` is missing or blank: that means any type (RFC 9110, 12.5.1)."""
    if not Headers(scope=scope).get("accept", "").strip():
        others = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept"]
        scope["headers"] = [*others, (b"accept", b"application/json, text/event-stream")]


def _message_in(scope: Scope, body: bytes) -> JSONRPCMessage:
    """Return the message in the body.

    Raises:
        MessageError: the SDK would misread it, or take too long to read it.
    """
    version = Headers(scope=scope).get("mcp-protocol-version", "").strip()
    message = check_message(body, header=version)
    if version:
        check_version(version)
    return message


def _no_stream() -> Response:
    """Return the answer to GET of a server without a standalone stream (MCP, Transports, "Listening for messages")."""
    detail = "This server streams events in answer to a POST only. Send messages with POST."
    return JSONResponse({"error": "no_stream", "detail": detail}, 405, {"Allow": "POST"})


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Page:
    """`GET /`, for people."""

    def __init__(self, readiness: Readiness, access: Access) -> None:
        self._readiness = readiness
        self._access = access

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        origin = f"{request.url.scheme}://{request.headers['host']}{scope.get('root_path', '')}"
        answer = HTMLResponse(
            page(origin, await self._readiness.problem(), self._access),
            headers=headers_of(with_pages=self._access.has_http),
        )
        await answer(scope, receive, send)


class _Endpoint:
    """A raw ASGI app as an endpoint. Given the function alone, Starlette would send a second answer after it."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)
