"""Peers that stop in the middle: what each sends, and the statuses of the answers that it gets before it is left alone.

A peer sends its pieces, reads one answer after each but the last, and then waits, with its side of the connection open.
"""

from tests.server.http.http_process import TOKEN

_HOST = b"Host: 127.0.0.1\r\n"
_JSON = b"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
_TOKEN = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
_HEALTH = b"GET /healthz HTTP/1.1\r\n" + _HOST
_POST = b"POST /mcp HTTP/1.1\r\n" + _HOST + _JSON
_OURS = _POST + _TOKEN
_PREFLIGHT = (
    b"OPTIONS /mcp HTTP/1.1\r\n" + _HOST + b"Origin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n"
)
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
_LENGTH = b"Content-Length: 9\r\n\r\n"
_END = b"\r\n"
_PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'

Pieces = tuple[bytes, ...]

PEERS: dict[str, tuple[Pieces, list[int]]] = {
    # No request, or a part of its head.
    "nothing": ((b"",), [408]),
    "one byte": ((b"G",), [408]),
    "line breaks": ((b"\r\n" * 50,), [408]),
    "a request line": ((b"GET /healthz HTTP/1.1\r\n",), [408]),
    "half a header's name": ((_HEALTH + b"X-Sl",), [408]),
    "half a header's value": ((_HEALTH + b"X-Slow: " + b"x" * 1000,), [408]),
    "a head without its last line break": ((_HEALTH + b"\r",), [408]),
    "a head of another request": ((_HEALTH + _END, b"GET /"), [200, 408]),
    # After an answer.
    "nothing after an answer": ((_HEALTH + _END, b""), [200]),
    "a line break after an answer": ((_HEALTH + _END, b"\r\n"), [200, 408]),
    "a line break after a refusal": ((_POST + b"Content-Length: 0\r\n\r\n", b"\r\n"), [401, 408]),
    "a line break after a preflight": ((_PREFLIGHT + _END, b"\r\n"), [200, 408]),
    "a byte after HTTP/1.0": ((b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"x"), [200]),
    "a byte after Connection: close": ((_HEALTH + b"Connection: close\r\n\r\n", b"x"), [200]),
    # A body that does not end, of a request that is answered without it.
    "no body": ((_HEALTH + _LENGTH,), [200]),
    "a body's first byte after an answer": ((_HEALTH + _LENGTH, b"x"), [200]),
    "no body for a refusal": ((_POST + _LENGTH,), [401]),
    "a body's first byte after a refusal": ((_POST + _LENGTH, b"x"), [401]),
    "half a chunk's head after a refusal": ((_POST + _CHUNKED, b"1"), [401]),
    "half a chunk after a refusal": ((_POST + _CHUNKED, b"5\r\nab"), [401]),
    "half a trailer after a refusal": ((_POST + _CHUNKED, b"0\r\nX-Tr"), [401]),
    "no body for a preflight": ((_PREFLIGHT + _LENGTH,), [200]),
    "a body's first byte after a preflight": ((_PREFLIGHT + _LENGTH, b"x"), [200]),
    "no body that it was asked for": ((_POST + b"Expect: 100-continue\r\n" + _LENGTH,), [401]),
    "a body for an unknown path": ((b"POST /nope HTTP/1.1\r\n" + _HOST + _TOKEN + _LENGTH,), [404]),
    "a body for a path that only reads": ((b"PUT /healthz HTTP/1.1\r\n" + _HOST + _TOKEN + _LENGTH,), [405]),
    "a body for a session that is not there": (
        (b"POST /messages/?session_id=x HTTP/1.1\r\n" + _HOST + _JSON + _TOKEN + _LENGTH,),
        [408],
    ),
    # A body that does not end, of a caller with a token.
    "a caller's body": ((_OURS + _LENGTH + b"{",), [408]),
    "a caller's chunk": ((_OURS + _CHUNKED + b"5\r\n{",), [408]),
    "a caller's chunk that is broken": ((_OURS + _CHUNKED + b"zz\r\n",), [400]),
    "a caller's trailer": ((_OURS + _CHUNKED + b"1\r\n{\r\n0\r\nX-Tr",), [408]),
    "a caller's trailer without an end": ((_OURS + _CHUNKED + b"1\r\n{\r\n0\r\nX-Tr: " + b"x" * 400_000,), [431]),
    "a chunk's extension without an end": ((_OURS + _CHUNKED + b"1;x=" + b"x" * 400_000,), [431]),
    "a body that is too large": ((_OURS + b"Content-Length: 99999999\r\n\r\n{",), [413]),
    # More than one request.
    "half a request behind another": ((_HEALTH + _END + b"GET /", b""), [200, 408]),
    "a broken request behind another": ((_HEALTH + _END + b"\x00",), [200]),
    "nine requests at once": (((_HEALTH + _END) * 9, *[b""] * 9), [200] * 9),
    "a thousand requests at once": (((_HEALTH + _END) * 1000, *[b""] * 8), [200] * 9),
    # Another protocol.
    "an upgrade to HTTP/2": ((_HEALTH + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", b""), [200]),
    "an upgrade to HTTP/2, then a byte of it": (
        (_HEALTH + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", b"P"),
        [200, 408],
    ),
    "an upgrade to a WebSocket": (
        (_HEALTH + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n", b"\x81"),
        [200, 400],
    ),
    "an upgrade, then half a body": ((_POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + _LENGTH + b"x",), [401]),
    "an upgrade of a caller, then half a body": (
        (_OURS + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + _LENGTH + b"{",),
        [408],
    ),
    "HTTP/2": ((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), [400]),
    "TLS": ((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),), [400]),
    "SSH": ((b"SSH-2.0-OpenSSH_9.6\r\n",), [400]),
    "CONNECT": ((b"CONNECT posthog.com:443 HTTP/1.1\r\nHost: posthog.com:443\r\n\r\n",), [405]),
    # Heads that are refused.
    "no Host": ((b"GET /healthz HTTP/1.1\r\n\r\n",), [400]),
    "two Hosts": ((_HEALTH + _HOST + _END,), [400]),
    "too many headers": ((_HEALTH + b"A: b\r\n" * 128 + _END,), [431]),
    "a header that is too long": ((_HEALTH + b"X: " + b"x" * 400_000 + _END,), [431]),
    "a header without an end": ((_HEALTH + b"X: " + b"x" * 400_000,), [431]),
    "a URL without an end": ((b"GET /" + b"x" * 400_000,), [431]),
    "two lengths": ((_POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",), [400]),
    "a length and chunks": ((_POST + b"Content-Length: 1\r\n" + _CHUNKED,), [400]),
}
