"""The commits between two others that touch files, as `git log FIRST..LAST -- FILE` finds them."""

import heapq
from collections.abc import Collection, Set
from dataclasses import dataclass

from mcp_errortracking.workflows.repository.budget import RepositoryError
from mcp_errortracking.workflows.repository.objects import CommitObject, Objects
from mcp_errortracking.workflows.repository.tree_view import TreePath, TreeView, Wanted, wanted_of

_MOST_COMMITS = 5_000
"""Commits that one search reads."""


@dataclass(frozen=True, slots=True)
class TouchingCommit:
    """A commit, and those of the files that differ from all of its parents."""

    commit: CommitObject
    paths: frozenset[TreePath]


@dataclass(frozen=True, slots=True)
class Touching:
    """The commits found, the latest first. `is_whole`: False if the history ends before the search does."""

    commits: list[TouchingCommit]
    is_whole: bool


def touching_commits(
    objects: Objects, last: str, first: str | None, paths: Collection[TreePath], shallow: Set[str]
) -> Touching:
    """Return the commits that are in the history of `last` and not in that of `first`, and touch one of the files.

    A merge counts only if its file differs from all parents, as for `git log`. Renamed files are not followed.

    Args:
        first: None: the whole history is searched.
        shallow: commits whose parents are missing.

    Raises:
        RepositoryError: `last` or `first` is missing or broken, or the budget is exceeded.
    """
    walk = _Walk(objects, shallow)
    if first is not None:
        walk.add(first, is_excluded=True)
    walk.add(last, is_excluded=False)
    passed = walk.run()
    found, views, wanted = list[TouchingCommit](), dict[str, TreeView](), wanted_of(paths)
    for commit in passed:
        view = views.get(commit.id) or TreeView(objects, commit.tree)
        if commit.id not in shallow:
            touched, views = _touched(objects, commit, view, wanted, paths)
            if touched:
                found.append(TouchingCommit(commit, touched))
    return Touching(found, walk.is_whole)


class _Walk:
    """A walk from commits to their parents, the latest first, as far as a commit that is not excluded waits."""

    def __init__(self, objects: Objects, shallow: Set[str]) -> None:
        self._objects = objects
        self._shallow = shallow
        self._known: dict[str, CommitObject] = {}
        self._excluded = set[str]()
        self._open = set[str]()
        self._queue = list[tuple[int, str]]()
        self.is_whole = True

    def add(self, name: str, *, is_excluded: bool) -> None:
        """Let a commit wait; one that is excluded later waits again, so that its parents are excluded too."""
        if name in self._excluded or (name in self._known and not is_excluded):
            return
        if name not in self._known:
            self._known[name] = self._objects.commit(name)
        if is_excluded:
            self._excluded.add(name)
            self._open.discard(name)
        else:
            self._open.add(name)
        heapq.heappush(self._queue, (-self._known[name].committed, name))

    def run(self) -> list[CommitObject]:
        """Return the commits that are not excluded."""
        passed = dict[str, CommitObject]()
        while self._open:
            if len(self._known) > _MOST_COMMITS:
                self.is_whole = False
                break
            _, name = heapq.heappop(self._queue)
            is_excluded = name in self._excluded
            self._open.discard(name)
            if not is_excluded:
                passed[name] = self._known[name]
            if name in self._shallow:
                self.is_whole = self.is_whole and is_excluded
                continue
            for parent in self._known[name].parents:
                try:
                    self.add(parent, is_excluded=is_excluded)
                except RepositoryError:
                    self.is_whole = self.is_whole and is_excluded
        return [commit for name, commit in passed.items() if name not in self._excluded]


def _touched(
    objects: Objects, commit: CommitObject, view: TreeView, wanted: Wanted, paths: Collection[TreePath]
) -> tuple[frozenset[TreePath], dict[str, TreeView]]:
    """Return the files of a commit that differ from all of its parents, and views of the parents.

    No file if a parent is missing.
    """
    trees = dict[str, str]()
    for parent in commit.parents:
        try:
            trees[parent] = objects.links(parent).tree
        except RepositoryError:
            return frozenset(), {}
    if not trees:
        return frozenset(path for path in paths if view.blob(path)), {}
    found, views = set(paths), dict[str, TreeView]()
    for parent, tree in trees.items():
        views[parent], differing = view.beside(tree, wanted)
        found &= {path for path in differing if views[parent].blob(path) != view.blob(path)}
    return frozenset(found), views
