"""The files that differ between two trees, as `git diff --name-status` finds them without renames."""

from collections.abc import Iterator
from dataclasses import dataclass

from mcp_errortracking.workflows.repository.budget import RepositoryError
from mcp_errortracking.workflows.repository.objects import Objects

TreePath = tuple[bytes, ...]

_DEEPEST = 200
_MOST_FOLDERS = 10_000
"""Folders that wait to be compared: a bound on memory."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file with its content in both trees; None where it is missing."""

    path: TreePath
    before: str | None
    after: str | None


def changed_files(objects: Objects, before: str, after: str, *, with_added: bool) -> Iterator[FileChange]:
    """Yield the files that differ, of one folder after another.

    Args:
        with_added: False: files that only `after` has are left out, and folders of them are not read.

    Raises:
        RepositoryError: a folder is missing or broken, there are too many, or the budget is exceeded.
    """
    left: list[tuple[TreePath, str | None, str | None]] = [((), before, after)]
    while left:
        path, old_tree, new_tree = left.pop()
        if len(path) > _DEEPEST:
            raise RepositoryError("the folders of a commit are nested too deeply")
        olds = objects.entries(old_tree) if old_tree else {}
        news = objects.entries(new_tree) if new_tree else {}
        for name in dict.fromkeys((*olds, *news)) if with_added else olds:
            old, new = olds.get(name), news.get(name)
            if old == new:
                continue
            old_folder, old_file = _kinds(old)
            new_folder, new_file = _kinds(new)
            if old_folder or (new_folder and with_added):
                left.append(((*path, name), old_folder, new_folder))
                if len(left) > _MOST_FOLDERS:
                    raise RepositoryError("a commit changes too many folders")
            if old_file or (new_file and with_added):
                yield FileChange((*path, name), old_file, new_file)


def _kinds(entry: tuple[bool, str] | None) -> tuple[str | None, str | None]:
    """Return an entry of a tree as a folder and as a file, one of which it is."""
    if entry is None:
        return None, None
    return (entry[1], None) if entry[0] else (None, entry[1])
