"""Serving an app on a socket until it is asked to stop."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from mcp_errortracking.system.stop_signals import STOP_SIGNALS

_GRACE_SECONDS = 3
_IDLE_SECONDS = 60  # as the load balancers before PostHog; a client that was busy finds its connection open


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Announce the address as soon as the server listens."""
        await super().startup(sockets)
        for listener in sockets or [] if self.started else []:
            host, port = listener.getsockname()[:2]
            self._announce(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to `serve`, which exits with 0: uvicorn would end the process by the signal it caught."""
        yield

    def stop(self) -> None:
        """Stop the server: gracefully the first time, at once the second time."""
        self.force_exit, self.should_exit = self.should_exit, True


async def serve(
    app: Starlette,
    listener: socket.socket,
    announce: Callable[[str], None],
    *,
    until_stdin_closes: bool,
    log_level: str,
) -> None:
    """Serve until SIGINT or SIGTERM, or the end of stdin if requested.

    Args:
        announce: called with the address once the server listens.
    """
    server = _Server(
        uvicorn.Config(
            app,
            log_level=log_level,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_SECONDS,
            timeout_keep_alive=_IDLE_SECONDS,
        ),
        announce,
    )
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(server.stop)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    if until_stdin_closes:
        threading.Thread(target=_after_stdin, args=(stop,), daemon=True).start()
    await server.serve([listener])


def _after_stdin(stop: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    stop()
