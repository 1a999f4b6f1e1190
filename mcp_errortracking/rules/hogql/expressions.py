"""Expressions of HogQL. Operators stand between their operands: PostHog's parser takes seconds to read nested calls."""

from collections.abc import Iterable, Sequence

FALSE, TRUE = "0", "1"


def all_of(parts: Iterable[str]) -> str:
    """Return an expression that is true if all parts are."""
    return _joined("AND", parts, identity=TRUE, absorbing=FALSE)


def any_of(parts: Iterable[str]) -> str:
    """Return an expression that is true if one of the parts is."""
    return _joined("OR", parts, identity=FALSE, absorbing=TRUE)


def negated(part: str) -> str:
    """Return an expression that is true if a part is not."""
    return {FALSE: TRUE, TRUE: FALSE}.get(part) or f"NOT ({part})"


def one_of(place: str, values: Sequence[str]) -> str:
    """Return an expression that is true if a place has one of these values."""
    unique = list(dict.fromkeys(values))
    if not unique:
        return FALSE
    return f"{place} = {unique[0]}" if len(unique) == 1 else f"{place} IN ({', '.join(unique)})"


def _joined(operator: str, parts: Iterable[str], *, identity: str, absorbing: str) -> str:
    kept = [part for part in dict.fromkeys(parts) if part != identity]
    if absorbing in kept:
        return absorbing
    if len(kept) < 2:
        return kept[0] if kept else identity
    return f" {operator} ".join(f"({part})" for part in kept)
