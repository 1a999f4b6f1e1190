"""MCP over HTTP: one app with streamable HTTP at `/mcp` (both eras of the protocol) and SSE at `/sse`.

Streamable HTTP keeps no sessions, so any replica can answer any request. An SSE stream lives in the process that opened
it; its messages come in at `/messages/`. A request passes, in order: `Guard` (who), `CallerKeys` (with which key),
`Intake` (how much), then its endpoint.
"""

import asyncio
import ipaddress
import signal
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from mcp.server.auth.routes import create_protected_resource_routes
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Message, Receive, Scope, Send

from mcp_errortracking.server.admission import HttpLimits, Slots
from mcp_errortracking.server.caller_keys import KEY_HEADER, PROJECT_HEADER, CallerKeys, Host, NoCallerKeys
from mcp_errortracking.server.guard import Guard, OAuth
from mcp_errortracking.server.intake import Intake
from mcp_errortracking.server.json_rpc import MessageError, check_message, check_version
from mcp_errortracking.server.page import HEADERS, Access, page
from mcp_errortracking.server.sse import SseTransport

if TYPE_CHECKING:
    from mcp_errortracking.server.metrics import Metrics

Transport = Literal["http", "sse"]
Readiness = Callable[[], Awaitable[str | None]]
"""Says what stands between this server and PostHog, None if nothing does."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_LOOPBACK_ORIGINS = r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?"
_READY_SECONDS = 5.0
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
]
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How callers come in.

    `transport`: `http` serves streamable HTTP and SSE, `sse` SSE alone. `tokens`: secrets of which a caller presents
    one as `Authorization: Bearer`; without any, and without `oauth`, only callers on this machine are served.
    `allowed_hosts`: names under which it is reached, besides loopback; a request for another Host is refused.
    `allowed_origins`: web pages that may call it, besides those of loopback.
    """

    transport: Transport = "http"
    tokens: Sequence[SecretStr] = ()
    allowed_hosts: Sequence[str] = ()
    allowed_origins: Sequence[str] = ()
    limits: HttpLimits = field(default_factory=HttpLimits)
    oauth: OAuth | None = None


def build_app(
    server: Server[Any],
    *,
    ready: Readiness,
    options: HttpOptions,
    caller_keys: Host | None = None,
    metrics: "Metrics | None" = None,
    on_end: Callable[[], Awaitable[None]] | None = None,
) -> Starlette:
    """The app over an MCP server.

    Args:
        caller_keys: the way to PostHog for callers who bring their own keys; None: callers use the server's.
        metrics: served at `/metrics`, to callers who may come in.
        on_end: awaited when the app has ended.
    """
    limits = options.limits
    security = TransportSecuritySettings(
        allowed_hosts=[*(f"{host}:*" for host in LOOPBACK), *LOOPBACK, *_with_ports(options.allowed_hosts)],
        allowed_origins=[*(f"http://{host}:*" for host in LOOPBACK), *options.allowed_origins],
    )
    access = Access(
        needs_token=bool(options.tokens) or options.oauth is not None,
        takes_keys=caller_keys is not None,
        has_http=options.transport == "http",
    )
    calls = Slots(limits.calls, "calls")
    sse = SseTransport(server, security=security, limits=limits, calls=calls)
    state = _Ready(ready)
    mcp = _Mcp(server, security)
    routes: list[BaseRoute] = [
        Route("/", _Page(state, security, access), methods=["GET"]),
        Route("/healthz", _healthz),
        Route("/readyz", _Probed(state.endpoint, security), methods=["GET"]),
        Route("/sse", _Endpoint(sse.stream), methods=["GET"]),
        Mount("/messages/", app=sse.post),
    ]
    if options.transport == "http":
        routes.append(Route("/mcp", mcp))
    if metrics is not None:
        metrics.watch("mcp_calls_in_flight", "Calls under way.", lambda: calls.taken)
        metrics.watch("mcp_sse_sessions", "Open SSE streams.", lambda: sse.slots.taken)
        routes.append(Route("/metrics", _Probed(metrics.endpoint, security), methods=["GET"]))
    if options.oauth is not None:
        routes += _oauth_metadata(options.oauth)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        upkeep = asyncio.create_task(sse.look_after())
        try:
            async with mcp.run():
                with _before_the_end(sse.stop):
                    yield
        finally:
            upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await upkeep
            if on_end is not None:
                await on_end()

    middleware = [
        Middleware(
            CORSMiddleware,
            allow_origins=list(options.allowed_origins),
            allow_origin_regex=_LOOPBACK_ORIGINS,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=_REQUEST_HEADERS,
            expose_headers=["MCP-Session-Id", "WWW-Authenticate", "X-Request-ID", "Retry-After"],
        ),
        Middleware(Guard, tokens=options.tokens, oauth=options.oauth),
        Middleware(CallerKeys, host=caller_keys) if caller_keys is not None else Middleware(NoCallerKeys),
        Middleware(Intake, limits=limits, calls=calls),
    ]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)


def _with_ports(hosts: Sequence[str]) -> list[str]:
    return [form for host in hosts for form in (host, f"{host}:*")]


