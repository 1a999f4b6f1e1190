"""The rows of sections that fit into a number of tokens."""

from collections.abc import Mapping

_CHARACTERS = 2.6
"""Of a token, for stacks, paths and ids: few, so that the estimate is hardly ever too low."""
_ROOM = 60
"""Tokens of the names of sections and of the note on rows that are left out."""
_LEAST = 2
"""Rows of a section that stay as long as a longer section has more."""


def fit(lines: Mapping[str, list[str]], tokens: int) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Return the rows that are kept and the number of those left out by section: the longest sections lose rows first.

    A section keeps its first row, unless all sections have one row left.
    """
    kept = {name: list(rows) for name, rows in lines.items()}
    cut = dict[str, int]()
    sizes = {name: [_size(row) for row in rows] for name, rows in kept.items()}
    left = tokens - _ROOM - sum(map(sum, sizes.values())) - 3 * len(kept)
    while left < 0:
        name = max(sizes, key=lambda one: (len(sizes[one]) > _LEAST, len(sizes[one]) > 1, sum(sizes[one])))
        if not sizes[name]:
            break
        kept[name].pop()
        left += sizes[name].pop()
        cut[name] = cut.get(name, 0) + 1
    return {name: rows for name, rows in kept.items() if rows}, cut


def _size(row: str) -> int:
    return int(len(row.encode("utf-8", "replace")) / _CHARACTERS) + 2
