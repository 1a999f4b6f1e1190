"""Limits on JSON before it is parsed: a few bytes, like `[],`, take a hundred in memory.

Strings are skipped without being decoded. Work is done in slices, since none of it releases the interpreter lock.
"""

from collections.abc import Iterator

from mcp_errortracking.workflows.problems import InvalidMapError

SMALL = 8 * 1024 * 1024
"""Bytes that are parsed without a check: at worst they take 240 MiB."""
MOST_VALUES = 1_000_000
"""Strings and numbers of a map; a list or an object counts as two. Maps of 100 MiB have about 300,000."""
MOST_ESCAPES = 15_000_000
"""Escapes dominate the time of parsing; code that is indented with tabs has one for every eight bytes."""
_SLICE = 256 * 1024
_MAPPINGS = b'"mappings":"'
_COST = {b",": 1, b"[": 2, b"{": 2}


def check_bounds(body: bytes) -> None:
    """Refuse JSON that would take far more memory or time than its size suggests.

    Raises:
        InvalidMapError: it has too many values or escapes.
    """
    if len(body) <= SMALL:
        return
    if len(body) > 2 * MOST_ESCAPES and body.count(b"\\") > MOST_ESCAPES:
        raise InvalidMapError(f"It has more than {MOST_ESCAPES:,} escaped characters.")
    if _most_values(body) <= MOST_VALUES:
        return
    values = 0
    for outside in _outside_strings(body):
        values += _values(outside)
        if values > MOST_VALUES:
            raise InvalidMapError(f"It has more than {MOST_VALUES:,} values.")


def _values(text: bytes, start: int = 0, end: int | None = None) -> int:
    return sum(text.count(character, start, end) * cost for character, cost in _COST.items())


def _most_values(body: bytes) -> int:
    """Return an upper bound of the values: characters in strings count, except in the text of the mappings.

    Valid JSON is inside a string after `"mappings":"`, wherever that occurs, up to the next quote.
    """
    start = body.find(_MAPPINGS)
    if start < 0:
        return _values(body)
    end = body.find(b'"', start + len(_MAPPINGS))
    return _values(body, 0, start) + (_values(body, end) if end >= 0 else 0)


def _outside_strings(body: bytes) -> Iterator[bytes]:
    """Yield JSON without its strings, slice by slice."""
    at, is_inside = 0, False
    while at < len(body):
        end = at + _SLICE
        while body[end - 1 : end] == b"\\":  # an escape stays in one slice
            end += 1
        part = body[at:end].replace(b"\\\\", b"").replace(b'\\"', b"")
        pieces = part.split(b'"')
        yield b"".join(pieces[is_inside::2])
        is_inside ^= len(pieces) % 2 == 0
        at = end
