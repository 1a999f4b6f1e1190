"""Ways to call tools that cost little and keep nothing: over stdio, streamable HTTP and SSE, without the SDK."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

_HANDSHAKE, _MODERN = "2025-11-25", "2026-07-28"
_HELLO = {"protocolVersion": _HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "soak", "version": "1"}}
_LIMIT = 2**22
_ids = itertools.count(1)


class Lane(Protocol):
    """One who calls, one call after the other."""

    async def call(self, tool: str, arguments: dict[str, Any]) -> bool:
        """Return True if it succeeded."""
        ...


def _request(method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}


def _call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return _request("tools/call", {"name": tool, "arguments": arguments})


def _succeeded(answer: dict[str, Any]) -> bool:
    if "error" in answer:
        raise RuntimeError(f"a protocol error: {answer['error']}")
    return not answer["result"].get("isError")


class StdioLane:
    """Over the pipes of a process, which all lanes share."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting = dict[int, asyncio.Future[dict[str, Any]]]()

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request."""
        assert self._process.stdin
        future = self._waiting[message["id"]] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        return await future

    async def read(self) -> None:
        """Gives each answer to whoever waits for it, until the server ends."""
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            if future := self._waiting.pop(answer.get("id"), None):
                future.set_result(answer)

    async def call(self, tool: str, arguments: dict[str, Any]) -> bool:
        """Return True if it succeeded."""
        return _succeeded(await self.ask(_call(tool, arguments)))


@asynccontextmanager
async def stdio_lanes(process: asyncio.subprocess.Process, width: int) -> AsyncGenerator[list[Lane]]:
    """So many lanes into a server's stdin."""
    lane = StdioLane(process)
    reading = asyncio.ensure_future(lane.read())
    await lane.ask(_request("initialize", _HELLO))
    assert process.stdin
    process.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
    try:
        yield [lane] * width
    finally:
        process.stdin.close()
        reading.cancel()


class Connection:
    """A kept connection for POST requests with JSON."""

    expected: tuple[int, ...] = (200, 202)
    """The statuses of an answer that is not a failure."""

    def __init__(self, base: str, version: str = _HANDSHAKE) -> None:
        self._netloc = urlsplit(base).netloc
        self._version = version
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.session = ""
        """The line of the header that names the session, for servers that keep one; other headers of the era."""

    async def post(self, path: str, message: dict[str, Any]) -> bytes:
        """The body of the answer."""
        if self._streams is None:
            host, _, port = self._netloc.partition(":")
            self._streams = await asyncio.open_connection(host, int(port), limit=_LIMIT)
        reader, writer = self._streams
        body = json.dumps(message).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._netloc}\r\nAccept: application/json, text/event-stream\r\n"
            f"MCP-Protocol-Version: {self._version}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{self.session}\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer.split(b" ", 2)[1])
        if status not in self.expected:
            raise RuntimeError(f"HTTP {status}")
        head = answer.lower()
        if session := head.partition(b"mcp-session-id:")[2].split(b"\r\n")[0].strip():
            self.session = f"Mcp-Session-Id: {session.decode()}\r\n"
        if b"transfer-encoding: chunked" not in head:
            return await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        parts = list[bytes]()
        while size := int((await reader.readline()).strip(), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readline()
        return b"".join(parts)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


class HttpLane:
    """Over streamable HTTP, with a connection of its own."""

    def __init__(self, base: str) -> None:
        self.connection = Connection(base)

    async def call(self, tool: str, arguments: dict[str, Any]) -> bool:
        """Return True if it succeeded."""
        body = await self.connection.post("/mcp", _call(tool, arguments))
        return _succeeded(json.loads(body if body.startswith(b"{") else _data(body)))

    async def open(self) -> None:
        """Goes through the handshake, which servers with sessions ask for."""
        await self.connection.post("/mcp", _request("initialize", _HELLO))
        await self.connection.post("/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"})


def _data(events: bytes) -> bytes:
    """The data of the last event that has some."""
    return [line[6:] for line in events.splitlines() if line.startswith(b"data: ")][-1]


@asynccontextmanager
async def http_lanes(base: str, width: int, *, handshake: bool = False) -> AsyncGenerator[list[Lane]]:
    """So many connections."""
    lanes = [HttpLane(base) for _ in range(width)]
    for lane in lanes if handshake else ():
        await lane.open()
    yield [*lanes]
    for lane in lanes:
        lane.connection.close()


class ModernLane:
    """Over streamable HTTP in the 2026 era: no handshake, and each request says who asks."""

    _META = {
        "io.modelcontextprotocol/protocolVersion": _MODERN,
        "io.modelcontextprotocol/clientInfo": _HELLO["clientInfo"],
        "io.modelcontextprotocol/clientCapabilities": {},
    }

    def __init__(self, base: str) -> None:
        self.connection = Connection(base, _MODERN)

    async def call(self, tool: str, arguments: dict[str, Any]) -> bool:
        """Return True if it succeeded."""
        self.connection.session = f"Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"
        params = {"name": tool, "arguments": arguments, "_meta": self._META}
        body = await self.connection.post("/mcp", _request("tools/call", params))
        return _succeeded(json.loads(body if body.startswith(b"{") else _data(body)))


@asynccontextmanager
async def modern_lanes(base: str, width: int) -> AsyncGenerator[list[Lane]]:
    """So many connections."""
    lanes = [ModernLane(base) for _ in range(width)]
    yield [*lanes]
    for lane in lanes:
        lane.connection.close()


class SseLane:
    """Over an SSE session of its own."""

    def __init__(self, base: str) -> None:
        self._base = base
        self.connection = Connection(base)

    async def open(self) -> None:
        """Opens the stream, and goes through the handshake."""
        address = urlsplit(self._base)
        self._events, self.stream = await asyncio.open_connection(address.hostname, address.port, limit=_LIMIT)
        self.stream.write(f"GET /sse HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode())
        self.path = (await self._event()).decode()
        await self._ask(_request("initialize", _HELLO))
        await self.connection.post(self.path, {"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def _event(self) -> bytes:
        while line := await self._events.readline():
            if line.startswith(b"data: "):
                return line[6:].strip()
        raise RuntimeError("the stream ended")

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        await self.connection.post(self.path, message)
        return json.loads(await self._event())

    async def call(self, tool: str, arguments: dict[str, Any]) -> bool:
        """Return True if it succeeded."""
        return _succeeded(await self._ask(_call(tool, arguments)))


@asynccontextmanager
async def sse_lanes(base: str, width: int) -> AsyncGenerator[list[Lane]]:
    """So many sessions."""
    lanes = [SseLane(base) for _ in range(width)]
    for lane in lanes:
        await lane.open()
    yield [*lanes]
    for lane in lanes:
        lane.connection.close()
        lane.stream.close()
