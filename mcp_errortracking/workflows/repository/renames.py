"""The file that another one was renamed to, found by its content."""

from mcp_errortracking.workflows.repository.line_diff import split_lines
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.repository.tree_changes import changed_files

TreePath = tuple[bytes, ...]

_MOST_CANDIDATES = 200
"""Files that only one tree has, each of which is compared with one that only the other has."""


def find_renamed(objects: Objects, before: str, after: str, path: TreePath, blob: str) -> tuple[TreePath, str] | None:
    """Return the file of the tree `before` that was renamed to `path` in `after`: at least half of it is the same.

    Args:
        blob: the content at `path`.

    Raises:
        RepositoryError: an object is missing or broken, or the search exceeds the budget.
    """
    same, others = list[tuple[TreePath, str]](), list[tuple[TreePath, str]]()
    for change in changed_files(objects, before, after, with_added=False):
        if change.before is None or change.after is not None:
            continue
        kind = same if change.before == blob else others
        if len(kind) <= _MOST_CANDIDATES:
            kind.append((change.path, change.before))
    for deleted in (same, others):
        deleted.sort(key=lambda file: (file[0][-1] != path[-1], file[0]))
    if same:
        return same[0]
    if not others or len(others) > _MOST_CANDIDATES:
        return None
    content = objects.read(blob, "blob")
    scored = [(_similarity(objects, content, objects.read(old, "blob")), name, old) for name, old in others]
    best, old_path, old = max(scored, key=lambda file: file[0])
    return (old_path, old) if best >= 0.5 else None


def _similarity(objects: Objects, content: bytes, other: bytes) -> float:
    """Return the share of bytes in lines that both have."""
    counts: dict[bytes, int] = {}
    for line in split_lines(other, objects.budget):
        counts[line] = counts.get(line, 0) + 1
    same = 0
    for line in split_lines(content, objects.budget):
        if counts.get(line, 0):
            counts[line] -= 1
            same += len(line) + 1
    return same / max(len(content), len(other), 1)
