"""The weight of JSON: what parsing it costs, known before it is parsed.

A parser holds the interpreter lock, so that every other task waits for it. A number or a string costs it little; a
name in an object costs about three times as much, a list or an object eight times.
"""

from collections.abc import Iterator
from itertools import accumulate

_WEIGHTS = {b"{": 8, b"[": 8, b":": 3, b",": 1}
_SLICE = 256 * 1024


def is_heavier(body: bytes, limit: int) -> bool:
    """True if JSON weighs more than the limit. Characters in strings do not count."""
    if all(weight <= limit for weight in accumulate(_weights(body))):
        return False
    weight = 0
    for outside in outside_strings(body):
        weight += _weight(outside)
        if weight > limit:
            return True
    return False


def count_outside_strings(body: bytes, character: bytes) -> int:
    """Return the number of a character in JSON that are not in strings."""
    return sum(outside.count(character) for outside in outside_strings(body))


def _weight(text: bytes) -> int:
    return sum(_weights(text))


def _weights(text: bytes) -> Iterator[int]:
    """Yield the weight of each character in a text."""
    return (text.count(character) * weight for character, weight in _WEIGHTS.items())


def outside_strings(body: bytes) -> Iterator[bytes]:
    """Yield JSON without its strings, slice by slice: none of the work on a slice releases the interpreter lock."""
    at, is_inside = 0, False
    while at < len(body):
        end = at + _SLICE
        part = body[at:end]
        end += (len(part) - len(part.rstrip(b"\\"))) % 2  # an escape stays in one slice
        part = body[at:end].replace(b"\\\\", b"").replace(b'\\"', b"")
        pieces = part.split(b'"')
        yield b"".join(pieces[is_inside::2])
        is_inside ^= len(pieces) % 2 == 0
        at = end
