"""Fields of many segments at once, without a Python object for each segment.

Segments are padded to rows of equal width (`bytes.expandtabs`), so that a slice with a step is a column. Columns are
masked, and their numbers summed up, as one large integer.
"""

import re
from collections.abc import Sequence
from functools import cached_property

from mcp_errortracking.workflows.source_maps.maps.vlq import ALPHABET

_CONTINUED = ALPHABET[32:].encode()
_CLASSES = bytes.maketrans(f"{ALPHABET[:32]},;".encode(), b"A" + b"t" * 31 + b"\t\t")
_TABS = bytes.maketrans(b",;", b"\t\t")
_FIELDS_WIDTH = 6
"""Letters of a row of fields, each reduced to one letter: the five of a segment, and its separator."""
_WIDTH = 16
"""Letters of a row of a whole segment."""
_LONGEST = 4
"""Digits of a number that are read from columns; an index with more has changed by half a million."""
_IS_FIELD = bytes(255 * (letter in b"At") for letter in range(256))
_IS_CONTINUED = bytes(255 * (letter in _CONTINUED) for letter in range(256))
_DIGITS = bytes.maketrans(ALPHABET.encode(), bytes(range(32)) * 2)
_LANE = 3
"""Bytes of a number within a large integer: enough for any step of four digits, and for any index in the bounds."""
_BASE = 1 << 8 * _LANE
MOST_NAMES = _BASE // 4
"""The number of names up to which indexes are summed up within a large integer."""
_split = re.compile("[g-z0-9+/]*[A-Za-f]").findall
_sources = re.compile(" [g-z0-9+/]*[A-Za-f]([g-z0-9+/]*[A-Za-f])").findall


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

    def source_steps(self) -> list[int] | None:
        """Return the differences of sources, in order, without zeros; None if a segment is too long for its row."""
        changes = self._sources[::-1]
        at = changes.find(b"t")
        if at < 0:
            return []
        if not self._backwards:
            return None
        rows = list[bytes]()
        while at >= 0:
            rows.append(self._backwards[at * _WIDTH : (at + 1) * _WIDTH])
            at = changes.find(b"t", at + 1)
        return [*map(_number, _sources(b"".join(rows)[::-1].decode("ascii")))]

    def name_digits(self) -> "NameDigits | None":
        """Return the digits of all names; None if a segment or a number is too long for its row."""
        rows = self._backwards
        if not rows:
            return None
        is_longer = _mask(self._names[::-1], _IS_FIELD)
        digits = [_mask(rows[::_WIDTH], _DIGITS) & is_longer]
        for place in range(1, _LONGEST + 1):
            column = rows[place::_WIDTH]
            is_longer &= _mask(column, _IS_CONTINUED)
            if not is_longer:
                return NameDigits([column.to_bytes(len(self._names), "big") for column in digits])
            raised = [column & is_longer for column in digits]
            left = [column ^ other for column, other in zip(digits, raised, strict=True)]
            lowest = _mask(column, _DIGITS) & is_longer
            digits = [column | other for column, other in zip([*left, 0], [lowest, *raised], strict=True)]
        return None

    @cached_property
    def _backwards(self) -> bytes:
        """The rows of whole segments, each written backwards, and the last one first; empty if one is too long."""
        text = bytearray(b"\t" + self._text[:-1].translate(_TABS))
        text.reverse()
        rows = bytes(text).expandtabs(_WIDTH)
        return rows if len(rows) == len(self._names) * _WIDTH else b""


class NameDigits:
    """The differences of the names of a piece, as columns of their digits.

    Args:
        columns: the lowest digits first, and in each column the last segment first; zero for one without a name.
    """

    def __init__(self, columns: Sequence[bytes]) -> None:
        self._columns = columns
        self._count = len(columns[0])

    def last_sum(self, start: int, size: int) -> int | None:
        """Return a start plus all differences; None if a sum on the way is below zero, or not below a size.

        The digits of the large integer are the start and the differences. Divided by the base less one, which takes
        one pass, its digits are the sums: 1 / (b - 1) is 1/b + 1/b**2 + ... A sum out of bounds may carry into another.
        But if all digits of the quotient are in the bounds, they are the sums: a number has only one sequence of digits
        that are smaller than half its base, of either sign.

        Args:
            size: at most `MOST_NAMES`.
        """
        ones = _lanes(b"\1" * self._count)
        sums, last = divmod(self._steps(ones) + (start << 8 * _LANE * self._count), _BASE - 1)
        highest = _BASE >> 1
        if sums < 0 or last >= size or (sums | sums + ones * (highest - size)) & ones * highest:
            return None
        return last

    def _steps(self, ones: int) -> int:
        """Return the differences, each in its lane; the sign of a number is its lowest bit."""
        numbers = sum(_lanes(column) << 5 * place for place, column in enumerate(self._columns))
        signs = numbers & ones
        sizes = numbers - signs >> 1
        return sizes - 2 * (sizes & _filled(signs))


def _lanes(column: bytes) -> int:
    """Return a large integer with a lane for each byte; the first byte has the lowest."""
    spread = bytearray(len(column) * _LANE)
    spread[::_LANE] = column
    return int.from_bytes(spread, "little")


def _filled(lanes: int) -> int:
    """Return lanes of ones where lanes are one."""
    return (lanes << 8 * _LANE) - lanes


def _mask(column: bytes, table: bytes) -> int:
    return int.from_bytes(column.translate(table), "big")
