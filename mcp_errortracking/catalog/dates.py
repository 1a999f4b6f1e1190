"""Relative dates as people write them, and as PostHog reads them (contract 6.13): `m` is months, `M` minutes."""

import re
from collections.abc import Iterable

_WORDS = re.compile(
    r"[+-]?\s*(?:(?:last|past)[\s_]*)?(\d{1,6})[\s_]*"
    r"(s|sec|second|min|minute|h|hr|hour|d|day|w|wk|week|mo|mon|month|y|yr|year)s?(?:[\s_]*ago)?",
    re.IGNORECASE,
)
_LONGEST = 40
_UNITS = {"s": "s", "h": "h", "d": "d", "w": "w", "y": "y"}
_DAYS = {"today": "-0dStart", "yesterday": "-1dStart"}
_MONTHS = re.compile(r"-?(\d{1,4})m")
_USUAL = (1, 2, 3, 6, 9, 12, 18, 24)
"""Numbers of months that people ask for."""


def suggested(text: str) -> str:
    """Return a suggestion for a date that PostHog does not read, as the end of a sentence; empty if there is none."""
    word = text.strip().lower()
    if word == "now":
        return "; for now, leave it out"
    if word in _DAYS:
        return f"; did you mean {_DAYS[word]}?"
    found = _WORDS.fullmatch(word) if len(word) <= _LONGEST else None
    if found is None:
        return ""
    unit = found[2]
    short = "m" if unit.startswith("mo") else "M" if unit.startswith("min") else _UNITS[unit[0]]
    return f"; did you mean -{found[1]}{short}?"


def note_on_months(dates: Iterable[str | None]) -> list[str]:
    """Return a note on each relative date in months that was likely meant in minutes."""
    found = [_MONTHS.fullmatch(date) for date in dates if date]
    months = [match[1] for match in found if match and int(match[1]) not in _USUAL]
    return [f"-{number}m is {number} months, for PostHog; {number} minutes are -{number}M." for number in months]
