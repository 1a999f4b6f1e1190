"""A relay in front of the sandbox: PostHog and its object storage at one address, with faults where a test wants them.

The sandbox makes presigned URLs of the Host it is asked by, so that they lead through the relay too.
"""

import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.proxy.connections import Received, read_request, reset
from tests.proxy.fault_server import Reply, drip

PASS = Reply(b"pass")
"""Let it through."""
LOSE = Reply(b"lose")
"""Let it through, and reset the connection instead of answering."""
RESET = Reply(reset=True)
"""Reset the connection; nothing gets through."""


def xml(status: int, code: str, message: str = "") -> Reply:
    """An error as S3 answers it."""
    body = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return Reply(f"{head}\r\n{body}".encode())


EXPIRED = xml(403, "AccessDenied", "Request has expired")


@dataclass
class _Rule:
    pattern: re.Pattern[str]
    replies: list[Reply]


@dataclass
class Relay:
    """Passes each request on to `upstream`, unless a rule says otherwise. `watch` is told of each, before and after."""

    upstream: str
    received: list[Received] = field(default_factory=list[Received])
    watch: Callable[[Received, str], None] | None = None

    def __enter__(self) -> "Relay":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._rules = list[_Rule]()
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def on(self, pattern: str, *replies: Reply) -> None:
        """The next requests whose `METHOD path` fits get these replies, one each; after them all get through."""
        self._rules.append(_Rule(re.compile(pattern), list(replies)))

    def hold(self) -> None:
        """Lets requests wait."""
        self._open.clear()

    def release(self) -> None:
        """Lets them through again."""
        self._open.set()

    def settle(self) -> None:
        """Waits until nothing is on its way any more."""
        while len(self._threads) > 1:
            self._threads.pop().join(20)

    def count(self, pattern: str) -> int:
        """Return the number of requests that matched."""
        return sum(re.match(pattern, f"{one.method} {one.target}") is not None for one in self.received)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                request = read_request(connection)
                if request is None:
                    return
                self._open.wait(20)
                self.received.append(request)
                reply = self._reply(request)
                watch = self.watch or (lambda *_: None)
                watch(request, "before")
                if reply in (PASS, LOSE):
                    answer = self._forward(request)
                    watch(request, "after")
                    if reply is PASS:
                        connection.sendall(answer)
                        return
                elif reply.raw:
                    send = drip if reply.drip else socket.socket.sendall
                    send(connection, reply.raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                    return
                reset(connection)
            except OSError:
                return

    def _reply(self, request: Received) -> Reply:
        with self._lock:
            for rule in self._rules:
                if rule.replies and rule.pattern.match(f"{request.method} {request.target}"):
                    return rule.replies.pop(0)
        return PASS

    def _forward(self, request: Received) -> bytes:
        target = urlsplit(self.upstream)
        headers = request.headers | {"connection": "close"}
        lines = [
            f"{request.method} {request.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        with socket.create_connection((target.hostname or "", target.port or 80)) as sandbox:
            sandbox.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + request.body)
            answer = b""
            while piece := sandbox.recv(65536):
                answer += piece
        return answer
