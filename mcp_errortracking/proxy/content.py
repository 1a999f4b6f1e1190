"""The body of an answer, read and parsed within limits, even if it is compressed."""

import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from anyio import lowlevel, to_thread
from pydantic_core import from_json

from mcp_errortracking.proxy.errors import UnreadableError
from mcp_errortracking.proxy.exchange import Exchange
from mcp_errortracking.proxy.http_errors import too_large, unreadable
from mcp_errortracking.proxy.json_weight import is_heavier
from mcp_errortracking.proxy.limits import Limits

if TYPE_CHECKING:
    import httpx

_PARTS_A_TURN = 64
"""Parts of a body that are read before other tasks may run: a host may send it byte by byte."""

MOST_WEIGHT = 1_000_000
"""Weight of an answer's values (see `json_weight`); 7,000 rules weigh 900,000."""
_SMALL = 100_000
"""Bytes of an answer that is parsed in the event loop without counting its values."""


class LargeAnswerError(ValueError):
    """An answer has too many objects, lists or values to be read."""


async def read_content(response: "httpx.Response", exchange: Exchange, limits: Limits) -> bytes:
    """Return the body, decompressed; the limit holds for the bytes that arrive and for the decompressed ones.

    Raises:
        UnreadableError: the body is larger, or its compression is broken.
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
    """Return the JSON of a body; a large one is parsed in a thread.

    Raises:
        LargeAnswerError: it has too many values.
        ValueError: it is not JSON.
    """
    return parse(content) if len(content) < _SMALL else await to_thread.run_sync(parse, content)


_HALF = re.compile("[\ud800-\udfff]")


def parse(content: bytes) -> Any:
    """Return the JSON of a body. Half surrogate pairs, where a text was cut within a character, are replaced.

    Its values are weighed before it is parsed: the parser blocks every other task.

    Raises:
        LargeAnswerError: it has too many values.
        ValueError: it is not JSON.
    """
    if len(content) > _SMALL and is_heavier(content, MOST_WEIGHT):
        raise LargeAnswerError("It has too many lists, objects, names or values.")
    try:
        return from_json(content, cache_strings="keys")  # a cache of values costs more than it saves
    except ValueError:
        if b"\\u" not in content:
            raise
    try:
        text = json.dumps(json.loads(content), ensure_ascii=False)  # json accepts half surrogate pairs
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    return from_json(_HALF.sub("\ufffd", text))
