"""A capture endpoint on loopback: it keeps the exceptions that PostHog's SDKs send, and serves static sites."""

import gzip
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

_SDK_PATHS = ("/e/", "/i/", "/batch", "/flags", "/decide", "/array", "/static/")


class Capture:
    """The server. Files of the site are served at its root, and unknown paths as the site's index."""

    def __init__(self, site: Path | None = None) -> None:
        self.exceptions: list[dict[str, Any]] = []
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(_Handler, self, directory=str(site or "/dev/null"))
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, body: bytes) -> None:
        with self._arrived:
            for event in _events(body):
                if event.get("event") == "$exception":
                    self.exceptions.append(event)
            self._arrived.notify_all()

    def first(self, seconds: float) -> dict[str, Any] | None:
        """Return the first exception, or None if none arrives in time."""
        with self._arrived:
            self._arrived.wait_for(lambda: self.exceptions, seconds)
            return self.exceptions[0] if self.exceptions else None


def _events(body: bytes) -> list[dict[str, Any]]:
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    text = body.decode("utf-8", "replace")
    if text.startswith("data="):
        text = parse_qs(text)["data"][0]
    try:
        data = json.loads(text or "{}")
    except ValueError:
        return []
    if isinstance(data, dict):
        data = data.get("batch", [data])  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return data  # pyright: ignore[reportUnknownVariableType]


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript", ".mjs": "text/javascript"}

    def __init__(self, capture: Capture, *arguments: Any, directory: str) -> None:
        self._capture = capture
        super().__init__(*arguments, directory=directory)

    def do_POST(self) -> None:
        self._capture.add(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self._answer(b'{"status":1}', "application/json")

    def do_OPTIONS(self) -> None:
        self._answer(b"", "text/plain")

    def do_GET(self) -> None:
        if self.path == "/_captured":
            self._answer(str(len(self._capture.exceptions)).encode(), "text/plain")
        elif self.path.startswith(_SDK_PATHS):
            self._answer(b"{}", "application/json")
        else:
            if not Path(self.translate_path(self.path)).exists():
                self.path = "/index.html"
            super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.send_header("Access-Control-Allow-Headers", "content-type, authorization")
        super().end_headers()

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in the base class)
        pass
