"""Answers of a hostile host, or with hostile text in PostHog's data: each is made to cost much work per byte."""

import gzip
import json
from collections.abc import Callable
from typing import Any

from pydantic_core import to_json

from benchmarks.tokens import rules

RULES = "error-tracking-assignment-rules-list"
EVENTS = "query-error-tracking-issue-events"
ISSUES = "query-error-tracking-issues-list"
ID = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"


def _page(rows: str) -> bytes:
    return b'{"count":1,"next":null,"previous":null,"results":[' + rows.encode() + b"]}"


def _filled(piece: str, size: int, last: str = "1") -> bytes:
    """A page of as many pieces as fit."""
    return _page(f"{piece}," * (size // (len(piece) + 1)) + last)


def _texts(text: str, size: int) -> bytes:
    """A page of one row with one long text."""
    encoded = json.dumps(text, ensure_ascii=False)[1:-1]
    return _page('{"id":1,"name":"' + encoded * (size // len(encoded.encode())) + '"}')


def _event(properties: dict[str, Any]) -> bytes:
    return to_json({"hasMore": False, "results": [{"uuid": ID, "timestamp": "x", "properties": properties}]})


def _exception(**changed: Any) -> dict[str, Any]:
    return {"$exception_list": [{"type": "E", "value": "v"} | changed]}


def _names(number: int) -> list[dict[str, int]]:
    return [{f"k{index}": 1} for index in range(number)]


ANSWERS: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "7,000 rules": (RULES, lambda _: to_json({"count": 7_000, "next": None, "results": rules(7_000)})),
    "lists": (RULES, lambda size: _filled("[]", size)),
    "empty objects": (RULES, lambda size: _filled("{}", size, "{}")),
    "as many objects as are parsed": (RULES, lambda _: _filled("{}", 3 * 111_000, "{}")),
    "as many lists as are parsed": (RULES, lambda _: _filled("[[]]", 5 * 58_000)),
    "as many values as are parsed": (RULES, lambda _: _filled("1e5", 4 * 990_000)),
    "as many fields as are parsed": (
        RULES,
        lambda _: _page("{" + ",".join(f'"{index:x}":0' for index in range(249_000)) + "}"),
    ),
    "as many objects with a field as are parsed": (RULES, lambda _: _filled('{"a":[]}', 9 * 49_900, "{}")),
    "objects with a name of their own": (RULES, lambda size: to_json({"results": _names(min(size // 40, 90_000))})),
    "a property of objects with a name of their own": (
        EVENTS,
        lambda size: _event(_exception() | {"$browser": _names(min(size // 40, 90_000))}),
    ),
    "two equal rows of many columns": (
        RULES,
        lambda size: to_json({"results": [{f"{index:x}": 1 for index in range(min(size // 40, 140_000))}] * 2}),
    ),
    "opening marks": (RULES, lambda size: _texts("<", size)),
    "a mark without an end": (RULES, lambda size: _texts("<tool" + "_a" * 1000, size)),
    "marks": (RULES, lambda size: _texts("<tool>", size)),
    "marks in other letters": (RULES, lambda size: _texts("\u2039s\u0443stem\u203a", size)),
    "combining characters": (RULES, lambda size: _texts("\u0301\u0316", size)),
    "what cannot be seen": (RULES, lambda size: _texts("\u200bx", size)),
    "private characters": (RULES, lambda size: _texts("\U000f0000", size)),
    "escapes": (RULES, lambda size: _page('"' + "\\\\a" * (size // 3) + '"')),
    "half a character, and escapes": (RULES, lambda size: _page('"\\ud800' + "\\\\a" * (size // 3) + '"')),
    "half characters": (RULES, lambda size: _page('"' + "\\ud800" * (size // 6) + '"')),
    "a name as long as the answer": (RULES, lambda size: _page('{"' + "n" * size + '":1}')),
    "objects in objects": (RULES, lambda size: _filled('{"a":' * 150 + "1" + "}" * 150, 600 * 1500, "{}")),
    "groups of filters": (
        RULES,
        lambda size: _page('{"f":' + '{"type":"AND","values":[' * 90 + "1," * (size // 4) + "1" + "]}" * 90 + "}"),
    ),
    "a next link of many pairs": (
        RULES,
        lambda size: to_json({"results": [], "next": "https://x/?" + "a=1&" * (size // 4)}),
    ),
    "events": (EVENTS, lambda size: to_json({"results": [{"properties": _exception()}] * min(size // 80, 24_000)})),
    "exceptions": (
        EVENTS,
        lambda size: _event({"$exception_list": [{"type": "E", "value": "v"}] * min(size // 80, 90_000)}),
    ),
    "frames": (
        EVENTS,
        lambda size: _event(_exception(stacktrace={"frames": [{"in_app": True}] * (size // 100)})),
    ),
    "variables": (
        EVENTS,
        lambda size: _event(
            _exception(stacktrace={"frames": [{"code_variables": {f"{n:x}": n for n in range(size // 40)}}]})
        ),
    ),
    "buckets": (
        ISSUES,
        lambda size: to_json({"results": [{"aggregations": {"volume_buckets": [{"value": 1}] * (size // 90)}}]}),
    ),
    "issues": (ISSUES, lambda _: _filled('{"a":1}', 8 * 90_000, "{}")),
    "no JSON": (RULES, lambda size: b"x" * size),
    "16 MiB of text": (RULES, lambda _: _texts("é", 15 << 20)),
}
"""By what they are made of: the tool that gets it, and how to make it of about so many bytes."""


def compressed(body: bytes) -> bytes:
    """The whole HTTP response with the body, compressed."""
    packed = gzip.compress(body, 1)
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}"
    )
    return head.encode() + b"\r\n\r\n" + packed


def refused(body: bytes) -> bytes:
    """The whole HTTP response with the body, as an error."""
    return b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def piecemeal(body: bytes) -> bytes:
    """The whole HTTP response with the body, a byte a chunk."""
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunks
        + b"0\r\n\r\n"
    )
