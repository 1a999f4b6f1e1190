"""The files of a commit by their names."""

from collections.abc import Set

from mcp_errortracking.workflows.repository.budget import RepositoryError
from mcp_errortracking.workflows.repository.objects import Objects

_DEEPEST = 200
_MOST_FOUND = 10_000


def files_named(objects: Objects, tree: str, names: Set[bytes], skipped: Set[bytes]) -> list[tuple[bytes, ...]]:
    """Return the paths of all files with one of the names, in order.

    Args:
        skipped: names of folders that are not entered.

    Raises:
        RepositoryError: a folder is missing or broken, there are too many files, or the budget is exceeded.
    """
    found = list[tuple[bytes, ...]]()
    left: list[tuple[tuple[bytes, ...], str]] = [((), tree)]
    while left:
        path, folder = left.pop()
        if len(path) > _DEEPEST:
            raise RepositoryError("the folders of a commit are nested too deeply")
        for name, (is_folder, entry) in objects.entries(folder).items():
            if is_folder and name not in skipped:
                left.append(((*path, name), entry))
            elif not is_folder and name in names:
                found.append((*path, name))
                if len(found) > _MOST_FOUND:
                    raise RepositoryError("too many files have the names of frames")
    return sorted(found)
