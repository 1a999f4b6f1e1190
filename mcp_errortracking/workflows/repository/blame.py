"""The commits that touched lines of a file, as `git blame` finds them."""

import heapq
from collections.abc import Iterable, Iterator, Set

from mcp_errortracking.workflows.repository.budget import RepositoryError
from mcp_errortracking.workflows.repository.line_diff import kept_lines, split_lines
from mcp_errortracking.workflows.repository.objects import CommitObject, Objects

TreePath = tuple[bytes, ...]

_MOST_CANDIDATES = 200
"""Files deleted by a commit, each of which is compared with one it added, to find a renamed file."""
_DEEPEST = 200
_MOST_FOLDERS = 10_000
"""Folders that wait to be compared: a bound on memory."""


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
            if old is None and (renamed := self._find_renamed(parent, commit, path, blob)):
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

    def _find_renamed(
        self, parent: CommitObject, commit: CommitObject, path: TreePath, blob: str
    ) -> tuple[TreePath, str] | None:
        """Return the file of the parent that the commit renamed to `path`: at least half of it is the same."""
        same, others = list[tuple[TreePath, str]](), list[tuple[TreePath, str]]()
        for file in self._deleted(parent.tree, commit.tree):
            kind = same if file[1] == blob else others
            if len(kind) <= _MOST_CANDIDATES:
                kind.append(file)
        for deleted in (same, others):
            deleted.sort(key=lambda file: (file[0][-1] != path[-1], file[0]))
        if same:
            return same[0]
        if not others or len(others) > _MOST_CANDIDATES:
            return None
        content = self._objects.read(blob, "blob")
        scored = [(self._similarity(content, self._objects.read(old, "blob")), name, old) for name, old in others]
        best, old_path, old = max(scored, key=lambda file: file[0])
        return (old_path, old) if best >= 0.5 else None

    def _deleted(self, before: str, after: str) -> Iterator[tuple[TreePath, str]]:
        """Yield the files that are in one tree and not in the other, of one folder after another."""
        left: list[tuple[TreePath, str, str | None]] = [((), before, after)]
        while left:
            path, old_tree, new_tree = left.pop()
            if len(path) > _DEEPEST:
                raise RepositoryError("the folders of a commit are nested too deeply")
            olds = self._objects.entries(old_tree)
            news = self._objects.entries(new_tree) if new_tree else {}
            for name, (is_folder, old) in olds.items():
                is_new_folder, new = news.get(name, (False, None))
                if is_folder and old != new:
                    left.append(((*path, name), old, new if is_new_folder else None))
                    if len(left) > _MOST_FOLDERS:
                        raise RepositoryError("a commit changes too many folders")
                elif not is_folder and (new is None or is_new_folder):
                    yield (*path, name), old

    def _similarity(self, content: bytes, other: bytes) -> float:
        """Return the share of bytes in lines that both have."""
        counts: dict[bytes, int] = {}
        for line in split_lines(other, self._objects.budget):
            counts[line] = counts.get(line, 0) + 1
        same = 0
        for line in split_lines(content, self._objects.budget):
            if counts.get(line, 0):
                counts[line] -= 1
                same += len(line) + 1
        return same / max(len(content), len(other), 1)
