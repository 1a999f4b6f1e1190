"""The server as a process on pipes, spoken to in raw lines, and an upstream that answers when it is told to."""

import json
import os
import select
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.forked import Forked

KEY = "phx_a_key_that_must_never_be_seen"
EMPTY_PAGE = json.dumps({"count": 0, "next": None, "previous": None, "results": []}).encode()
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": "init",
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def list_rules(request_id: int) -> dict[str, Any]:
    """A call that reads from the upstream."""
    call = {"name": "error-tracking-assignment-rules-list", "arguments": {}}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": call}


class GatedUpstream:
    """A PostHog with no rules, which answers no request before `gate` is set."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.abandoned = threading.Semaphore(0)
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                upstream.arrived.release()
                while not upstream.gate.is_set():
                    if select.select([self.connection], [], [], 0.02)[0]:  # nothing more is sent: it was closed
                        upstream.abandoned.release()
                        self.close_connection = True
                        return
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(EMPTY_PAGE)))
                self.end_headers()
                self.wfile.write(EMPTY_PAGE)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is http.server's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "GatedUpstream":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class StdioProcess:
    """`mcp-errortracking` on pipes."""

    def __init__(self, *options: str, **environment: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("POSTHOG_")}
        self.process = Forked(options, clean | environment)

    def send(self, *messages: Any) -> None:
        assert self.process.stdin
        for message in messages:
            line = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"stdout ended; stderr: {self.process.stderr.read() if self.process.stderr else b''!r}"
        return json.loads(line)

    def open(self) -> None:
        """The handshake of the 2025 era."""
        self.send(INITIALIZE)
        assert self.receive()["id"] == "init"
        self.send(INITIALIZED)

    def finish(self) -> tuple[bytes, bytes, int]:
        """Closes stdin and waits for the end: the rest of stdout and stderr, and the exit code."""
        out, err = self.process.communicate(timeout=30)
        return out, err, self.process.wait()

    def wait(self) -> tuple[bytes, bytes, int]:
        """Waits for the end with stdin left open."""
        assert self.process.stdout
        assert self.process.stderr
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return out, err, self.process.wait(30)


@contextmanager
def served(
    *options: str, upstream: str = "http://127.0.0.1:9", key: str = KEY, **environment: str
) -> Generator[StdioProcess]:
    """A running server, killed at the end if it is still there."""
    own = {"POSTHOG_HOST": upstream, "POSTHOG_PERSONAL_API_KEY": key, "POSTHOG_PROJECT_ID": "1", "HOME": "/nonexistent"}
    server = StdioProcess(*options, **(own | {"MCP_STRUCTURED": "always"} | environment))
    with server.process:
        try:
            yield server
        finally:
            server.process.kill()
