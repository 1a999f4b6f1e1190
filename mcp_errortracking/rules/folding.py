"""Simple case folding: the pairs of characters that a case-insensitive search takes for equal."""

from functools import cache, lru_cache

_LAST_CASED = 0x1E944
_SHORT, _LONG = 512, 65_536


@lru_cache(maxsize=16_384)
def fold_character(character: str) -> str:
    """Return the one character that stands for all of its case variants."""
    folded = character.casefold()
    if len(folded) == 1:
        return folded
    lower = character.lower()
    return lower if len(lower) == 1 else character


def fold(text: str) -> str:
    """Return a text as a case-insensitive search compares it, with as many characters as before."""
    # Few long texts are remembered, and none that is longer still: a cache is counted in texts, not in their size.
    if len(text) <= _SHORT:
        return _of_short(text)
    return _of_long(text) if len(text) <= _LONG else _folded(text)


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else "".join(map(fold_character, text))


_of_short = lru_cache(maxsize=8192)(_folded)
_of_long = lru_cache(maxsize=64)(_folded)


def variants(character: str) -> tuple[str, ...]:
    """Return all characters that differ from this one in case only, itself included."""
    return _variants().get(fold_character(character), (character,))


@cache
def _variants() -> dict[str, tuple[str, ...]]:
    groups = dict[str, list[str]]()
    for code in range(_LAST_CASED):
        folded = fold_character.__wrapped__(chr(code))
        if folded != chr(code):
            groups.setdefault(folded, [folded]).append(chr(code))
    return {folded: tuple(group) for folded, group in groups.items()}
