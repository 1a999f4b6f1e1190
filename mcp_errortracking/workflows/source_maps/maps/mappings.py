"""The `mappings` of a source map (version 3): from a position in a bundle to its original position.

A line of a minified bundle has hundreds of thousands of segments, so little is done per segment in Python: text is
split in C, each distinct segment is decoded once, and sums are taken block by block.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from typing import cast

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps.pieces import cut
from mcp_errortracking.workflows.source_maps.maps.vlq import ALPHABET, decode, encode

_MOST_SEGMENTS = 8_000_000
"""A file of 100 MiB has fewer; more only serve to exhaust memory."""
_PIECE = 64 * 1024
_BLOCK = 256
"""Segments between two stored sums. Those in between are kept as text: decoded, they take fifty times the memory."""
_KEPT_BLOCKS = 1024
"""Blocks that stay decoded."""
_MOST_KNOWN = 250_000
_MOST_SORTED = 250_000
"""Segments of a line whose columns do not ascend. Bundlers do not write such lines, and sorting takes memory."""
_GAPS = (",,", ",;", ";,")
_COLUMN, _COUNT = 0, 5
_FIELDS = [itemgetter(field) for field in range(5)]
"""The numbers of a segment: column, source, original line, original column, name."""
_ZEROS = [(0,) * (5 - count) for count in range(6)]

_Segment = tuple[int, int, int, int, int, int]
"""The five differences to the segment before, zero where it has none, and the count of its numbers."""


@dataclass(frozen=True, slots=True)
class MappedPosition:
    """An original position: indexes into `sources` and `names`, line and column from 0."""

    source: int
    line: int
    column: int
    name: int | None


UNMAPPED = MappedPosition(-1, 0, 0, None)
"""The result for code that the bundler generated and mapped to nothing."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A sorted line of the bundle: the start columns and the indexes of its segments."""

    columns: Sequence[int]
    indexes: Sequence[int]


