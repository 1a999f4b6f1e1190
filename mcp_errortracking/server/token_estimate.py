"""Estimates of the tokens of a text, without a tokenizer: hardly ever too low.

Measured against o200k_base, with texts of many kinds in tests/server/test_tokens.py.
"""

import re

# Tokenizers split uncommon text into more pieces: a word has a few, a hash has one for every two characters.
_PIECES = re.compile(r" ?(?:[A-Z]?[a-z]+|[A-Z]+)|\d{1,2}|[^\sA-Za-z\d]|\s+")
_LONG_RUNS = re.compile(r"[A-Za-z\d+/]{16,}")
_DIGIT = re.compile(r"\d")
_VOWELS = re.compile(r"[aeiouyAEIOUY]")


def upper_bound(text: str) -> int:
    """Return the tokens of a text, rounded up."""
    pieces = sum(map(_of_piece, _PIECES.findall(text)))
    for run in _LONG_RUNS.findall(text):
        if _DIGIT.search(run) and not run.isdigit():  # a key, a hash, base64
            pieces += max(len(run) * 3 // 4 - sum(map(_of_piece, _PIECES.findall(run))), 0)
    return pieces if text.isascii() else pieces + (len(text.encode()) - len(text)) // 2


def surely_within(lines: list[str], tokens: int) -> bool:
    """True if lines fit even at one token a byte, the most that any text takes: a fast check."""
    return sum(len(line) + 1 if line.isascii() else 4 * len(line) + 1 for line in lines) <= tokens


def surely_beyond(text: str, tokens: int) -> bool:
    """True if a text exceeds the tokens by its length alone: a fast check."""
    return len(text) > 4 * tokens


def _of_piece(piece: str) -> int:
    length = len(piece)
    if length < 3:
        return 1
    is_word = 4 * len(_VOWELS.findall(piece)) >= length
    return (length - 1) // 4 + 1 if is_word else (2 * length + 2) // 3