def _oauth_metadata(oauth: OAuth) -> list[Route]:
    settings = oauth.settings
    if settings.resource_server_url is None:
        return []
    return create_protected_resource_routes(
        resource_url=settings.resource_server_url,
        authorization_servers=[settings.issuer_url],
        scopes_supported=settings.required_scopes,
    )


@contextmanager
def _before_the_end(stop: Callable[[], None]) -> Generator[None]:
    """Calls `stop` as soon as a signal asks to end: the app's host would wait for open streams, or cut them off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _STOP_SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        theirs = before[signal.Signals(number)]
        if callable(theirs):
            theirs(number, frame)

    caught = [number for number, theirs in before.items() if callable(theirs)]
    for number in caught:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number])


class _Mcp:
    """Streamable HTTP: one JSON answer to a request, a stream of events only to those that ask to be told of progress.

    The stream is what a call over HTTP costs most, and most calls have nothing to say before they end. A stream that
    belongs to no request would carry nothing, for as long as its client likes: there is none.
    """

    def __init__(self, server: Server[Any], security: TransportSecuritySettings) -> None:
        self._security = TransportSecurityMiddleware(security)
        self._plain, self._streaming = (
            StreamableHTTPSessionManager(server, json_response=plain, stateless=True, security_settings=security)
            for plain in (True, False)
        )

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Serves within this context."""
        async with self._plain.run(), self._streaming.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            answer = await self._security.validate_request(Request(scope, receive)) or _no_stream()
            await answer(scope, receive, send)
            return
        first: Message | None = await receive() if scope["method"] == "POST" else None
        body = first.get("body", b"") if first is not None else b""  # whole: `Intake` has put it together
        if first is not None and (error := _error_in(scope, body)):
            request = Request(scope, receive)
            refusal = await self._security.validate_request(request, is_post=True)
            await (refusal or JSONResponse(error.answer, 400))(scope, receive, send)
            return

        async def again() -> Message:
            nonlocal first
            message, first = first, None
            return message if message is not None else await receive()

        asks = b'"progressToken"' in body and "text/event-stream" in Headers(scope=scope).get("accept", "")
        await (self._streaming if asks else self._plain).handle_request(scope, again, send)


def _error_in(scope: Scope, body: bytes) -> MessageError | None:
    """Return what is wrong with a message, of that which the SDK would misread or take too long to read."""
    try:
        check_message(body)
        if version := Headers(scope=scope).get("mcp-protocol-version", "").strip():
            check_version(version)
    except MessageError as error:
        return error
    return None


def _no_stream() -> Response:
    """What MCP has a server answer that offers no stream of its own (Transports, "Listening for messages")."""
    detail = "There is no stream of events here but in answer to a POST."
    return JSONResponse({"error": "no_stream", "detail": detail}, 405, {"Allow": "POST"})


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Ready:
    """Whether PostHog is there and takes the key; asked at most every few seconds."""

    def __init__(self, ready: Readiness) -> None:
        self._ready = ready
        self._known_until = 0.0
        self._problem: str | None = None
        self._asking = asyncio.Lock()

    async def problem(self) -> str | None:
        """What is in the way."""
        async with self._asking:
            if time.monotonic() >= self._known_until:
                self._problem = await self._ready()
                self._known_until = time.monotonic() + _READY_SECONDS
        return self._problem

    async def endpoint(self, _request: Request) -> Response:
        """`GET /readyz`."""
        problem = await self.problem()
        return JSONResponse({"ready": problem is None, "problem": problem}, 200 if problem is None else 503)


class _Probed:
    """An endpoint for probes and scrapers, which name the machine by its address: any address will do as `Host`.

    A web page that has its own name resolve to this machine still sends that name.
    """

    def __init__(self, endpoint: Callable[[Request], Awaitable[Response]], security: TransportSecuritySettings) -> None:
        self._endpoint = endpoint
        self._security = security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        host, settings = request.headers.get("host", ""), self._security
        if _is_address(host):
            settings = settings.model_copy(update={"allowed_hosts": [host]})
        refusal = await TransportSecurityMiddleware(settings).validate_request(request)
        await (refusal or await self._endpoint(request))(scope, receive, send)


def _is_address(host: str) -> bool:
    name = host if host.startswith("[") else host.partition(":")[0]
    try:
        ipaddress.ip_address(name.partition("]")[0].removeprefix("["))
    except ValueError:
        return False
    return True


class _Page:
    """`GET /`, for people."""

    def __init__(self, state: _Ready, security: TransportSecuritySettings, access: Access) -> None:
        self._state = state
        self._security = TransportSecurityMiddleware(security)
        self._access = access

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        answer = await self._security.validate_request(request)
        if answer is None:
            origin = f"{request.url.scheme}://{request.headers['host']}{scope.get('root_path', '')}"
            answer = HTMLResponse(page(origin, await self._state.problem(), self._access), headers=HEADERS)
        await answer(scope, receive, send)


class _Endpoint:
    """A raw ASGI app as an endpoint: given the function alone, Starlette would answer a second time after it."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)
