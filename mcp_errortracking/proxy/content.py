"""The body of an answer, however large or compressed it claims to be: never more than the limits is held or parsed."""

import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from anyio import lowlevel, to_thread
from pydantic_core import from_json

from mcp_errortracking.proxy.errors import UnreadableError
from mcp_errortracking.proxy.http_errors import Exchange, too_large, unreadable
from mcp_errortracking.proxy.limits import Limits

if TYPE_CHECKING:
    import httpx

_PARTS_A_TURN = 64
"""Parts of a body that are taken before others have their turn: a host may send it byte by byte."""

MOST_CONTAINERS, MOST_VALUES = 100_000, 300_000
"""Objects and lists, and values, of an answer; 10,000 rules have 70,000 and 160,000."""
_SMALL = 100_000
"""Bytes of an answer that can be parsed in the event loop, and cannot have too much in it."""


class LargeAnswerError(ValueError):
    """An answer has more in it than any is read for."""


async def read_content(response: "httpx.Response", exchange: Exchange, limits: Limits) -> bytes:
    """The body, decompressed, up to the limit of what arrives and of what it unpacks to.

    Raises:
        UnreadableError: it is larger, or its compression is broken.
    """

    def wrong(reason: str) -> UnreadableError:
        return unreadable(reason, exchange, response.status_code)

    def large() -> UnreadableError:
        return too_large(f"It is larger than {limits.body >> 20} MiB.", exchange, response.status_code)

    content = bytearray()
    parts = 0
    async for part in response.aiter_raw():
        content += part
        if len(content) > limits.body:
            raise large()
        parts += 1
        if parts % _PARTS_A_TURN == 0:
            await lowlevel.checkpoint()
    if not content or response.headers.get("content-encoding", "").lower() != "gzip":
        return bytes(content)
    inflater = zlib.decompressobj(wbits=31)
    try:
        inflated = inflater.decompress(content, limits.body + 1)
    except zlib.error:
        raise wrong("Its compression is broken.") from None
    if len(inflated) > limits.body:
        raise large()
    if not inflater.eof:
        raise wrong("It ends in the middle.")
    return inflated


async def parse_answer(content: bytes) -> Any:
    """The JSON of a body; that of a large one is parsed beside the event loop.

    Raises:
        LargeAnswerError: it has too much in it.
        ValueError: it is not JSON.
    """
    return parse(content) if len(content) < _SMALL else await to_thread.run_sync(parse, content)


_HALF = re.compile("[\ud800-\udfff]")


def parse(content: bytes) -> Any:
    """The JSON of a body. Half surrogate pairs, where a text was cut within a character, are replaced.

    What is in it is counted before it is parsed: the parser lets nobody else run, and takes its time for each object.

    Raises:
        LargeAnswerError: it has too much in it.
        ValueError: it is not JSON.
    """
    if len(content) > _SMALL:
        if content.count(b"{") + content.count(b"[") > MOST_CONTAINERS:
            raise LargeAnswerError(f"It has more than {MOST_CONTAINERS:,} objects and lists.")
        if content.count(b",") > MOST_VALUES:
            raise LargeAnswerError(f"It has more than {MOST_VALUES:,} values.")
    try:
        return from_json(content)
    except ValueError:
        if b"\\u" not in content:
            raise
    try:
        text = json.dumps(json.loads(content), ensure_ascii=False)  # which take half surrogate pairs
    except RecursionError:
        raise ValueError("It lies too deep.") from None
    return from_json(_HALF.sub("\ufffd", text))
