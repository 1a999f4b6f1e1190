"""The weight of JSON: what parsing it costs, known before it is parsed.

A parser holds the interpreter lock, so that every other task waits for it. A number or a string costs it little; a
name in an object costs about three times as much, a list or an object eight times.
"""

from collections.abc import Iterator
from typing import NamedTuple

_WEIGHTS = {b"{": 8, b"[": 8, b":": 3, b",": 1}
_SLICE = 256 * 1024
_ESCAPED = b'"\\/bfnrtu'
_UNCOUNTED = bytes({*range(256)} - {*_ESCAPED, *b"".join(_WEIGHTS)})
"""Characters that are neither counted, nor end a string, nor follow a backslash. Most of JSON is dropped with them."""


class Weight(NamedTuple):
    """The weight of JSON, and the number of names in its objects."""

    total: int
    names: int


def is_heavier(body: bytes, limit: int) -> bool:
    """True if JSON weighs more than the limit. Characters in strings do not count."""
    return weigh(body, limit).total > limit


def weigh(body: bytes | memoryview, limit: int) -> Weight:
    """Return the weight of JSON; once it is above the limit, the rest is not weighed."""
    total = names = 0
    for outside in outside_strings(body, dropped=_UNCOUNTED):
        total += sum(outside.count(character) * weight for character, weight in _WEIGHTS.items())
        names += outside.count(b":")
        if total > limit:
            break
    return Weight(total, names)


def outside_strings(body: bytes | memoryview, *, dropped: bytes = b"") -> Iterator[bytes]:
    """Yield JSON without its strings, slice by slice: none of the work on a slice releases the interpreter lock.

    Args:
        dropped: characters that are left out, which is fast. None may be a quote, a backslash or an escaped character.
    """
    at, is_inside = 0, False
    while at < len(body):
        end = at + _SLICE
        part = bytes(body[at:end])
        end += (len(part) - len(part.rstrip(b"\\"))) % 2  # an escape stays in one slice
        part = bytes(body[at:end]).translate(None, dropped)
        part = part.replace(b"\\\\", b"__").replace(b'\\"', b"__")  # as long as before, which is fast
        pieces = part.split(b'"')
        yield b"".join(pieces[is_inside::2])
        is_inside ^= len(pieces) % 2 == 0
        at = end
