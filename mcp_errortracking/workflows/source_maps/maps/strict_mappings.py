"""Strict reading of `mappings`: the lengths of all segments, and the bounds of their indexes.

A map has millions of segments, so little is done per segment in Python. Rust's regular expressions, which take linear
time, check the shapes of a piece in one call. Its differences of indexes, from `segment_rows`, are summed up.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate

from pydantic_core import SchemaValidator, core_schema

from mcp_errortracking.workflows.source_maps.maps.segment_rows import MOST_NAMES, SegmentRows, numbers_of
from mcp_errortracking.workflows.source_maps.maps.vlq import ALPHABET

_PIECE = 64 * 1024
_LONGEST = 36
"""Letters of a segment that is not valid: five numbers of seven digits have fewer."""
_LARGEST_RANGES = 1024 * 1024
_MOST_DIGITS = 7
_DIGIT = "[g-z0-9+/]"
_ANY = rf"{_DIGIT}{{0,6}}[A-Za-f]"
_CANONICAL = rf"(?:{_DIGIT}{{0,6}}[B-Za-f]|A)"
_END = re.compile("[,;]")
_SEPARATORS = re.compile("[,;]*+")


def _all_segments(number: str) -> SchemaValidator:
    pattern = rf"\A(?-u:(?:(?:{number}(?:{number}{number}{number}(?:{number})?)?)?[,;])*)\z"
    return SchemaValidator(core_schema.str_schema(pattern=pattern))


_is_valid = _all_segments(_ANY).isinstance_python
_is_unmapped = SchemaValidator(core_schema.str_schema(pattern=rf"\A(?-u:(?:(?:{_ANY})?[,;])*)\z")).isinstance_python
"""True if no segment names a source."""
_is_canonical = _all_segments(_CANONICAL).isinstance_python
"""True if it is valid and no number has a needless digit, so that zero is always A."""
_LETTERS = re.compile("[A-Za-z0-9+/]*+")
_LONG_NUMBER = re.compile(rf"{_DIGIT}{{{_MOST_DIGITS}}}")


def check_mappings(text: str, sources: int, names: int) -> str:
    """Return the reason why PostHog refuses mappings, with the place; an empty text if it reads them.

    Args:
        sources: the number of sources: indexes must be below.
        names: the number of names.
    """
    indexes = 0, 0
    for start, piece in _pieces(text):
        if _SEPARATORS.fullmatch(piece):
            continue
        after = _indexes_after(piece, indexes, (sources, names))
        if after is None:
            return _reason(text, start, piece, indexes, (sources, names))
        indexes = after
    return ""


def are_unmapped(text: str) -> bool:
    """True if no segment of mappings names a source: they resolve no frame."""
    return all(_SEPARATORS.fullmatch(piece) or _is_unmapped(piece) for _, piece in _pieces(text))


def last_mapped_line(text: str) -> int:
    """Return the last line, from 0, that has a segment; -1 if none has."""
    end = len(text)
    while end and text[end - 1] in ",;":
        start = max(0, end - _PIECE)
        end = start + len(text[start:end].rstrip(",;"))
    return text.count(";", 0, end) if end else -1


def check_ranges(mappings: str, ranges: str) -> str:
    """Return the reason why PostHog refuses `rangeMappings`; an empty text if it reads them."""
    if not ranges.encode("utf-8", "replace").translate(None, f"{ALPHABET};".encode()):
        return ""
    if len(ranges) > _LARGEST_RANGES:
        return "Its rangeMappings have letters that are not base 64 digits."
    bits_of = ranges.split(";")
    lines = mappings.split(";", len(bits_of))
    for number, (line, bits) in enumerate(zip(lines, bits_of, strict=False), 1):
        if line and not _LETTERS.fullmatch(bits):
            return f"Line {number} of its rangeMappings has letters that are not base 64 digits."
    return ""


def _indexes_after(piece: str, indexes: tuple[int, int], sizes: tuple[int, int]) -> tuple[int, int] | None:
    """Return the indexes of source and name after a piece; None if it is not valid, or an index is out of bounds."""
    if _is_canonical(piece):
        rows = SegmentRows(piece)
        source_steps = rows.source_steps()
        digits = rows.name_digits() if rows.has_names and sizes[1] <= MOST_NAMES else None
        if source_steps is not None and (digits or not rows.has_names):
            source = _last_sum(indexes[0], source_steps, sizes[0]) if rows.has_sources else indexes[0]
            name = digits.last_sum(indexes[1], sizes[1]) if digits else indexes[1]
            return None if source is None or name is None else (source, name)
    elif not _is_valid(piece):
        return None
    found = [*map(numbers_of, _END.split(piece))]
    source_steps = [numbers[1] for numbers in found if len(numbers) > 1]
    name_steps = [numbers[4] for numbers in found if len(numbers) > 4]
    source = _last_sum(indexes[0], source_steps, sizes[0]) if source_steps else indexes[0]
    name = _last_sum(indexes[1], name_steps, sizes[1]) if name_steps else indexes[1]
    return None if source is None or name is None else (source, name)


def _last_sum(start: int, steps: Iterable[int], size: int) -> int | None:
    """Return a start plus all differences; None if a sum is out of bounds, the start included."""
    sums = [*accumulate(steps, initial=start)]
    return sums[-1] if 0 <= min(sums) <= max(sums) < size else None


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield pieces of whole segments, each with its offset; every segment has its separator."""
    at = 0
    while at < len(text):
        # No valid segment is as long as a piece: without a separator in the next one, this one is refused.
        found = _END.search(text, at + _PIECE, at + 2 * _PIECE + _LONGEST)
        end = found.end() if found else min(len(text), at + 2 * _PIECE + _LONGEST)
        yield at, text[at:end] if found else text[at:end] + ","
        at = end


def _reason(text: str, start: int, piece: str, indexes: tuple[int, int], sizes: tuple[int, int]) -> str:
    """Return the reason and the place of the first segment of a piece that PostHog refuses."""
    source, name = indexes
    at = start
    for segment in _END.split(piece):
        reason = ""
        if not _LETTERS.fullmatch(segment):
            reason = "has letters that are not base 64 digits"
        elif _LONG_NUMBER.search(segment):
            reason = f"has a number of more than {_MOST_DIGITS} digits"
        elif segment and segment[-1] in ALPHABET[32:]:
            reason = "ends within a number"
        elif segment:
            numbers = numbers_of(segment)
            if len(numbers) not in (1, 4, 5):
                reason = f"has {len(numbers)} numbers; only 1, 4 or 5 are valid"
            elif len(numbers) > 1:
                source += numbers[1]
                name += numbers[4] if len(numbers) > 4 else 0
                if not 0 <= source < sizes[0]:
                    reason = f"names source {source} of {sizes[0]}"
                elif len(numbers) > 4 and not 0 <= name < sizes[1]:
                    reason = f"names name {name} of {sizes[1]}"
        if reason:
            line = text.count(";", 0, at) + 1
            number = text.count(",", text.rfind(";", 0, at) + 1, at) + 1
            return f"Line {line} of its mappings, segment {number}, {reason}."
        at += len(segment) + 1
    raise AssertionError("one of the segments is refused")
