"""uvicorn's HTTP protocol with the limits that it lacks: time in every state, sizes, and connections in all.

A connection is in one of three states: waiting for a head (`_head_timer` or uvicorn's keep-alive timer runs), answering
a request (the app has its own time limits; a peer that does not read is disconnected), or closing (`HttpTransport`).
"""

import asyncio
import logging
from typing import Any, cast

import httptools
from starlette.responses import JSONResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mcp_errortracking.server.callers import is_authenticated
from mcp_errortracking.server.http.connections import Connections, connection_limit, raise_descriptor_limit
from mcp_errortracking.server.http.refusal import (
    BAD_REQUEST,
    BUSY,
    HEAD_TOO_LARGE,
    NO_PROXY,
    STOPPED,
    TOO_SLOW,
    RefusedError,
)
from mcp_errortracking.server.http.transport import HttpTransport

logger = logging.getLogger(__name__)

HEADER_SECONDS = 15.0
"""For all headers of a request to arrive, from its first byte or from the opening of the connection."""

IDLE_SECONDS = 30.0
"""Between two requests; longer than an agent thinks between two calls, most of the time."""

STALLED_SECONDS = 30.0
"""A peer that reads nothing of its answer for this long is disconnected."""

LINGER_SECONDS = 5.0
"""For a peer to read a refusal before the connection is closed; it may still be sending the refused request."""

LAST_SECONDS = 1.0
"""For the headers of a request on a connection that was just opened when the server stops."""

HEAD_BYTES = 64 * 1024
"""Of the request line and headers, or of anything else between two parts of a body. The last read may exceed it."""

HEADERS = 128
"""In one request."""

PIPELINED = 8
"""Requests that may wait for the answer to one before them on the same connection."""


