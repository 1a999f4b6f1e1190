"""Base 64 VLQ, the numbers of source maps: five bits a digit, the sign in the lowest bit."""

import re

from mcp_errortracking.workflows.problems import InvalidMapError

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = {letter: digit for digit, letter in enumerate(ALPHABET)}
_CONTINUED = frozenset(ALPHABET[32:])
_MOST_DIGITS = 7
_LONGEST = 35  # letters: five numbers of seven
_split = re.compile("[g-z0-9+/]*[A-Za-f]").findall


class _Numbers(dict[str, int]):
    """Numbers by their text, each decoded once."""

    def __missing__(self, text: str) -> int:
        if len(text) > _MOST_DIGITS:
            raise InvalidMapError("Its mappings hold a number with too many digits.")
        number = sum((_DIGITS[letter] & 31) << 5 * place for place, letter in enumerate(text))
        size = number >> 1
        if size >= 2**31 or number == 1:  # 1 is minus zero, which stands for -2,147,483,648
            raise InvalidMapError("Its mappings hold a number beyond 31 bits.")
        if len(self) < 2**16:
            self[text] = -size if number & 1 else size
        return -size if number & 1 else size


_number = _Numbers().__getitem__


def decode(segment: str) -> tuple[int, ...]:
    """Return the numbers of one segment, whose letters have been checked.

    Raises:
        InvalidMapError: a number does not end, or is beyond 31 bits.
    """
    if segment and segment[-1] in _CONTINUED:
        raise InvalidMapError("Its mappings end within a number.")
    if len(segment) > _LONGEST:
        raise InvalidMapError("A segment of its mappings is too long.")
    return tuple(map(_number, _split(segment)))


def encode(number: int) -> str:
    """Return one number as text."""
    rest = -number << 1 | 1 if number < 0 else number << 1
    text = ""
    while True:
        digit, rest = rest & 31, rest >> 5
        text += ALPHABET[digit | 32 if rest else digit]
        if not rest:
            return text
