"""Some files of a commit, read together, and only as far as another commit has others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Union

from mcp_errortracking.workflows.repository.objects import Entry, Objects

TreePath = tuple[bytes, ...]
Wanted = Mapping[bytes, Union["Wanted", None]]
"""The files that are looked up, by name; None for a file, and for a folder those in it."""


def wanted_of(paths: Iterable[TreePath]) -> Wanted:
    """Return the files at some paths. A path is never one below another."""
    found: dict[bytes, Wanted | None] = {}
    for path in paths:
        at: dict[bytes, Wanted | None] = found
        for name in path[:-1]:
            below = at.setdefault(name, {})
            at = below if isinstance(below, dict) else {}
        at.setdefault(path[-1], None)
    return found


class TreeView:
    """A tree, of which files are looked up. Views of commits beside each other share what is the same."""

    __slots__ = ("_entries", "_folders", "_objects", "_stored", "_tree", "_wanted")

    def __init__(self, objects: Objects, tree: str, stored: bytes | None = None) -> None:
        self._objects = objects
        self._tree = tree
        self._stored = stored
        # Other views may share these: a name is added to a copy.
        self._entries: dict[bytes, Entry | None] = {}
        self._folders: dict[bytes, TreeView] = {}
        self._wanted: Wanted | None = None
        """The names of `_entries`, if they are those that were looked up together last."""

    def blob(self, path: TreePath) -> str | None:
        """Return the name of the file at a path, or None.

        Raises:
            RepositoryError: a folder is missing or broken.
        """
        view: TreeView | None = self
        for name in path[:-1]:
            view = view._folder(name) if view is not None else None
        entry = view._entry(path[-1]) if view is not None else None
        return entry.name if entry is not None and not entry.is_folder else None

    def beside(self, tree: str, wanted: Wanted) -> tuple[TreeView, list[TreePath]]:
        """Return the view of another commit's tree, and the paths at which both differ.

        The view knows of this one's folders all that are the same.

        Raises:
            RepositoryError: as for `blob`.
        """
        if tree == self._tree:
            return self, []
        if wanted is not self._wanted:
            self._look_up(wanted)
        entries, stored = self._entries, self._objects.read(tree, "tree")
        other = TreeView(self._objects, tree, stored)
        other._entries, other._folders, other._wanted = entries, self._folders, wanted
        touched = [
            name for name, entry in entries.items() if entry is None or not stored.startswith(entry.stored, entry.at)
        ]
        return other, other._differences(self, touched, stored, wanted) if touched else []

    def _differences(self, view: TreeView, names: list[bytes], stored: bytes, wanted: Wanted) -> list[TreePath]:
        """Look up names whose entries are not at their places in another view, and return the paths that differ."""
        found, width = list[TreePath](), len(self._tree) // 2
        entries, folders = dict(self._entries), dict(self._folders)
        for name in names:
            old = entries[name]
            entries[name] = new = self._objects.entry_in(stored, width, name, old)
            if new is old or (new is not None and old is not None and new.stored == old.stored):
                continue
            below = wanted[name]
            folder = view._folder(name) if below is not None else None
            folders.pop(name, None)
            if below is None:
                found.append((name,))
            elif folder is not None and new is not None and new.is_folder:
                folders[name], paths = folder.beside(new.name, below)
                found += [(name, *path) for path in paths]
            else:
                found += [(name, *path) for path in _paths(below)]
        self._entries, self._folders = entries, folders
        return found

    def _look_up(self, wanted: Wanted) -> None:
        """Look up all names that are wanted, and forget others."""
        self._entries = {name: self._entry(name) for name in wanted}
        self._folders = {name: folder for name, folder in self._folders.items() if name in wanted}
        self._wanted = wanted

    def _content(self) -> bytes:
        if self._stored is None:
            self._stored = self._objects.read(self._tree, "tree")
        return self._stored

    def _folder(self, name: bytes) -> TreeView | None:
        found = self._folders.get(name)
        if found is None:
            entry = self._entry(name)
            if entry is None or not entry.is_folder:
                return None
            found = TreeView(self._objects, entry.name)
            self._folders = {**self._folders, name: found}
        return found

    def _entry(self, name: bytes) -> Entry | None:
        if name not in self._entries:
            found = self._objects.entry_in(self._content(), len(self._tree) // 2, name)
            self._entries, self._wanted = {**self._entries, name: found}, None
        return self._entries[name]


def _paths(wanted: Wanted) -> list[TreePath]:
    found = list[TreePath]()
    for name, below in wanted.items():
        found += [(name,)] if below is None else [(name, *path) for path in _paths(below)]
    return found
