"""The body of an answer, however large or compressed it claims to be: never more than the limit is held."""

import zlib
from typing import TYPE_CHECKING

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