class TimedProtocol(HttpToolsProtocol):
    """Closes connections whose peer sends headers without end or too slowly, or does not read its answer.

    When the server stops, a request that is being sent is still answered: a load balancer may have opened the
    connection before it could know, and never sends a write to a second replica.
    """

    header_seconds = HEADER_SECONDS
    idle_seconds = IDLE_SECONDS
    stalled_seconds = STALLED_SECONDS
    linger_seconds = LINGER_SECONDS
    last_seconds = LAST_SECONDS
    table = Connections(connection_limit(raise_descriptor_limit(0)))
    """All connections of the process; `serve_http` sets its own table."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = self.idle_seconds  # pyright: ignore[reportAttributeAccessIssue] a float will do
        self._wire: HttpTransport = cast("HttpTransport", None)  # set with the connection
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._in_head = False
        self._is_shutting_down = False
        self._ignores_input = False
        self._is_resuming = False
        self._pending_bytes = 0
        self._has_progressed = False
        self._is_authenticated = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._wire = HttpTransport(transport, self.loop, stalled=self.stalled_seconds, linger=self.linger_seconds)
        super().connection_made(cast("asyncio.Transport", self._wire))
        if self.table.add(self):
            self._await_head()
        else:
            self._answer(RefusedError(BUSY, "All connections of the server are in use. Retry later."))

    def data_received(self, data: bytes) -> None:
        if self._wire.is_lingering:
            self._wire.drop(data)
        if self._ignores_input or self._wire.is_closing():
            return
        self._unset_keepalive_if_required()
        self._has_progressed = False
        try:
            self._parse(data)
            self._pending_bytes = 0 if self._has_progressed else self._pending_bytes + len(data)
            if self._pending_bytes > HEAD_BYTES:
                raise RefusedError(HEAD_TOO_LARGE, f"The head of the request is larger than {HEAD_BYTES} bytes.")
        except RefusedError as refusal:
            self._refuse(refusal)
        except httptools.HttpParserError as error:
            reason = error.__context__  # raised in a method that the parser called
            invalid = RefusedError(BAD_REQUEST, "The request is not valid HTTP/1.1.")
            self._refuse(reason if isinstance(reason, RefusedError) else invalid)
        if self._answering is None and not self._wire.is_closing():
            self._await_head()

    def eof_received(self) -> None:
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.table.remove(self)
        self._stop_waiting()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        super().connection_lost(exc)
        self._wire.forget()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(self.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def shutdown(self) -> None:
        """Close the connection: after its request, if one is expected, being received or being answered."""
        if self._wire.is_lingering:
            self._wire.close()
        elif self._head_timer is None or self._is_shutting_down:
            super().shutdown()
        else:
            self._is_shutting_down = True
            self._head_timer.cancel()
            self._head_timer = self.loop.call_later(self.last_seconds, self.transport.close)

    # Methods of `Connection`, for the table.

    def serves_caller(self) -> bool:
        cycle = self._answering
        return cycle is not None and is_authenticated(cast("dict[str, Any]", cycle.scope))

    def cut_off(self) -> None:
        self.transport.abort()

    # Called by the parser.

    def on_message_begin(self) -> None:
        if not self._is_resuming:
            self._in_head = True
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_resuming:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer, which nothing here reads
        if len(self.headers) == HEADERS:
            raise RefusedError(HEAD_TOO_LARGE, f"The request has more than {HEADERS} headers.")
        super().on_header(name, value.strip(b" \t"))  # the parser keeps blanks after a value

    def on_headers_complete(self) -> None:
        if self._is_resuming:
            return
        if self.parser.get_method() == b"CONNECT":
            raise RefusedError(NO_PROXY, "This server is not a proxy.")
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise RefusedError(BAD_REQUEST, "A request needs one Host header.")
        if len(self.pipeline) == PIPELINED:
            raise RefusedError(BAD_REQUEST, f"More than {PIPELINED} requests are waiting on this connection.")
        self._stop_waiting()
        self._in_head = False
        super().on_headers_complete()
        if self._is_shutting_down:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._has_progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_progressed = True
        if not self.parser.should_upgrade():
            super().on_message_complete()

    # Called by the request that is being answered.

    def on_response_complete(self) -> None:
        cycle, self._answering = self._answering, None
        if cycle is not None:
            self._is_authenticated = self._is_authenticated or is_authenticated(cast("dict[str, Any]", cycle.scope))
        if not self.transport.is_closing():
            self.table.mark_idle(self, authenticated=self._is_authenticated)
        super().on_response_complete()
        if self._in_head and self._answering is None and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._await_head()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            async def send_on(message: Any) -> None:
                if cycle.more_body:  # the app answers without reading the rest of the body
                    cycle.keep_alive = False
                self._wire.has_unread = cycle.more_body or self._ignores_input
                await send(message)

            try:
                await app(scope, receive, send_on)
            except asyncio.CancelledError:  # the server stops, and its grace period is over
                if not cycle.response_started:
                    await JSONResponse(STOPPED, 503)(scope, receive, send_on)
                elif not cycle.response_complete:
                    cycle.disconnected = True
                    self.transport.close()

        super()._start_asgi_task(cycle, answer)

    def _should_upgrade(self) -> bool:
        return False

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._resume_parsing()
            self._parse(data[upgrade.args[0] :])

    def _resume_parsing(self) -> None:
        """Read the body of a request with `Upgrade`, which may be ignored (RFC 9110, 7.8).

        The parser stops after such a head: a new parser gets the headers that frame the body.
        """
        framing = [one for one in self.headers if one[0] in (b"content-length", b"transfer-encoding")]
        version = self.parser.get_http_version().encode()
        lines = [b"POST / HTTP/" + version, *(name + b": " + value for name, value in framing), b"", b""]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn
        self._is_resuming = True
        try:
            self.parser.feed_data(b"\r\n".join(lines))
        finally:
            self._is_resuming = False

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.header_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        detail = f"The head of the request did not arrive within {self.header_seconds:g} s."
        self._answer(RefusedError(TOO_SLOW, detail))

    def _refuse(self, refusal: RefusedError) -> None:
        """Stop reading, and close: with this answer if it is the next one, else after the answers before it."""
        self._ignores_input = True
        self._stop_waiting()
        broken = self.cycle if self.cycle and self.cycle.more_body and not self._in_head else None
        if broken is not None and self.pipeline and self.pipeline[0][0] is broken:
            self.pipeline.popleft()
        elif broken is not None and broken is self._answering:
            broken.disconnected = True
            broken.message_event.set()
            self._answering = None
            if broken.response_started:
                self._wire.has_unread = True
                self.transport.close()
        if self._answering is None:
            self._answer(refusal)
        else:
            last = self.pipeline[0][0] if self.pipeline else self._answering
            last.keep_alive = False

    def _answer(self, refusal: RefusedError) -> None:
        """Send an answer in place of the app, and close."""
        if self.transport.is_closing():
            return
        logger.debug("%s: %s", refusal.status, refusal)
        self._ignores_input = True
        self.transport.write(refusal.response())
        self._wire.has_unread = True
        self.transport.close()
