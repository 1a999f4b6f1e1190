"""The last commit of a line, from the checkout that the source lies in."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.blame import blame
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.checkout import Checkout, find_checkout
from mcp_errortracking.workflows.repository.line_diff import split_lines
from mcp_errortracking.workflows.repository.objects import CommitObject, Objects


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. `time`: when it was authored, ISO 8601 in UTC."""

    id: str
    author: str
    time: str
    subject: str


def last_commit(roots: Roots, path: Path, lines: dict[int, str], budget: Budget) -> Commit | None:
    """Return the latest commit that touched some lines of a file, as of HEAD.

    None if the file is in no checkout below a root, is not in HEAD, or its lines there differ from those given: then
    the commit would be that of other code. None also if the repository is broken, lacks objects, leads out of the roots
    or exceeds the budget. Replacements, grafts and `.mailmap` are not applied.

    Args:
        lines: their texts by number (from 1), without gaps.
        budget: of all files that a call looks up.
    """
    try:
        checkout = find_checkout(roots, path.parent, budget)
        found = None if checkout is None else _latest(checkout, path, lines)
        if found is None:
            return None
        time = datetime.fromtimestamp(found.authored, UTC).isoformat()
    except (RepositoryError, OSError, ValueError, OverflowError):
        return None
    return Commit(found.id, found.author, time, found.subject)


def _latest(checkout: Checkout, path: Path, lines: dict[int, str]) -> CommitObject | None:
    budget = checkout.budget
    head, _ = checkout.head()
    if not head:
        return None
    parts = tuple(os.fsencode(part) for part in path.relative_to(checkout.folder).parts)
    with Objects(checkout.roots, checkout.common_dir / "objects", budget) as objects:
        blob = objects.blob_at(objects.commit(head).tree, parts)
        if blob is None:
            return None
        stored = split_lines(objects.read(blob, "blob"), budget)
        for number, text in lines.items():
            if not 0 < number <= len(stored) or stored[number - 1].decode("utf-8", "replace").rstrip() != text.rstrip():
                return None
        return blame(objects, head, parts, (number - 1 for number in lines), checkout.shallow())[0]
