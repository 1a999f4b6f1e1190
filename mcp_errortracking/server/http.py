"""MCP over HTTP: one app with streamable HTTP at `/mcp` (both eras of the protocol) and SSE at `/sse`.

Streamable HTTP keeps no sessions, so any replica can answer any request. An SSE stream lives in the process that opened
it; its messages come in at `/messages/`.
"""

import hmac
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

Transport = Literal["http", "sse"]
Readiness = Callable[[], Awaitable[str | None]]
"""Says what stands between this server and PostHog, None if nothing does."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_OPEN_PATHS = ("/healthz", "/readyz")
_READY_SECONDS = 5.0


def create_app(
    server: Server[Any],
    *,
    ready: Readiness,
    transport: Transport = "http",
    tokens: Sequence[SecretStr] = (),
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
) -> Starlette:
    """The app over an MCP server.

    Args:
        transport: `http` serves streamable HTTP and SSE, `sse` SSE alone.
        tokens: secrets of which a caller must present one, as `Authorization: Bearer`; none: anyone may call, which is
            for loopback only.
        allowed_hosts: names under which it is reached, besides loopback; a request for another Host is refused.
        allowed_origins: web pages that may call it, besides those of loopback.
    """
    security = TransportSecuritySettings(
        allowed_hosts=[*(f"{host}:*" for host in LOOPBACK), *LOOPBACK, *_with_ports(allowed_hosts)],
        allowed_origins=[*(f"http://{host}:*" for host in LOOPBACK), *allowed_origins],
    )
    sse = SseServerTransport("/messages/", security_settings=security)
    routes: list[BaseRoute] = [
        Route("/healthz", _healthz),
        Route("/readyz", _Ready(ready)),
        Route("/sse", _SseEndpoint(server, sse), methods=["GET"]),
        Mount("/messages/", app=sse.handle_post_message),
    ]
    manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True, security_settings=security)
    if transport == "http":
        routes.append(Route("/mcp", StreamableHTTPASGIApp(manager)))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with manager.run():
            yield

    middleware = [Middleware(RequireToken, tokens=tokens)] if tokens else []
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)


def _with_ports(hosts: Sequence[str]) -> list[str]:
    return [form for host in hosts for form in (host, f"{host}:*")]


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Ready:
    """`/readyz`: whether PostHog is there and takes the key; asked at most every few seconds."""

    def __init__(self, ready: Readiness) -> None:
        self._ready = ready
        self._known_until = 0.0
        self._problem: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if time.monotonic() >= self._known_until:
            self._problem = await self._ready()
            self._known_until = time.monotonic() + _READY_SECONDS
        status = 200 if self._problem is None else 503
        body = {"ready": self._problem is None, "problem": self._problem}
        await JSONResponse(body, status)(scope, receive, send)


class _SseEndpoint:
    """`/sse`. A raw ASGI app: as a Starlette endpoint it would answer a second time when the client leaves."""

    def __init__(self, server: Server[Any], transport: SseServerTransport) -> None:
        self._server = server
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._transport.connect_sse(scope, receive, send) as (read_stream, write_stream):
            await self._server.run(read_stream, write_stream, self._server.create_initialization_options())


class RequireToken:
    """Lets in who presents one of the tokens. PostHog's own keys are refused with a word: they are not for us."""

    def __init__(self, app: ASGIApp, tokens: Sequence[SecretStr]) -> None:
        self._app = app
        self._tokens = [token.get_secret_value().encode() for token in tokens]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        header = dict(scope["headers"]).get(b"authorization", b"")
        scheme, _, token = header.partition(b" ")
        # Every token is compared, so that the time taken tells nothing.
        matches = [hmac.compare_digest(token.strip(), known) for known in self._tokens]
        if scheme.lower() == b"bearer" and any(matches):
            await self._app(scope, receive, send)
            return
        problem = "This server asks for its own token: Authorization: Bearer <token>, as set in MCP_SERVER_TOKEN."
        if token.strip().startswith((b"phx_", b"pha_", b"phc_")):
            problem = (
                "That is a PostHog key. MCP forbids passing it through: it stays in this server's configuration, and "
                "callers present the token set in MCP_SERVER_TOKEN."
            )
        challenge = {"WWW-Authenticate": "Bearer"}
        await JSONResponse({"error": "unauthorized", "detail": problem}, 401, challenge)(scope, receive, send)
