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

    __slots__ = ("_entries", "_folders", "_objects", "_stored", "_tree")

    def __init__(self, objects: Objects, tree: str, stored: bytes | None = None) -> None:
        self._objects = objects
        self._tree = tree
        self._stored = stored
        self._entries = dict[bytes, Entry | None]()
        self._folders = dict[bytes, TreeView]()

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

    def beside(self, tree: str, wanted: Wanted) -> TreeView:
        """Return the view of another commit's tree, which knows of this one's folders all that are the same.

        Raises:
            RepositoryError: as for `blob`.
        """
        if tree == self._tree:
            return self
        stored = self._objects.read(tree, "tree")
        other = TreeView(self._objects, tree, stored)
        for name, below in wanted.items():
            entry = self._entry(name)
            if entry is not None and entry.stored in stored:
                other._entries[name] = entry
                if below is not None and entry.is_folder:
                    other._folders[name] = self._folders.get(name) or TreeView(self._objects, entry.name)
                continue
            if below is not None and entry is not None and entry.is_folder:
                new = other._entry(name)
                if new is not None and new.is_folder:
                    folder = self._folder(name)
                    other._folders[name] = (
                        folder.beside(new.name, below) if folder else TreeView(self._objects, new.name)
                    )
        return other

    def changed(self, other: TreeView, wanted: Wanted) -> list[TreePath]:
        """Return the paths at which two views differ.

        Raises:
            RepositoryError: as for `blob`.
        """
        found = list[TreePath]()
        if self is other:
            return found
        for name, below in wanted.items():
            one, two = self._entry(name), other._entry(name)
            if one is two or (one is not None and two is not None and one.stored == two.stored):
                continue
            if below is None:
                found.append((name,))
                continue
            folder, other_folder = self._folder(name), other._folder(name)
            if folder is not None and other_folder is not None:
                found += [(name, *path) for path in folder.changed(other_folder, below)]
            else:
                found += [(name, *path) for path in _paths(below)]
        return found

    def _folder(self, name: bytes) -> TreeView | None:
        if name not in self._folders:
            entry = self._entry(name)
            if entry is None or not entry.is_folder:
                return None
            self._folders[name] = TreeView(self._objects, entry.name)
        return self._folders[name]

    def _entry(self, name: bytes) -> Entry | None:
        if name not in self._entries:
            if self._stored is None:
                self._stored = self._objects.read(self._tree, "tree")
            self._entries[name] = self._objects.entry_in(self._stored, len(self._tree) // 2, name)
        return self._entries[name]


def _paths(wanted: Wanted) -> list[TreePath]:
    found = list[TreePath]()
    for name, below in wanted.items():
        found += [(name,)] if below is None else [(name, *path) for path in _paths(below)]
    return found
