"""The commit at which a branch left another, as `git merge-base` finds it."""

import heapq
from collections.abc import Set

from mcp_errortracking.workflows.repository.objects import CommitObject, Objects

_HEAD, _BASE = 1, 2
_MOST_COMMITS = 20_000
"""Commits that one search reads."""


def merge_base(objects: Objects, head: str, base: str, shallow: Set[str]) -> CommitObject | None:
    """Return the newest commit that is in the history of both; None if there is none among those that were read.

    Args:
        shallow: commits whose parents are missing.

    Raises:
        RepositoryError: an object is missing or broken, or the search exceeds the budget.
    """
    sides = dict[str, int]()
    known = dict[str, CommitObject]()
    queue = list[tuple[int, str]]()

    def reach(name: str, side: int) -> None:
        if sides.get(name, 0) | side == sides.get(name, 0):
            return
        sides[name] = sides.get(name, 0) | side
        if name not in known:
            known[name] = objects.commit(name)
        heapq.heappush(queue, (-known[name].committed, name))

    reach(head, _HEAD)
    reach(base, _BASE)
    while queue and len(known) <= _MOST_COMMITS:
        _, name = heapq.heappop(queue)
        if sides[name] == _HEAD | _BASE:
            return known[name]
        for parent in () if name in shallow else known[name].parents:
            reach(parent, sides[name])
    return None
