"""Loaded by a server under test that has this folder in its PYTHONPATH: its time limits pass fast."""

import sys


class _Faster:
    """Shortens the limits when the app is about to be imported."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name == "mcp_errortracking.asgi":
            from mcp_errortracking.server.http import app, sse
            from mcp_errortracking.server.http.protocol import TimedProtocol

            app.DRAIN_SECONDS = 0.5
            sse.PING_SECONDS = 0.2
            TimedProtocol.stalled_seconds = 0.5


sys.meta_path.insert(0, _Faster())  # pyright: ignore[reportArgumentType]
