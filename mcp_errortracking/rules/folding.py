"""Simple case folding: the pairs of characters that a case-insensitive search takes for equal."""

from functools import cache, lru_cache

_LAST_CASED = 0x1E944


@cache
def fold_character(character: str) -> str:
    """Return the one character that stands for all of its case variants."""
    folded = character.casefold()
    if len(folded) == 1:
        return folded
    lower = character.lower()
    return lower if len(lower) == 1 else character


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Return a text as a case-insensitive search compares it, with as many characters as before."""
    return text.lower() if text.isascii() else "".join(map(fold_character, text))


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
