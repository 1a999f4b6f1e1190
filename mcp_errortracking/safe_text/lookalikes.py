"""Folding of look-alikes: characters that look like ASCII become ASCII, and combining characters are removed."""

from functools import cache

from mcp_errortracking.safe_text.confusables import COMBINING, LOOKALIKES


def fold(text: str) -> str:
    """Return the text as it looks in ASCII. Replaced letters are lower case."""
    return text.translate(_table())


@cache
def lookalikes_of(plain: str) -> str:
    """Return an ASCII character and all that look like it."""
    return plain + "".join(chr(int(code, 16)) for code in LOOKALIKES[plain].split())


@cache
def _table() -> dict[int, str | None]:
    table = dict[int, str | None]()
    for first_to_last in COMBINING.split():
        first, last = (int(code, 16) for code in first_to_last.split("-"))
        table.update(dict.fromkeys(range(first, last + 1)))
    for plain, codes in LOOKALIKES.items():
        table.update(dict.fromkeys((int(code, 16) for code in codes.split()), plain))
    return table
