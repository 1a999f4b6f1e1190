"""A bad line to a PostHog: a TCP proxy that breaks one answer in twenty, each time in another way.

    python -m benchmarks.unsteady PORT

Prints its address; PORT is where PostHog listens on this machine.
"""

import asyncio
import itertools
import sys

EVERY = 20
_PAGE = b"<html>Bad gateway</html>"
_FAULTS = {
    "reset": None,
    "cut": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
    "502": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE),
    "429": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE),
}
_requests = itertools.count(1)
_turns = itertools.cycle(_FAULTS)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A whole request or answer whose length is told."""
    head = await reader.readuntil(b"\r\n\r\n")
    _, found, rest = head.lower().partition(b"content-length:")
    return head + (await reader.readexactly(int(rest.split(b"\r\n")[0])) if found else b"")


async def _relay(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            request = await _message(reader)
            fault = next(_turns) if next(_requests) % EVERY == 0 else None
            if fault is None or fault in ("reset", "cut", "page"):  # in these, PostHog does what was asked
                upstream.write(request)
                answer = await _message(upstream_reader)
            else:
                answer = b""
            answer = _FAULTS[fault] if fault else answer
            if answer is None:
                writer.transport.abort()
                return
            writer.write(answer)
            await writer.drain()
            if fault == "cut":
                return
    except (asyncio.IncompleteReadError, OSError):
        return
    finally:
        writer.close()
        upstream.close()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: _relay(port, reader, writer), "127.0.0.1", 0, limit=2**22
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
