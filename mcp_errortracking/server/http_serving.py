"""Serving the app over HTTP until a signal asks to stop."""

import asyncio
import ipaddress
import os
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.applications import Starlette

from mcp_errortracking.server.http_protocol import TimedProtocol

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 30  # longer than an agent thinks between two calls, most of the time
GRACE_SECONDS = 10
"""How long calls in flight may go on after a signal; then connections are closed."""


class ListenError(Exception):
    """The address or port cannot be used, or is open to a network without a token; the text says what to do."""


def listen(address: str, port: int, *, guarded: bool) -> socket.socket:
    """A listening socket. Only loopback is served to callers without a token (`guarded` is False).

    Raises:
        ListenError: it cannot, or must not, be opened.
    """
    try:
        numeric = ipaddress.ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise ListenError(f"--bind {address[:100]} is no IP address: give one like 127.0.0.1 or 0.0.0.0") from None
    if not numeric.is_loopback and not guarded:
        raise ListenError(
            f"--bind {address} opens this server, and the PostHog key it holds, to the network: set MCP_SERVER_TOKEN "
            "to a secret that callers must present, or leave --bind out to serve this machine only."
        )
    family = socket.AF_INET6 if numeric.version == 6 else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on, which holds up each answer by some 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((str(numeric), port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise ListenError(f"Port {port} cannot be used ({reason}): choose another with --port, or --port 0.") from None
    return listener


def address_of(listener: socket.socket) -> str:
    """The address of a listening socket, as a client is given it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leaves the signals to `serve_http`: uvicorn ends the process by the signal it caught, we with exit code 0."""
        yield

    def stop(self) -> None:
        """Ends it: gently at first, at once when asked again."""
        self.force_exit, self.should_exit = self.should_exit, True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes in who waits at the door, for closing it would reset them and what they may have sent; then ends."""
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            with suppress(BlockingIOError):
                while True:
                    waiting, _ = listener.accept()
                    waiting.setblocking(False)
                    await loop.connect_accepted_socket(self._protocol, waiting)
        await super().shutdown(sockets)

    def _protocol(self) -> TimedProtocol:
        return TimedProtocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


async def serve_http(app: Starlette, listener: socket.socket) -> None:
    """Serves until SIGINT or SIGTERM: then nothing new is let in, and calls in flight may finish."""
    server = _Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            http=TimedProtocol,
            backlog=_BACKLOG,
        )
    )
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(server.stop)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    await server.serve([listener])
