"""The commit that touched a line last, from the checkout that a source lies in."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.blame import blame, lines_of
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.checkout import Checkout, find_checkout
from mcp_errortracking.workflows.repository.files import content
from mcp_errortracking.workflows.repository.objects import CommitObject, Objects

_LARGEST_LIST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. `time`: when it was authored, ISO 8601 in UTC."""

    id: str
    author: str
    time: str
    subject: str


def last_commit(roots: Roots, path: Path, lines: dict[int, str], *, timeout: float = 5.0) -> Commit | None:
    """Return the latest commit that touched some lines of a file, as of HEAD.

    None if the file is in no checkout below a root, is not in HEAD, or its lines there are others than those given:
    then the commit would be that of other code. None also if the repository is broken, lacks objects, leads out of the
    roots or takes too much work to read. Replacements, grafts and `.mailmap` are not applied.

    Args:
        lines: their texts by number (from 1), without gaps.
        timeout: in seconds.
    """
    try:
        checkout = find_checkout(roots, path.parent)
        found = None if checkout is None else _latest(checkout, path, lines, Budget(seconds=timeout))
        if found is None:
            return None
        time = datetime.fromtimestamp(found.authored, UTC).isoformat()
    except (RepositoryError, OSError, ValueError, OverflowError):
        return None
    return Commit(found.id, found.author, time, found.subject)


def _latest(checkout: Checkout, path: Path, lines: dict[int, str], budget: Budget) -> CommitObject | None:
    head, _ = checkout.head()
    if not head:
        return None
    parts = tuple(os.fsencode(part) for part in path.relative_to(checkout.folder).parts)
    with Objects(checkout.roots, checkout.common_dir / "objects", budget) as objects:
        blob = objects.blob_at(objects.commit(head).tree, parts)
        if blob is None:
            return None
        stored = lines_of(objects.read(blob, "blob"))
        for number, text in lines.items():
            if not 0 < number <= len(stored) or stored[number - 1].decode("utf-8", "replace").rstrip() != text.rstrip():
                return None
        listed = content(checkout.roots, checkout.common_dir / "shallow", _LARGEST_LIST) or b""
        shallow = frozenset(listed.decode("ascii", "replace").split())
        return blame(objects, head, parts, (number - 1 for number in lines), shallow)[0]
