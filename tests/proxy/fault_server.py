"""A server on a real socket that answers by script: whole, half, broken, or not at all."""

import json
import select
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

from tests.proxy.connections import Received, read_request, reset


@dataclass(frozen=True)
class Reply:
    """One answer: its bytes, and the end of its connection. `drop`: close without reading the request."""

    raw: bytes = b""
    close: bool = False
    reset: bool = False
    drop: bool = False
    drip: bool = False
    """Send the body byte by byte, with pauses, until the client hangs up."""
    gate: threading.Event | None = None
    """Answer only once this is set."""


def drip(connection: socket.socket, content: bytes) -> None:
    """Send an answer's head, then its body byte by byte.

    Raises:
        ConnectionError: the client has hung up.
    """
    head, end, body = content.partition(b"\r\n\r\n")
    connection.sendall(head + end)
    for place in range(len(body)):
        connection.sendall(body[place : place + 1])
        if select.select([connection], [], [], 0.01)[0]:
            raise ConnectionError("the client has hung up")


def http(
    status: int = 200, body: Any = b"", *, kind: str = "application/json", length: int | None = None, **headers: str
) -> Reply:
    """Return a well-formed answer; `length` gives a false size of the body, and then the connection closes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content) if length is None else length}"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + content, close=length is not None)


@dataclass
class FaultServer:
    """Answers each request with the next reply of the script, the last one again and again."""

    script: list[Reply]
    received: list[Received] = field(default_factory=list[Received])
    connections: int = 0

    def __enter__(self) -> "FaultServer":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open = list[socket.socket]()
        self.hung_up = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for reply in self.script:
            if reply.gate is not None:
                reply.gate.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while True:
                reply = self._peek()
                if reply.drop:
                    self._take()
                    reset(connection)
                    return
                try:
                    request = read_request(connection)
                except OSError:
                    request = None
                if request is None:
                    self.hung_up.release()
                    return
                with self._lock:
                    self.received.append(request)
                reply = self._take()
                self.arrived.release()
                if reply.gate is not None:
                    reply.gate.wait(20)
                try:
                    (drip if reply.drip else socket.socket.sendall)(connection, reply.raw)
                except OSError:
                    self.hung_up.release()
                    return
                if reply.reset:
                    reset(connection)
                if reply.close or reply.reset:
                    return

    def _peek(self) -> Reply:
        with self._lock:
            return self.script[0]

    def _take(self) -> Reply:
        with self._lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]
