"""ILIKE as `icontains` uses it: `%` is any text, `_` any character but a line break (rule contract 2.6)."""

import re
from collections.abc import Callable

from mcp_errortracking.rules.folding import fold
from mcp_errortracking.rules.outcomes import UnknownError

_MOST_LOOKS = 50_000_000
_ANY = "%"
_ONE = "_"


def ilike(pattern: str) -> Callable[[str], bool]:
    """Return a test for texts that meet a pattern from end to end, without regard to case."""
    segments = [_segment(part) for part in split(pattern)]
    first, *rest = segments
    if not rest:
        return lambda text: _at(first, fold(text), 0) == len(text)
    *middle, last = rest
    if len(middle) == 1 and not first and not last and all(isinstance(token, str) for token in middle[0]):
        needle = "".join(token for token in middle[0] if token)
        return lambda text: needle in fold(text)
    finders = [_finder(segment) for segment in middle]

    def test(text: str) -> bool:
        folded = fold(text)
        place = _at(first, folded, 0)
        if place < 0:
            return False
        for finder in finders:
            found = finder(folded, place)
            if found < 0:
                return False
            place = found
        begin = len(folded) - len(last)
        return begin >= place and _at(last, folded, begin) >= 0

    return test


def split(pattern: str) -> list[list[tuple[str, bool]]]:
    """Return the parts between `%`: characters, and if each is the wildcard of one."""
    parts: list[list[tuple[str, bool]]] = [[]]
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            literal = escaped if escaped and escaped in "%_\\" else "\\" + escaped
            parts[-1] += [(one, False) for one in literal]
        elif character == _ANY:
            parts.append([])
        else:
            parts[-1].append((character, character == _ONE))
    return parts


Segment = list[str | None]
"""Folded characters; None is the wildcard of one."""


def _segment(part: list[tuple[str, bool]]) -> Segment:
    return [None if is_wildcard else fold(character) for character, is_wildcard in part]


def _at(segment: Segment, text: str, place: int) -> int:
    """Return the end of a segment that stands at a place of the text; -1 if it does not."""
    if place + len(segment) > len(text):
        return -1
    for offset, token in enumerate(segment):
        given = text[place + offset]
        if given != token and (token is not None or given == "\n"):
            return -1
    return place + len(segment)


def _finder(segment: Segment) -> Callable[[str, int], int]:
    """Return a search for the end of a segment's first occurrence from a place on."""
    if None not in segment:
        needle = "".join(token for token in segment if token)

        def find(text: str, place: int) -> int:
            found = text.find(needle, place)
            return found if found < 0 else found + len(needle)

        return find
    pattern: re.Pattern[str] | None = None

    def search(text: str, place: int) -> int:
        nonlocal pattern
        # No repetition in it: the search takes at most one look at the segment for each place.
        if len(segment) * (len(text) - place) > _MOST_LOOKS:
            raise UnknownError("the text and the pattern are too long to be compared here")
        if pattern is None:  # most are never reached
            pattern = re.compile("".join("[^\n]" if token is None else re.escape(token) for token in segment))
        found = pattern.search(text, place)
        return found.end() if found else -1

    return search
