"""Serving the app over HTTP until a signal asks to stop."""

import asyncio
import ipaddress
import logging
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette

from mcp_errortracking.server.http.connections import (
    Connections,
    accept_batch,
    connection_limit,
    raise_descriptor_limit,
)
from mcp_errortracking.server.http.protocol import TimedProtocol
from mcp_errortracking.system.listener import bind
from mcp_errortracking.system.stop_signals import STOP_SIGNALS

logger = logging.getLogger(__name__)

_QUEUE = 1024
"""Connections that the kernel holds until they are accepted."""
GRACE_SECONDS = 10
"""Time for calls in flight after a signal; then connections are closed."""


class ListenError(Exception):
    """The address or port cannot be used, or is open to a network without a token. The text says what to do."""


def listen(address: str, port: int, *, guarded: bool) -> socket.socket:
    """Open a listening socket. Without authentication (`guarded` is False), only loopback is allowed.

    Raises:
        ListenError: the socket cannot be opened, or must not be.
    """
    try:
        numeric = ipaddress.ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise ListenError(f"--bind {address[:100]} is not an IP address: use one like 127.0.0.1 or 0.0.0.0") from None
    if not numeric.is_loopback and not guarded:
        raise ListenError(
            f"--bind {address} opens this server, and the PostHog key it holds, to the network: set MCP_SERVER_TOKEN "
            "to a secret that callers must present, or leave --bind out to serve this machine only."
        )
    try:
        return bind(str(numeric), port, _QUEUE)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ListenError(f"Port {port} cannot be used ({reason}): choose another with --port, or --port 0.") from None


def address_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket, for clients."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to `serve_http`: uvicorn would end the process by the signal, not with exit code 0."""
        yield

    def stop(self) -> None:
        """Stop gracefully; at once when called again."""
        self.force_exit, self.should_exit = self.should_exit, True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Let more connections wait in the kernel than asyncio accepts at once: it has one number for both."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(_QUEUE)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept the waiting connections, as closing the listener would reset them, then shut down."""
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            with suppress(OSError):
                for _ in range(_QUEUE):
                    waiting, _ = listener.accept()
                    waiting.setblocking(False)
                    await loop.connect_accepted_socket(self._protocol, waiting)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(
            config=self.config,  # pyright: ignore[reportCallIssue]
            server_state=self.server_state,  # pyright: ignore[reportCallIssue]
            app_state=self.lifespan.state,  # pyright: ignore[reportCallIssue]
        )


async def serve_http(app: Starlette, listener: socket.socket, connections: int) -> None:
    """Serve until SIGINT or SIGTERM. Then no new connection is accepted, and calls in flight may finish.

    Args:
        connections: most open connections; fewer if the process may not open as many files.
    """
    descriptors = raise_descriptor_limit(connections)
    table = Connections(min(connections, connection_limit(descriptors)))
    if table.limit < connections:
        logger.warning(
            "at most %d connections at once instead of %d: only %d files may be open; raise the limit (ulimit -n)",
            *(table.limit, connections, descriptors),
        )

    class Protocol(TimedProtocol):
        pass

    Protocol.table = table
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,  # uvicorn would log in a format of its own
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            http=Protocol,
            ws="none",
            backlog=accept_batch(descriptors),
        )
    )
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_LoopErrors(table))

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(server.stop)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    await server.serve([listener])


class _LoopErrors:
    """Closes an idle connection when none can be accepted, which asyncio retries in a second; logs other errors."""

    def __init__(self, table: Connections) -> None:
        self._table = table
        self._next = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or "socket.accept() out of system resource" not in context["message"]:
            loop.default_exception_handler(context)
        elif loop.time() >= self._next:  # asyncio reports one for each connection of a batch
            self._next = loop.time() + 0.5
            logger.warning("a connection cannot be accepted (%s): closing an idle one", error.strerror)
            self._table.evict_one()