class Mappings:
    """Decoded mappings of one map."""

    def __init__(self, text: str) -> None:
        """Decode the text once, for its sums; segments are decoded again when positions are looked up.

        Raises:
            InvalidMapError: the text is not base 64 VLQ, or its segments are not of 1, 4 or 5 numbers.
        """
        check_letters(text)
        if text.count(",") + text.count(";") >= _MOST_SEGMENTS:
            raise _too_many_segments()
        self._starts = array("i", accumulate(_counts(text), initial=0))
        known = _Segments()
        sums = [(0,) * 5]
        self._blocks: list[str] = []
        for block in _blocks(text.replace(";", ",")):
            segments = [*map(known.__getitem__, block)]
            totals = zip(_FIELDS, sums[-1], strict=True)
            sums.append(tuple(total + sum(map(field, segments)) for field, total in totals))
            self._blocks.append(",".join(block))
            known.forget()
        self._sums = sums
        closed = f";{text};"
        self._is_regular = not known.goes_back and not any(gap in closed for gap in _GAPS)
        self._decoded: dict[int, list[_Segment]] = {}
        self._rows: dict[int, _Row] = {}

    def _segments(self, start: int, end: int) -> list[_Segment]:
        """Return the segments from one index to another."""
        found: list[_Segment] = []
        for number in range(start // _BLOCK, (end - 1) // _BLOCK + 1):
            first = number * _BLOCK
            found += self._block(number)[max(0, start - first) : end - first]
        return found

    def _block(self, number: int) -> list[_Segment]:
        if number not in self._decoded:
            if len(self._decoded) >= _KEPT_BLOCKS:
                self._decoded.clear()
            known = _Segments()
            self._decoded[number] = [*map(known.__getitem__, self._blocks[number].split(","))]
        return self._decoded[number]

    def find(self, line: int, column: int, *, before: bool = False) -> MappedPosition | None:
        """Return the original of a position in the bundle (from 0); None if its line has no segment up to there.

        The last segment at or before the column counts. Of several at the same column the first counts, as in other
        decoders. `before`: only segments before the column count.

        Raises:
            InvalidMapError: the numbers lead below zero.
        """
        if not 0 <= line < len(self._starts) - 1:
            return None
        look = self._index if self._is_regular else self._index_unsorted
        index = look(line, column, before)
        return None if index is None else self._mapped(index)

    def _index(self, line: int, column: int, before: bool) -> int | None:
        """Return the index of the segment that counts, if columns ascend: a search in the sums over all lines."""
        start, end = self._starts[line : line + 2]
        if not self._segments(start, start + 1)[0][_COUNT]:
            return None
        first, last = start // _BLOCK, (end - 1) // _BLOCK
        base = self._sums[first][_COLUMN] + sum(map(_FIELDS[_COLUMN], self._segments(first * _BLOCK, start)))
        wanted = column + base
        block = bisect_left(self._sums, wanted, first + 1, last + 1, key=_FIELDS[_COLUMN]) - 1
        low, high = max(start, block * _BLOCK), min(end, (block + 1) * _BLOCK)
        before_low = base if block == first else self._sums[block][_COLUMN]
        columns = list(accumulate(map(_FIELDS[_COLUMN], self._segments(low, high)), initial=before_low))
        at = bisect_left(columns, wanted, 1)
        is_there = not before and at < len(columns) and columns[at] == wanted
        index = low + at - 1 - (not is_there)
        return index if index >= start else None

    def _index_unsorted(self, line: int, column: int, before: bool) -> int | None:
        """Return the index of the segment that counts, if columns do not ascend or segments are empty: by sorting."""
        row = self._rows.get(line) or self._row(line)
        at = bisect_left(row.columns, column)
        if before or at == len(row.columns) or row.columns[at] != column:
            at -= 1
        return row.indexes[at] if at >= 0 else None

    def _row(self, line: int) -> _Row:
        start, end = self._starts[line : line + 2]
        if end - start > _MOST_SORTED:
            reason = f"Line {line + 1} of its mappings has more than {_MOST_SORTED:,} segments out of order."
            raise InvalidMapError(reason)
        segments = self._segments(start, end)
        columns = list(accumulate(map(_FIELDS[_COLUMN], segments)))
        order = [index for index, segment in enumerate(segments) if segment[_COUNT]]
        order.sort(key=columns.__getitem__)
        row = _Row(array("q", (columns[index] for index in order)), array("i", (start + index for index in order)))
        if row.columns and row.columns[0] < 0:
            raise InvalidMapError(f"Line {line + 1} of its mappings has a column below zero.")
        if sum(len(known.columns) for known in self._rows.values()) > _MOST_SORTED:
            self._rows.clear()
        self._rows[line] = row
        return row

    def _mapped(self, index: int) -> MappedPosition:
        block = index // _BLOCK
        rest = self._segments(block * _BLOCK, index + 1)
        count = rest[-1][_COUNT]
        if count == 1:
            return UNMAPPED
        _, source, line, column, name = (
            total + sum(map(field, rest)) for field, total in zip(_FIELDS, self._sums[block], strict=True)
        )
        if min(source, line, column, name) < 0:
            raise InvalidMapError("Its mappings lead to a position below zero.")
        return MappedPosition(source, line, column, name if count == 5 else None)


class _Segments(dict[str, _Segment]):
    """Decoded segments by their text. `goes_back`: a difference of columns is negative, so columns do not ascend."""

    goes_back = False

    def __missing__(self, text: str) -> _Segment:
        numbers = decode(text)
        count = len(numbers)
        if count not in (0, 1, 4, 5):
            raise InvalidMapError(f"Its mappings have a segment of {count} numbers; only 1, 4 or 5 are valid.")
        made = self[text] = cast(_Segment, (*numbers, *_ZEROS[count], count))
        self.goes_back |= made[_COLUMN] < 0
        return made

    def forget(self) -> None:
        """Drop all segments if there are too many distinct ones to keep."""
        if len(self) > _MOST_KNOWN:
            self.clear()


def _counts(text: str) -> Iterator[int]:
    """Yield the number of segments of each line."""
    count = 1
    for piece in cut(text):
        *ended, last = piece.split(";")
        for line in ended:
            yield count + line.count(",")
            count = 1
        count += last.count(",")
    yield count


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield the texts of segments, a block at a time, cut from pieces that fit the processor's cache."""
    rest: list[str] = []
    at = 0
    while at <= len(text):
        end = text.find(",", at + _PIECE)
        end = len(text) if end < 0 else end
        rest += text[at:end].split(",")
        at = end + 1
        whole = len(rest) // _BLOCK * _BLOCK
        for start in range(0, whole, _BLOCK):
            yield rest[start : start + _BLOCK]
        del rest[:whole]
    if rest:
        yield rest


def check_letters(text: str) -> None:
    """Check that a text has only letters that mappings may have.

    Raises:
        InvalidMapError: it has other letters.
    """
    if not text.isascii() or text.encode("ascii").translate(None, f"{ALPHABET},;".encode("ascii")):
        raise InvalidMapError("Its mappings hold letters that are not base 64 digits.")


def with_new_line(text: str, line: int, column: int) -> str:
    """Return the mappings after a line of code was inserted at a position of the bundle (from 0).

    The rest of the line at the position moves to the start of the next line; the new code is mapped to nothing.

    Raises:
        InvalidMapError: that line's mappings are not base 64 VLQ, or too many.
    """
    begin = 0
    for _ in range(line):
        begin = text.find(";", begin) + 1
        if not begin:
            return text
    if not column:
        return f"{text[:begin]};{text[begin:]}"
    end = text.find(";", begin)
    end = len(text) if end < 0 else end
    check_letters(text[begin:end])
    kept, moved = text[begin:end], ""
    at, count = 0, 0
    for offset, segment in _segments_between(text, begin, end):
        numbers = decode(segment)
        start = at + numbers[0]
        if start >= column:
            kept = text[begin:offset]
            moved = _encode((start - column, *numbers[1:])) + text[offset + len(segment) : end]
            if count and start > column:
                moved = f"{_encode((0,) * count)},{moved}"
            break
        at, count = start, len(numbers)
    else:
        moved = _encode((0,) * count)
    if count > 1:
        kept = f"{kept.rstrip(',')},{encode(column - at)}"
    return f"{text[:begin]}{kept.rstrip(',')};{moved}{text[end:]}"


def _segments_between(text: str, begin: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield the segments of a line that are not empty, each with its offset.

    Raises:
        InvalidMapError: there are too many.
    """
    for _ in range(_MOST_SEGMENTS):
        if begin >= end:
            return
        comma = text.find(",", begin, end)
        comma = end if comma < 0 else comma
        if comma > begin:
            yield begin, text[begin:comma]
        begin = comma + 1
    raise _too_many_segments()


def _encode(numbers: Sequence[int]) -> str:
    return "".join(map(encode, numbers))


def _too_many_segments() -> InvalidMapError:
    return InvalidMapError(f"It has more than {_MOST_SEGMENTS:,} segments.")
