"""Fields of many segments at once, without a Python object for each segment.

Segments are padded to rows of equal width (`bytes.expandtabs`), so that a slice with a step is a column. Columns are
masked, and their numbers summed up, as one large integer.
"""

import re
from collections.abc import Sequence

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
_IS_THERE = bytes(letter > 0 for letter in range(256))
_DIGITS = bytes.maketrans(ALPHABET.encode(), bytes(range(32)) * 2)
_LANE = 32
"""Bits of a number within a large integer: enough for every sum until the first one out of bounds."""
_split = re.compile("[g-z0-9+/]*[A-Za-f]").findall


class _Numbers(dict[str, int]):
    def __missing__(self, text: str) -> int:
        number = sum((ALPHABET.index(letter) & 31) << 5 * place for place, letter in enumerate(text))
        number = -(number >> 1) if number & 1 else number >> 1
        if len(self) < 2**16:
            self[text] = number
        return number


_number = _Numbers().__getitem__


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

    def name_digits(self) -> "NameDigits | None":
        """Return the digits of all names; None if a segment or a number is too long for its row."""
        backwards = bytearray(b"\t" + self._text[:-1].translate(_TABS))
        backwards.reverse()
        rows = bytes(backwards).expandtabs(_WIDTH)
        if len(rows) != len(self._names) * _WIDTH:
            return None
        is_named = _mask(self._names[::-1], _IS_FIELD)
        columns = [_masked(rows[::_WIDTH], is_named).translate(None, b"\0")]
        is_longer = -1
        for place in range(1, _LONGEST + 1):
            column = _masked(rows[place::_WIDTH], is_named).translate(None, b"\0")
            is_longer &= _mask(column, _IS_CONTINUED)
            if not is_longer:
                return NameDigits(columns)
            columns.append(_masked(column, is_longer))
        return None


class NameDigits:
    """The differences of the names of a piece, as columns of their digits.

    Args:
        columns: the last digits first, and in each column the last name first; a zero byte where a name has no digit.
    """

    def __init__(self, columns: Sequence[bytes]) -> None:
        self._columns = columns
        self._count = len(columns[0])

    def last_sum(self, start: int, size: int) -> int | None:
        """Return a start plus all differences; None if a sum on the way is below zero, or not below a size.

        Each lane of the large integer gets one sum. They are exact up to the first one out of bounds, because no lane
        before it borrows from the next or carries into it.
        """
        ones = _lanes(b"\1" * self._count)
        bits = self._count * _LANE
        whole = (1 << bits) - 1
        sums, width = self._steps(ones) + start & whole, _LANE
        while width < bits:
            sums = sums + (sums << width) & whole
            width *= 2
        highest = 1 << _LANE - 1
        if (sums | sums + ones * (highest - size)) & ones * highest:
            return None
        return sums >> bits - _LANE

    def _steps(self, ones: int) -> int:
        """Return the sum of the differences, each shifted to its lane; the sign of a number is its lowest bit."""
        numbers = 0
        for column in self._columns:
            is_there = _filled(_lanes(column.translate(_IS_THERE)))
            numbers += (numbers * 31 & is_there) + _lanes(column.translate(_DIGITS))
        signs = numbers & ones
        sizes = numbers - signs >> 1
        return sizes - 2 * (sizes & _filled(signs))


def _lanes(column: bytes) -> int:
    """Return a large integer with a lane for each byte; the last byte has the lowest."""
    spread = bytearray(len(column) * _LANE // 8)
    spread[_LANE // 8 - 1 :: _LANE // 8] = column
    return int.from_bytes(spread, "big")


def _filled(lanes: int) -> int:
    """Return lanes of ones where lanes are one."""
    return (lanes << _LANE) - lanes


def _mask(column: bytes, table: bytes) -> int:
    return int.from_bytes(column.translate(table), "big")


def _masked(column: bytes, mask: int) -> bytes:
    return (int.from_bytes(column, "big") & mask).to_bytes(len(column), "big")
