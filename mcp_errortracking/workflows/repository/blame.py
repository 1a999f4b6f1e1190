"""The commits that touched lines of files, as `git blame` finds them."""

import heapq
from collections.abc import Iterable, Mapping, Set

from mcp_errortracking.workflows.repository.line_diff import kept_lines, split_lines
from mcp_errortracking.workflows.repository.objects import CommitLinks, CommitObject, Objects
from mcp_errortracking.workflows.repository.renames import find_renamed
from mcp_errortracking.workflows.repository.tree_view import TreePath, TreeView, wanted_of

Line = tuple[TreePath, int]
"""A line that was asked for: its file and its index, from 0."""
Lines = dict[int, list[Line]]
"""The lines of one version of a file that are followed: by their indexes there, those that were asked for."""


def blame(objects: Objects, head: str, path: TreePath, lines: Iterable[int], shallow: Set[str]) -> list[CommitObject]:
    """Return the commits that the lines of a file come from, the latest first.

    Args:
        lines: indexes, from 0, in the file as of `head`.
        shallow: commits whose parents are missing.

    Raises:
        RepositoryError: an object is missing or broken, or the history exceeds the budget.
    """
    found = dict[Line, str]()
    blame_lines(objects, head, {path: lines}, shallow, found)
    return sorted(map(objects.commit, dict.fromkeys(found.values())), key=lambda commit: -commit.committed)


def blame_lines(
    objects: Objects,
    head: str,
    lines: Mapping[TreePath, Iterable[int]],
    shallow: Set[str],
    found: dict[Line, str],
) -> None:
    """Find the commit of each line of several files, in one walk through the history.

    Args:
        lines: indexes, from 0, in the files as of `head`, by file.
        found: receives the ids of the commits; after an error, it has those that were found before.

    Raises:
        RepositoryError: as for `blame`.
    """
    search = _Search(objects, shallow, found)
    start = objects.links(head)
    for path, indexes in lines.items():
        search.ask(start, path, {index: [(path, index)] for index in indexes}, None)
    search.run()


class _Search:
    """Lines that are followed back from commit to commit, the latest commit first."""

    def __init__(self, objects: Objects, shallow: Set[str], found: dict[Line, str]) -> None:
        self._objects = objects
        self._shallow = shallow
        self._found = found
        self._queue = list[tuple[int, str]]()
        self._files: dict[TreePath, Lines] = {}
        self._file_count = 0
        self._wanted = wanted_of(())
        """Of the files that were passed on last, as they are passed from commit to commit."""
        self._asked: dict[str, tuple[CommitLinks, TreeView, dict[TreePath, Lines]]] = {}

    def ask(self, commit: CommitLinks, path: TreePath, lines: Lines, view: TreeView | None) -> None:
        """Follow lines of a file in a commit.

        Args:
            view: of the commit's files, if it is known.
        """
        if not lines:
            return
        if commit.id not in self._asked:
            self._asked[commit.id] = (commit, view or TreeView(self._objects, commit.tree), {})
            heapq.heappush(self._queue, (-commit.committed, commit.id))
        _add(self._asked[commit.id][2].setdefault(path, {}), lines)

    def run(self) -> None:
        """Follow all lines to their commits."""
        while self._queue:
            _, name = heapq.heappop(self._queue)
            commit, view, files = self._asked.pop(name)
            parents = () if name in self._shallow else commit.parents
            if len(parents) == 1 and parents[0] not in self._asked:
                self._pass_on(commit, view, files, self._objects.links(parents[0]))
            else:
                known = [self._objects.links(parent) for parent in parents]
                wanted = wanted_of(files)
                views = [view.beside(parent.tree, wanted)[0] for parent in known]
                for path, lines in files.items():
                    self._own(commit, view, path, lines, list(zip(known, views, strict=True)))

    def _pass_on(self, commit: CommitLinks, view: TreeView, files: dict[TreePath, Lines], parent: CommitLinks) -> None:
        """Pass all files that the only parent has too on to it at once, and look at the others."""
        if files is not self._files or len(files) != self._file_count:  # other commits may have asked for more
            self._files, self._file_count, self._wanted = files, len(files), wanted_of(files)
        before, changed = view.beside(parent.tree, self._wanted)
        same = {path: lines for path, lines in files.items() if path not in changed} if changed else files
        if same:
            self._asked[parent.id] = (parent, before, same)
            heapq.heappush(self._queue, (-parent.committed, parent.id))
        for path in changed:
            self._own(commit, view, path, files[path], [(parent, before)])

    def _own(
        self,
        commit: CommitLinks,
        view: TreeView,
        path: TreePath,
        lines: Lines,
        parents: list[tuple[CommitLinks, TreeView]],
    ) -> None:
        """Find the lines that come from the commit itself; ask its parents for the others."""
        objects = self._objects
        blob = view.blob(path)
        if blob is None:
            self._settle(commit, lines)
            return
        origins = [(parent, before, path, before.blob(path)) for parent, before in parents]
        for parent, before, _, old in origins:
            if old == blob:
                self.ask(parent, path, lines, before)
                return
        for place, (parent, before, _, old) in enumerate(origins):
            if old is None and (renamed := find_renamed(objects, parent.tree, commit.tree, path, blob)):
                origins[place] = (parent, before, *renamed)
                if renamed[1] == blob:
                    self.ask(parent, renamed[0], lines, before)
                    return
        content = split_lines(objects.read(blob, "blob"), objects.budget)
        for parent, before, old_path, old in origins:
            if old is not None and lines:
                kept = kept_lines(
                    split_lines(objects.read(old, "blob"), objects.budget), content, lines, objects.budget
                )
                passed: Lines = {}
                for index, old_index in kept.items():
                    passed.setdefault(old_index, []).extend(lines[index])
                self.ask(parent, old_path, passed, before)
                lines = {index: asked for index, asked in lines.items() if index not in kept}
        self._settle(commit, lines)

    def _settle(self, commit: CommitLinks, lines: Lines) -> None:
        for asked in lines.values():
            self._found.update(dict.fromkeys(asked, commit.id))


def _add(known: Lines, lines: Lines) -> None:
    for index, asked in lines.items():
        known.setdefault(index, []).extend(asked)
