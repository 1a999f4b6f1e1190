"""Answers of the HTTP protocol itself: to requests that do not reach the app, or that it could not finish."""

import json

BAD_REQUEST = "400 Bad Request"
NO_PROXY = "405 Method Not Allowed"
TOO_SLOW = "408 Request Timeout"
HEAD_TOO_LARGE = "431 Request Header Fields Too Large"
BUSY = "503 Service Unavailable"

STOPPED = {
    "jsonrpc": "2.0",
    "id": None,
    "error": {
        "code": -32603,
        "message": "The server stopped before the call ended. A change may have reached PostHog: check before "
        "you repeat the call.",
    },
}
"""The answer to a request that is still running when the server stops; clients read it as the answer to their call."""


class RefusedError(Exception):
    """A request is refused before it is read to its end."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status

    def response(self) -> bytes:
        """Return the answer to send before the connection is closed."""
        error = self.status[4:].lower().replace(" ", "_")
        body = json.dumps({"error": error, "detail": str(self)}).encode()
        lines = [f"HTTP/1.1 {self.status}", "content-type: application/json", f"content-length: {len(body)}"]
        lines += ["retry-after: 1"] if self.status == BUSY else []
        return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body
