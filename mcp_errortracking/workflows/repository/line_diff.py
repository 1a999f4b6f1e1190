"""Lines that two versions of a file have in common (Myers' algorithm), for no more than a budget."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError

_MOST_LINES = 300_000
"""Lines of a version. Each takes about 60 bytes of memory; hand-written files have fewer."""
_MOST_EDITS = 1000


def split_lines(content: bytes, budget: Budget) -> list[bytes]:
    """Return the lines of a file.

    Raises:
        RepositoryError: it has too many, or splitting it exceeds the budget.
    """
    count = content.count(b"\n")
    if count > _MOST_LINES:
        raise RepositoryError("a file has too many lines")
    budget.spend(count // 4)
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def kept_lines(old: list[bytes], new: list[bytes], wanted: Iterable[int], budget: Budget) -> dict[int, int]:
    """Return the index in `old` of each wanted line of `new` that is not new.

    Args:
        wanted: indexes in `new`.

    Raises:
        RepositoryError: the versions differ too much to compare them within the budget.
    """
    budget.spend((len(old) + len(new)) // 4)
    start, end = 0, 0
    shorter = min(len(old), len(new))
    while start < shorter and old[start] == new[start]:
        start += 1
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    kept, between = dict[int, int](), list[int]()
    for line in wanted:
        if line < start:
            kept[line] = line
        elif line >= len(new) - end:
            kept[line] = line + len(old) - len(new)
        else:
            between.append(line)
    if between:
        common = _common_lines(old, new, range(start, len(old) - end), range(start, len(new) - end), budget)
        kept |= {line: common[line] for line in between if line in common}
    return kept


def _common_lines(old: list[bytes], new: list[bytes], in_old: range, in_new: range, budget: Budget) -> dict[int, int]:
    """Return the index in `old` of each line of `new` that both have, within two ranges."""
    budget.spend(len(in_old) + len(in_new))
    # A line that only one side has is in no common sequence; without such lines few edits are left.
    olds, news = {old[index] for index in in_old}, {new[index] for index in in_new}
    a = [index for index in in_old if old[index] in news]
    b = [index for index in in_new if new[index] in olds]
    numbers: dict[bytes, int] = {}
    first = [numbers.setdefault(old[index], len(numbers)) for index in a]
    second = [numbers.setdefault(new[index], len(numbers)) for index in b]
    return {b[y]: a[x] for x, y in _common(first, second, budget)}


def _common(a: list[int], b: list[int], budget: Budget) -> list[tuple[int, int]]:
    """Return the pairs of places of a longest common sequence."""
    trace: list[array[int]] = []
    furthest = array("l", [0] * 3)  # of the diagonals -edits - 1 to edits + 1
    for edits in range(_MOST_EDITS + 1):
        budget.spend(2 * edits + 2)
        trace.append(furthest)
        wider = array("l", [0, *furthest, 0])
        for diagonal in range(-edits, edits + 1, 2):
            at = diagonal + edits + 2  # in `wider`
            down = diagonal == -edits or (diagonal != edits and wider[at - 1] < wider[at + 1])
            x = begin = wider[at + 1] if down else wider[at - 1] + 1
            y = x - diagonal
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            budget.spend(x - begin)
            wider[at] = x
            if x >= len(a) and y >= len(b):
                return _backtrack(trace, a, b)
        furthest = wider
    raise RepositoryError("two versions of a file differ too much")


def _backtrack(trace: list[array[int]], a: list[int], b: list[int]) -> list[tuple[int, int]]:
    pairs, x, y = list[tuple[int, int]](), len(a), len(b)
    for edits in range(len(trace) - 1, -1, -1):
        before, diagonal = trace[edits], x - y
        at = diagonal + edits + 1  # in `before`
        if edits:
            down = diagonal == -edits or (diagonal != edits and before[at - 1] < before[at + 1])
            x_before = before[at + 1] if down else before[at - 1]
            y_before = x_before - (diagonal + 1 if down else diagonal - 1)
            begin = x_before if down else x_before + 1
        else:
            x_before = y_before = begin = 0
        while x > begin:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = x_before, y_before
    return pairs
