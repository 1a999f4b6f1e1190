"""The body of an answer, however large or compressed it claims to be: never more than the limit is held."""

import re
import zlib
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from mcp_errortracking.proxy.errors import UnreadableError
from mcp_errortracking.proxy.explain import Exchange, unreadable

if TYPE_CHECKING:
    import httpx


async def read_content(response: "httpx.Response", exchange: Exchange, limit: int) -> bytes:
    """The body, decompressed.

    Args:
        limit: in bytes, of what arrives and of what it unpacks to.

    Raises:
        UnreadableError: it is larger, or its compression is broken.
    """

    def wrong(reason: str) -> UnreadableError:
        return unreadable(reason, exchange, response.status_code)

    too_large = f"It is larger than {limit >> 20} MiB."
    parts = list[bytes]()
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > limit:
            raise wrong(too_large)
        parts.append(part)
    content = b"".join(parts)
    if not content or response.headers.get("content-encoding", "").lower() != "gzip":
        return content
    inflater = zlib.decompressobj(wbits=31)
    try:
        inflated = inflater.decompress(content, limit + 1)
    except zlib.error:
        raise wrong("Its compression is broken.") from None
    if len(inflated) > limit:
        raise wrong(too_large)
    if not inflater.eof:
        raise wrong("It ends in the middle.")
    return inflated


# An escaped backslash, a whole surrogate pair, or half of one.
_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def parse(content: bytes) -> Any:
    """The JSON of a body. Half surrogate pairs, where a text was cut within a character, are replaced.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return from_json(content)
    except ValueError:
        if b"\\u" not in content:
            raise
        return from_json(_ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], content))
