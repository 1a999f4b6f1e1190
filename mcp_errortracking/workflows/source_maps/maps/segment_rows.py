"""Fields of many segments at once, without a Python object for each segment.

Segments are padded to rows of equal width (`bytes.expandtabs`), so that a slice with a step is a column. Bytes of a
column are masked as one large number.
"""

import re
import sys
from collections.abc import Iterable

from mcp_errortracking.workflows.source_maps.maps.vlq import ALPHABET

_CONTINUED = ALPHABET[32:].encode()
_CLASSES = bytes.maketrans(f"{ALPHABET[:32]},;".encode(), b"A" + b"t" * 31 + b"\t\t")
_TABS = bytes.maketrans(b",;", b"\t\t")
_FIELDS_WIDTH = 8
"""Letters of a row of fields, each reduced to one letter."""
_WIDTH = 16
"""Letters of a row of a whole segment."""
_LONGEST = 4
"""Digits of a number that are read from columns; an index with more has changed by half a million."""
_IS_FIELD = bytes(255 * (letter in b"At") for letter in range(256))
_IS_CONTINUED = bytes(255 * (letter in _CONTINUED) for letter in range(256))
_split = re.compile("[g-z0-9+/]*[A-Za-f]").findall


class _Numbers(dict[str, int]):
    def __missing__(self, text: str) -> int:
        number = sum((ALPHABET.index(letter) & 31) << 5 * place for place, letter in enumerate(text))
        number = -(number >> 1) if number & 1 else number >> 1
        if len(self) < 2**16:
            self[text] = number
        return number


_number = _Numbers().__getitem__


class _PackedNumbers(dict[int, int]):
    """Numbers by their digits in an integer, the last digit in the first byte."""

    def __missing__(self, packed: int) -> int:
        digits = packed.to_bytes(_LONGEST, sys.byteorder)[::-1].lstrip(b"\0")
        number = _number(digits.decode("ascii"))
        if len(self) < 2**16:
            self[packed] = number
        return number


_packed_number = _PackedNumbers().__getitem__


def numbers_of(segment: str) -> list[int]:
    """Return the numbers of a valid segment, as PostHog reads them: minus zero is zero."""
    return [*map(_number, _split(segment))]


class SegmentRows:
    """The segments of a piece of valid mappings, whose numbers have no needless digits: zero is always A."""

    def __init__(self, piece: str) -> None:
        """
        Args:
            piece: every segment ends with a separator.
        """
        self._text = piece.encode("ascii")
        fields = self._text.translate(_CLASSES, _CONTINUED).expandtabs(_FIELDS_WIDTH)
        self._sources = fields[1::_FIELDS_WIDTH]
        self._names = fields[4::_FIELDS_WIDTH]
        self.has_sources = bool(self._sources.strip(b" "))
        self.has_names = bool(self._names.strip(b" "))

    def source_steps(self) -> list[int]:
        """Return the differences of sources, in order, without zeros."""
        at = self._sources.find(b"t")
        if at < 0:
            return []
        steps: list[int] = []
        segments = self._text.decode("ascii").replace(";", ",").split(",")
        while at >= 0:
            steps.append(numbers_of(segments[at])[1])
            at = self._sources.find(b"t", at + 1)
        return steps

    def name_steps(self) -> Iterable[int] | None:
        """Return the differences of names, in order; None if a segment or a number is too long for its row."""
        backwards = bytearray(b"\t" + self._text[:-1].translate(_TABS))
        backwards.reverse()
        rows = bytes(backwards).expandtabs(_WIDTH)
        if len(rows) != len(self._names) * _WIDTH:
            return None
        is_named = _mask(self._names[::-1], _IS_FIELD)
        digits = _masked(rows[::_WIDTH], is_named).translate(None, b"\0")
        packed = bytearray(len(digits) * _LONGEST)
        packed[::_LONGEST] = digits
        is_longer = -1
        for place in range(1, _LONGEST + 1):
            digits = _masked(rows[place::_WIDTH], is_named).translate(None, b"\0")
            is_longer &= _mask(digits, _IS_CONTINUED)
            if not is_longer:
                return map(_packed_number, reversed(memoryview(packed).cast("I")))
            if place < _LONGEST:
                packed[place::_LONGEST] = _masked(digits, is_longer)
        return None


def _mask(column: bytes, table: bytes) -> int:
    return int.from_bytes(column.translate(table), "big")


def _masked(column: bytes, mask: int) -> bytes:
    return (int.from_bytes(column, "big") & mask).to_bytes(len(column), "big")
