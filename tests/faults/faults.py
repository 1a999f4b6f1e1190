"""The faults between the server and PostHog, and their expected outcomes for tools that read and that write."""

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Literal

from tests.faults.wire import Act, Answer, Connecting, Exchange

BODY_LIMIT = 256 * 1024
"""Bytes of an answer that the bench's server takes; a production one takes more, in the same way."""

_GIGABYTE = 10**9


class Outcome(StrEnum):
    """The outcome of a call."""

    ANSWERED = "answered"
    RETRIED = "answered after a retry"
    EXPLAINED = "explained, not retried"
    GIVEN_UP = "explained after retries"
    IN_DOUBT = "sent once, reported as uncertain"


@dataclass(frozen=True, slots=True)
class Expected:
    """The outcomes for tools that read and for those that write; `_once`: where only one request meets the fault."""

    read: Outcome
    write: Outcome
    read_once: Outcome | None = None
    write_once: Outcome | None = None

    def runs(self) -> list[tuple[Literal["read", "write"], bool, Outcome]]:
        """Return the runs to try: the kind of tools, True if the fault comes only once, and the expected outcome.

        A write that must not be sent again meets a PostHog that would accept it again, or the test would not notice.
        """
        runs: list[tuple[Literal["read", "write"], bool, Outcome]] = [("read", False, self.read)]
        if self.read_once is not None:
            runs.append(("read", True, self.read_once))
        if self.write is not Outcome.IN_DOUBT:
            runs.append(("write", False, self.write))
        if self.write is Outcome.IN_DOUBT or self.write_once is not None:
            runs.append(("write", True, self.write_once or self.write))
        return runs


