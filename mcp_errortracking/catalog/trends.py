"""A trend as text: a line of block characters, and its change as a number."""

import math
from collections.abc import Sequence
from typing import Any

_BLOCKS = "▁▂▃▄▅▆▇█"
_LARGEST = 2**53
_MOST_PARTS = 24
"""Parts of a picture; a longer trend has none, as each takes about two tokens."""


def picture(values: Sequence[Any]) -> str:
    """Return a trend like `▁▁▃█, second half +120 %`; empty if nothing happened, or if it cannot be drawn."""
    counts = _counts(values)
    if not counts or not max(counts) or len(counts) > _MOST_PARTS:
        return ""
    most = max(counts)
    blocks = "".join(_BLOCKS[math.ceil(count / most * (len(_BLOCKS) - 1))] for count in counts)
    return ", ".join(filter(None, (blocks, change(values))))


def change(values: Sequence[Any]) -> str:
    """Return the change from the first half of a trend to the second; empty if there is none."""
    counts = _counts(values)
    half = len(counts) // 2
    first, second = sum(counts[:half]), sum(counts[len(counts) - half :])
    if first == second:
        return ""
    if not first:
        return "all in the second half"
    return f"second half {(second - first) / first * 100:+,.0f} %"


def _counts(values: Sequence[Any]) -> list[float]:
    """Return the counts; none if one of them is not a count."""
    counts: list[float] = [value for value in values if isinstance(value, int | float) and 0 <= value < _LARGEST]
    return counts if len(counts) == len(values) else []
