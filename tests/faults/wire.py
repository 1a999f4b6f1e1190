"""A TCP proxy between the server and the sandbox, which passes requests on until its plan breaks one."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal

Connecting = Literal["refused", "reset", "closed"]
"""The fate of a connection before its first request."""


class GoneError(Exception):
    """The client has left, or the connection was closed from here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The sandbox's answer: its status line and headers with the empty line after them, and its body."""

    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        return self.head + self.body

    def without(self, header: str) -> bytes:
        """The head without one of its headers and without its empty line."""
        lines = self.head.rstrip(b"\r\n").split(b"\r\n")
        return b"\r\n".join(line for line in lines if not line.lower().startswith(header.encode() + b":")) + b"\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that was read whole, or as far as its fault let it."""

    method: str
    target: str
    body: bytes


class Exchange:
    """One request on its way, for a fault to deal with."""

    def __init__(self, wire: "Wire", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._wire = wire
        self._reader = reader
        self._writer = writer
        self.head = head
        self.body = b""
        self.method, self.target = head.decode("latin-1").split(" ", 2)[:2]

    @property
    def elsewhere(self) -> str:
        """The authority of another host, which must never hear of the request."""
        return self._wire.elsewhere

    async def read_body(self) -> None:
        """The rest of the request."""
        self.body = await self._reader.readexactly(_length(self.head))
        self._wire.seen[-1] = Seen(self.method, self.target, self.body)

    async def forward(self) -> Answer:
        """Pass the request to the sandbox and return its answer."""
        return await self._wire.forward(self.head + self.body)

    async def send(self, data: bytes) -> None:
        """Bytes for the client.

        Raises:
            GoneError: it has left.
        """
        self._wire.sent += len(data)
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            raise GoneError from None

    async def hang_up(self, *, reset: bool = False) -> None:
        """End the connection."""
        if reset:
            _reset(self._writer)
        self._writer.close()
        raise GoneError

    async def silence(self) -> None:
        """Nothing more, until the client has had enough."""
        with suppress(OSError):
            await self._reader.read(1)
        raise GoneError


Act = Callable[[Exchange], Awaitable[None]]
"""The handling of a request that was read, in place of passing it on."""


@dataclass(slots=True)
class Plan:
    """The fault to inject: from the request with that number on, or only in that one."""

    first: int = 0
    once: bool = False
    act: Act | None = None
    connecting: Connecting | None = None
    unread: bool = False
    """The fault comes before the body of the request was read."""


@dataclass
class Wire:
    """The proxy. `seen` are the requests since the last plan, `sent` the bytes that a client was sent."""

    upstream_port: int
    seen: list[Seen] = field(default_factory=list[Seen])
    sent: int = 0
    port: int = 0

    async def __aenter__(self) -> "Wire":
        self._plan = Plan()
        self._connecting: Connecting | None = None
        self._open = set[asyncio.StreamWriter]()
        self._tasks = set[asyncio.Task[None]]()
        self._busy = set[asyncio.Task[None]]()
        self._lock = asyncio.Lock()
        self._upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._other = socket.create_server(("127.0.0.1", 0))
        self._other.setblocking(False)
        self.elsewhere = f"127.0.0.1:{self._other.getsockname()[1]}"
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.plan(Plan())
        await self._drop_connections()
        self._server.close()
        self._other.close()
        if self._upstream is not None:
            self._upstream[1].close()
            await self._upstream[1].wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def plan(self, plan: Plan) -> None:
        """Start a new plan when the last one is over, with nothing seen yet. Idle connections are kept."""
        if self._busy:
            await asyncio.wait(self._busy)
        if plan.connecting is not None:
            await self._drop_connections()
        if self._connecting == "refused":
            await self._listen()
        self._plan, self._connecting = plan, None
        self.seen.clear()
        self.sent = 0
        self._break_connecting()

    def heard_elsewhere(self) -> bool:
        """True if the other host was contacted."""
        try:
            self._other.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    async def forward(self, request: bytes) -> Answer:
        """Send a request to the sandbox and read the whole answer."""
        async with self._lock:
            if self._upstream is None:
                self._upstream = await asyncio.open_connection("127.0.0.1", self.upstream_port)
            reader, writer = self._upstream
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            return Answer(head, await reader.readexactly(_length(head)))

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    def _break_connecting(self) -> None:
        """Break the connecting, if the plan says so for the next request."""
        if self._plan.connecting is None or len(self.seen) != self._plan.first or self._connecting is not None:
            return
        self._connecting = self._plan.connecting
        self._close_connections()
        if self._connecting == "refused":
            self._server.close()

    async def recover(self) -> None:
        """Accept connections again after a plan that refuses one."""
        if self._connecting == "refused" and self._plan.once:
            self._connecting = self._plan.connecting = None
            await self._listen()

    def _close_connections(self) -> None:
        for writer in self._open:
            writer.close()

    async def _drop_connections(self) -> None:
        self._close_connections()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            if self._connecting is not None:
                if self._connecting == "reset":
                    _reset(writer)
                if self._plan.once:
                    self._connecting = self._plan.connecting = None
                return
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self._busy.add(task)
                await self._serve(reader, writer, head)
                self._busy.discard(task)
        except (GoneError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            self._busy.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        exchange = Exchange(self, reader, writer, head)
        number, plan = len(self.seen), self._plan
        self.seen.append(Seen(exchange.method, exchange.target, b""))
        is_hit = plan.act is not None and (number == plan.first if plan.once else number >= plan.first)
        if not (is_hit and plan.unread):
            await exchange.read_body()
        if is_hit:
            assert plan.act is not None
            await plan.act(exchange)
        else:
            await exchange.send((await exchange.forward()).raw)
            self._break_connecting()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
