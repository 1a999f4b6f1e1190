"""How many tokens a text costs whoever reads it, without a tokenizer: never less than it really is."""

import re

# Tokenizers split a word where it stops being a common one: ids, hashes and paths fall into pieces of two characters or
# so, prose into words. Measured against o200k_base by benchmarks/tokens.py.
_PIECES = re.compile(r"[A-Za-z]+|\d{1,2}|[^\sA-Za-z\d]|\s+")
_LETTERS = 4


def upper_bound(text: str) -> int:
    """Tokens of a text, rounded up."""
    pieces = sum((len(piece) - 1) // _LETTERS + 1 for piece in _PIECES.findall(text))
    return pieces if text.isascii() else pieces + (len(text.encode()) - len(text)) // 2