HARMLESS = Expected(Outcome.ANSWERED, Outcome.ANSWERED)
BROKEN = Expected(Outcome.GIVEN_UP, Outcome.IN_DOUBT, Outcome.RETRIED)
BUSY = Expected(Outcome.GIVEN_UP, Outcome.GIVEN_UP, Outcome.RETRIED, Outcome.RETRIED)
FINAL = Expected(Outcome.EXPLAINED, Outcome.IN_DOUBT)
REFUSED = Expected(Outcome.EXPLAINED, Outcome.EXPLAINED)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `arrives`: PostHog nevertheless gets the request and applies it."""

    name: str
    what: str
    expected: Expected
    act: Act | None = None
    connecting: Connecting | None = None
    arrives: bool = False
    unread: bool = False


FAULTS: dict[str, Fault] = {}


def _add(fault: Fault) -> None:
    FAULTS[fault.name] = fault


def _fault(name: str, what: str, expected: Expected, *, arrives: bool = False) -> Callable[[Act], Act]:
    def add(act: Act) -> Act:
        _add(Fault(name, what, expected, act, arrives=arrives))
        return act

    return add


def _head(status: int, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *headers, *([] if length is None else [f"Content-Length: {length}"])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _json(status: int, body: object, *headers: str) -> bytes:
    content = json.dumps(body).encode()
    return _head(status, "Content-Type: application/json", *headers, length=len(content)) + content


# Slow or odd, but whole.


@_fault("slow-answer", "the answer begins after 20 s", HARMLESS, arrives=True)
async def _slow_answer(exchange: Exchange) -> None:
    answer = await exchange.forward()
    await asyncio.sleep(20)
    await exchange.send(answer.raw)


@_fault("slow-link", "the answer comes in five pieces, 4 s apart", HARMLESS, arrives=True)
async def _slow_link(exchange: Exchange) -> None:
    raw = (await exchange.forward()).raw
    piece = -(-len(raw) // 5)
    for start in range(0, len(raw), piece):
        await asyncio.sleep(4)
        await exchange.send(raw[start : start + piece])


@_fault("small-pieces", "the answer comes in pieces of seven bytes", HARMLESS, arrives=True)
async def _small_pieces(exchange: Exchange) -> None:
    raw = (await exchange.forward()).raw
    for start in range(0, len(raw), 7):
        await exchange.send(raw[start : start + 7])


@_fault("chunked", "the answer is chunked, with an extension and a trailer", HARMLESS, arrives=True)
async def _chunked(exchange: Exchange) -> None:
    answer = await exchange.forward()
    if not answer.body:
        await exchange.send(answer.raw)
        return
    half = len(answer.body) // 2
    parts = [b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in (answer.body[:half], answer.body[half:]) if part]
    head = answer.without("content-length") + b"Transfer-Encoding: chunked\r\n\r\n"
    await exchange.send(head + b"".join(parts) + b"0\r\nX-Trailer: a\r\n\r\n")


@_fault("gzip", "the answer is compressed", HARMLESS, arrives=True)
async def _gzip(exchange: Exchange) -> None:
    answer = await exchange.forward()
    if not answer.body:
        await exchange.send(answer.raw)
        return
    body = gzip.compress(answer.body)
    head = answer.without("content-length") + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    await exchange.send(head + body)


@_fault("early-hints", "100 and 103 come before the answer", HARMLESS, arrives=True)
async def _early_hints(exchange: Exchange) -> None:
    await exchange.send(_head(100) + _head(103, "Link: </a>; rel=preload") + (await exchange.forward()).raw)


@_fault("closed-after-answer", "the connection is closed after each answer, without notice", HARMLESS, arrives=True)
async def _closed_after_answer(exchange: Exchange) -> None:
    await exchange.send((await exchange.forward()).raw)
    await exchange.hang_up()


@_fault("second-answer", "another answer follows without a request", HARMLESS, arrives=True)
async def _second_answer(exchange: Exchange) -> None:
    await exchange.send((await exchange.forward()).raw + _json(200, {"poison": True}))


@_fault("alternative", "the answer sets a cookie and names another server to use", HARMLESS, arrives=True)
async def _alternative(exchange: Exchange) -> None:
    answer = await exchange.forward()
    more = f'Set-Cookie: a=b\r\nAlt-Svc: h2="{exchange.elsewhere}"\r\nRefresh: 0;url=http://{exchange.elsewhere}\r\n'
    await exchange.send(answer.head[:-2] + more.encode() + b"\r\n" + answer.body)


# No answer, or none in time.


@_fault("silence", "the request is read, and no answer comes", BROKEN)
async def _silence(exchange: Exchange) -> None:
    await exchange.silence()


@_fault("silence-after-work", "PostHog does what was asked, and its answer never comes", BROKEN, arrives=True)
async def _silence_after_work(exchange: Exchange) -> None:
    await exchange.forward()
    await exchange.silence()


@_fault("endless-trickle", "a byte of the answer every 20 s", FINAL, arrives=True)
async def _endless_trickle(exchange: Exchange) -> None:
    for byte in (await exchange.forward()).raw:
        await exchange.send(bytes([byte]))
        await asyncio.sleep(20)


# No connection, or one that breaks: before, during and after the request and the answer.

_add(Fault("connection-refused", "the port refuses connections", BUSY, connecting="refused"))
_add(Fault("connection-reset", "connections are reset at once", BROKEN, connecting="reset"))
_add(Fault("connection-closed", "connections are closed at once", BROKEN, connecting="closed"))


def _cut(name: str, what: str, *, work: bool, sends: bytes | Callable[[Answer], bytes], unread: bool = False) -> None:
    """The connection ends: `closed-...` in good order, `reset-...` with a reset."""
    kind, _, _ = name.partition("-")

    async def act(exchange: Exchange) -> None:
        answer = await exchange.forward() if work else Answer(b"", b"")
        if data := sends if isinstance(sends, bytes) else sends(answer):
            await exchange.send(data)
        await exchange.hang_up(reset=kind == "reset")

    _add(Fault(name, f"the connection is {kind} {what}", BROKEN, act, arrives=work, unread=unread))


def _half_head(answer: Answer) -> bytes:
    return answer.head[: len(answer.head) // 2]


_HALF, _HALF_CHUNK = _head(200, length=500) + b'{"half": ', _head(200, "Transfer-Encoding: chunked") + b"50\r\n{"
_cut("reset-in-request", "before the body of the request was read", work=False, sends=b"", unread=True)
for _kind in ("closed", "reset"):
    _cut(f"{_kind}-after-request", "after the request, which is lost", work=False, sends=b"")
    _cut(f"{_kind}-before-answer", "after the request, which PostHog has applied", work=True, sends=b"")
    _cut(f"{_kind}-in-body", "in the body of the answer", work=True, sends=_HALF)
_cut("closed-in-head", "in the headers of the answer", work=True, sends=_half_head)
_cut("reset-in-chunk", "in a chunk of the answer", work=True, sends=_HALF_CHUNK)

# PostHog is busy: it answers 429 before it looks at the request.


def _answers(name: str, what: str, expected: Expected, reply: bytes) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.send(reply)

    _add(Fault(name, what, expected, act))


def _throttled(*headers: str) -> bytes:
    body = {"type": "throttled_error", "code": "throttled", "detail": "Request was throttled.", "attr": None}
    return _json(429, body, *headers)


_DATE, _LATER = "Date: Tue, 03 Feb 2026 10:00:00 GMT", "Retry-After: Tue, 03 Feb 2026 10:00:02 GMT"
_answers("429", "429 without Retry-After", BUSY, _throttled())
_answers("429-seconds", "429, Retry-After of 2 seconds", BUSY, _throttled("Retry-After: 2"))
_answers("429-date", "429, Retry-After a date in 2 s, on a clock that is years off", BUSY, _throttled(_DATE, _LATER))
_answers("429-past", "429, Retry-After a date long ago", BUSY, _throttled(_LATER.replace("2026", "2020")))
_answers("429-nonsense", "429, Retry-After neither seconds nor a date", BUSY, _throttled("Retry-After: in a while"))
_answers("429-hour", "429, Retry-After of an hour", REFUSED, _throttled("Retry-After: 3600"))

# PostHog, or a gateway before it, fails.

_GATEWAY = b"<html><h1>Bad gateway</h1></html>"


def _gateway(status: int, *headers: str) -> bytes:
    return _head(status, "Content-Type: text/html", *headers, length=len(_GATEWAY)) + _GATEWAY


_ERROR = {"type": "server_error", "code": "error", "detail": "Something broke.", "attr": None}
_answers("500", "500 of PostHog", FINAL, _json(500, _ERROR))
_answers("502", "502 of a gateway, a web page", BROKEN, _gateway(502))
_answers(
    "503",
    "503 of PostHog, whose database is unavailable",
    BROKEN,
    _json(503, _ERROR | {"code": "database_unavailable"}),
)
_answers("503-seconds", "503, Retry-After of 2 seconds", BROKEN, _gateway(503, "Retry-After: 2"))
_answers(
    "503-date", "503, Retry-After a date in 2 s, on a clock that is years off", BROKEN, _gateway(503, _DATE, _LATER)
)
_answers("504", "504 of a gateway, empty", BROKEN, _head(504, length=0))
_answers("503-minutes", "503, Retry-After of 2 minutes", FINAL, _gateway(503, "Retry-After: 120"))


@_fault("502-after-work", "PostHog does what was asked, and a gateway answers 502", BROKEN, arrives=True)
async def _gateway_after_work(exchange: Exchange) -> None:
    await exchange.forward()
    await exchange.send(_gateway(502))


# It is not PostHog that answers, or it does not want this key.

_answers("401", "401", REFUSED, _json(401, {"code": "authentication_failed", "detail": "Invalid."}))
_answers("403-page", "403 of a firewall, a web page", REFUSED, _gateway(403))
_TWO_FORMS = Expected(Outcome.GIVEN_UP, Outcome.GIVEN_UP)
_answers("404-page", "404, a web page; the older form of the path is tried too", _TWO_FORMS, _gateway(404))
_answers("html", "200, a web page", FINAL, _head(200, "Content-Type: text/html", length=len(_GATEWAY)) + _GATEWAY)
_answers("no-http", "something that is not HTTP", BROKEN, b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
_answers("upgrade", "101, another protocol", BROKEN, _head(101, "Upgrade: websocket", "Connection: Upgrade"))


def _redirects(name: str, what: str, status: int, scheme: str) -> None:
    async def act(exchange: Exchange) -> None:
        location = f"{scheme}://{exchange.elsewhere}{exchange.target}"
        await exchange.send(_head(status, f"Location: {location}", length=0))

    _add(Fault(name, what, REFUSED, act))


for _status in (301, 302, 307, 308):
    _redirects(f"redirect-{_status}", f"{_status} to another host", _status, "https")
_redirects("redirect-http", "307 to another host without TLS", 307, "http")


# The body is broken, or more than anyone can hold.


def _bodies(name: str, what: str, expected: Expected, make: Callable[[Answer], bytes]) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.send(make(await exchange.forward()))

    _add(Fault(name, what, expected, act, arrives=True))


def _ok(body: bytes, *headers: str) -> bytes:
    return _head(200, "Content-Type: application/json", *headers, length=len(body)) + body


_GZIP, _CHUNKED = "Content-Encoding: gzip", "Transfer-Encoding: chunked"
_SOME = b'{"id": "x", "results": [1, 2, 3]}'
_ZIPPED = gzip.compress(_SOME)
_bodies("cut-json", "the JSON ends in the middle", FINAL, lambda answer: _ok((answer.body or _SOME)[:-1]))
_bodies("corrupt-json", "bytes of the JSON are swapped", FINAL, lambda answer: _ok(_SOME.replace(b'"', b"\xff")))
_bodies("deep-json", "JSON nested 100,000 deep", FINAL, lambda answer: _ok(b"[" * 100_000 + b"]" * 100_000))
_bodies("corrupt-gzip", "bytes of the gzip are wrong", FINAL, lambda answer: _ok(_ZIPPED[:12] + b"\xff" * 20, _GZIP))
_bodies("cut-gzip", "the gzip ends in the middle", FINAL, lambda answer: _ok(_ZIPPED[:-12], _GZIP))
_bodies("no-gzip", "the body is called gzip, but is not", FINAL, lambda answer: _ok(_SOME, _GZIP))
_bodies("gzip-bomb", "90 kB that unpack to 90 MB", FINAL, lambda answer: _ok(_bomb(), _GZIP))
_bodies("bad-chunk", "a chunk without its length", BROKEN, lambda answer: _head(200, _CHUNKED) + b"zz\r\n{}\r\n")
_bodies(
    "two-lengths", "two lengths that differ", BROKEN, lambda answer: _head(200, "Content-Length: 9", length=2) + b"{}"
)


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(90_000_000), 9)


def _endless(name: str, what: str, expected: Expected, begin: bytes, piece: bytes) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.forward()
        await exchange.send(begin)
        for _ in range(_GIGABYTE // len(piece)):
            await exchange.send(piece)

    _add(Fault(name, what, expected, act, arrives=True))


_endless("gigabyte", "a body of 1 GB", FINAL, _head(200, length=_GIGABYTE), b"0" * 65536)
_endless("gigabyte-chunked", "chunks without end", FINAL, _head(200, _CHUNKED), b"8000\r\n" + b"0" * 32768 + b"\r\n")
_endless("endless-header", "a header without end", BROKEN, b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 65536)
_endless("endless-headers", "headers without end", BROKEN, b"HTTP/1.1 200 OK\r\n", b"X-More: abcdefgh\r\n" * 4000)
_endless("endless-trailer", "a trailer without end", BROKEN, _head(200, _CHUNKED) + b"0\r\nX-Long: ", b"a" * 65536)
