"""The commits that a release brought, from a checkout below the roots."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_errortracking.workflows.deploys.releases import FoundRelease
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError, printable, quoted
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.checkout import Checkout, find_checkouts
from mcp_errortracking.workflows.repository.first_parents import End, first_parents
from mcp_errortracking.workflows.repository.objects import CommitObject, Objects

_MOST_FOLLOWED = 1000
_MOST_SHOWN = 10
_SHORT = 10
_LONGEST_NAME = 100
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ENDS = {
    End.SHALLOW: "The clone is shallow and ends before the commit of {previous}: fetch its history (git fetch "
    "--unshallow) to see all.",
    End.ROOT: "The commit of {previous} is not a first parent of this release's: it lies on another branch.",
    End.LIMIT: f"The commit of {{previous}} is not among the last {_MOST_FOLLOWED:,} first parents: only these are "
    "counted.",
}


@dataclass(frozen=True, slots=True)
class ReleaseCommits:
    """The newest commits of a release and their number, and a note on what is missing."""

    shown: Sequence[CommitObject] = ()
    count: int = 0
    note: str = ""

    def as_json(self) -> list[dict[str, Any]]:
        """Return the commits as data."""
        return [{"id": one.id, "author": one.author, "subject": one.subject} for one in self.shown]


def commits_of(found: FoundRelease, roots: Sequence[Path]) -> ReleaseCommits:
    """Return the commits from the release before, without it, to this one, read without git."""
    release, previous = found.release, found.previous
    if not release.commit:
        return ReleaseCommits(note="The release names no commit, so its commits are not listed.")
    if previous is None:
        return ReleaseCommits(note="No release of this product came before, so its commits are not listed.")
    newest, oldest, before = release.commit.lower(), previous.commit.lower(), quoted(previous.version[:_LONGEST_NAME])
    if not oldest:
        return ReleaseCommits(note=f"{before}, the release before, names no commit.")
    if newest == oldest:
        return ReleaseCommits(note=f"{before}, the release before, has the same commit.")
    if not (_ID.fullmatch(newest) and _ID.fullmatch(oldest)):
        return ReleaseCommits(note="The releases name their commits by short ids, which are not looked up.")
    budget = Budget()
    try:
        return _between(Roots(roots), newest, oldest, before, budget)
    except (RepositoryError, WorkflowError, OSError) as error:
        reason = str(getattr(error, "what", error)).rstrip(".")
        return ReleaseCommits(note=f"The checkout's git folder cannot be read: {reason}.")


def _between(roots: Roots, newest: str, oldest: str, previous: str, budget: Budget) -> ReleaseCommits:
    """Read the commits from the first checkout that has both."""
    note = "No git checkout lies at the top of this server's roots."
    broken = list[str]()
    for checkout in find_checkouts(roots, roots.folders, budget, broken):
        with Objects(roots, checkout.common_dir / "objects", budget) as objects:
            shallow = checkout.shallow()
            if not _has(objects, newest):
                note = _missing(newest, "this release", checkout)
                continue
            if not _has(objects, oldest) and not shallow:
                note = _missing(oldest, previous, checkout)
                continue
            walk = first_parents(objects, newest, oldest, shallow, _MOST_FOLLOWED)
        ending = _ENDS.get(walk.end, "").format(previous=previous)
        if walk.end is End.ROOT:
            return ReleaseCommits(note=ending)
        return ReleaseCommits(walk.commits[:_MOST_SHOWN], len(walk.commits), ending)
    return ReleaseCommits(note=broken[0] if broken else note)


def _has(objects: Objects, name: str) -> bool:
    try:
        objects.commit(name)
    except RepositoryError:
        objects.budget.spend(0)  # an exceeded budget is no missing commit
        return False
    return True


def _missing(name: str, of: str, checkout: Checkout) -> str:
    folder = printable(checkout.folder.name)
    return f"The checkout {folder} lacks the commit {name[:_SHORT]} of {of}: {checkout.why_missing()}."
