"""The commits between two others, along first parents: the way of the branch itself, a merge counted once."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from mcp_errortracking.workflows.repository.objects import CommitObject, Objects


class End(StrEnum):
    """The reason why a walk ended."""

    REACHED = "reached"
    SHALLOW = "shallow"
    ROOT = "root"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Walk:
    """The commits of a walk, the newest first, and its end. Only `REACHED` means that these are all between the two."""

    commits: Sequence[CommitObject]
    end: End


def first_parents(objects: Objects, newest: str, oldest: str, shallow: Set[str], most: int) -> Walk:
    """Follow the first parents of a commit, itself included, to another, which is left out.

    Args:
        shallow: commits whose parents are missing.
        most: commits that are followed.

    Raises:
        RepositoryError: an object is missing or broken, or the walk exceeds the budget.
    """
    commits, name = list[CommitObject](), newest
    while name != oldest:
        if len(commits) == most:
            return Walk(commits, End.LIMIT)
        commit = objects.commit(name)
        commits.append(commit)
        if name in shallow:
            return Walk(commits, End.SHALLOW)
        if not commit.parents:
            return Walk(commits, End.ROOT)
        name = commit.parents[0]
    return Walk(commits, End.REACHED)
