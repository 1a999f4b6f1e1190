"""The commits that touched lines of a file, as `git blame` finds them."""

import heapq
from collections.abc import Iterable, Set

from mcp_errortracking.workflows.repository.line_diff import kept_lines, split_lines
from mcp_errortracking.workflows.repository.objects import CommitObject, Objects
from mcp_errortracking.workflows.repository.renames import find_renamed

TreePath = tuple[bytes, ...]


def blame(objects: Objects, head: str, path: TreePath, lines: Iterable[int], shallow: Set[str]) -> list[CommitObject]:
    """Return the commits that the lines of a file come from, the latest first.

    Args:
        lines: indexes, from 0, in the file as of `head`.
        shallow: commits whose parents are missing.

    Raises:
        RepositoryError: an object is missing or broken, or the history exceeds the budget.
    """
    search = _Search(objects, shallow)
    search.ask(objects.commit(head), path, set(lines))
    return sorted(search.run(), key=lambda commit: -commit.committed)


class _Search:
    """Lines that are followed back from commit to commit, the latest commit first."""

    def __init__(self, objects: Objects, shallow: Set[str]) -> None:
        self._objects = objects
        self._shallow = shallow
        self._queue = list[tuple[int, str, TreePath]]()
        self._asked: dict[tuple[str, TreePath], tuple[CommitObject, set[int]]] = {}

    def ask(self, commit: CommitObject, path: TreePath, lines: set[int]) -> None:
        """Follow lines of a file in a commit."""
        if not lines:
            return
        if (commit.id, path) not in self._asked:
            self._asked[commit.id, path] = (commit, set())
            heapq.heappush(self._queue, (-commit.committed, commit.id, path))
        self._asked[commit.id, path][1].update(lines)

    def run(self) -> list[CommitObject]:
        """Return the commits of all lines."""
        found: dict[str, CommitObject] = {}
        while self._queue:
            _, name, path = heapq.heappop(self._queue)
            commit, lines = self._asked.pop((name, path))
            if self._own(commit, path, lines):
                found[name] = commit
        return list(found.values())

    def _own(self, commit: CommitObject, path: TreePath, lines: set[int]) -> set[int]:
        """Return the lines that come from the commit itself; ask its parents for the others."""
        objects = self._objects
        blob = objects.blob_at(commit.tree, path)
        parents = [] if commit.id in self._shallow else [objects.commit(name) for name in commit.parents]
        if blob is None:
            return lines
        origins = [(parent, path, objects.blob_at(parent.tree, path)) for parent in parents]
        for parent, _, old in origins:
            if old == blob:
                self.ask(parent, path, lines)
                return set()
        for place, (parent, _, old) in enumerate(origins):
            if old is None and (renamed := find_renamed(objects, parent.tree, commit.tree, path, blob)):
                origins[place] = (parent, *renamed)
                if renamed[1] == blob:
                    self.ask(parent, renamed[0], lines)
                    return set()
        content = split_lines(objects.read(blob, "blob"), objects.budget)
        for parent, old_path, old in origins:
            if old is not None and lines:
                before = split_lines(objects.read(old, "blob"), objects.budget)
                kept = kept_lines(before, content, lines, objects.budget)
                self.ask(parent, old_path, set(kept.values()))
                lines = lines - kept.keys()
        return lines
