"""The files of the repository that a command is about."""

import os
from pathlib import Path

_MOST_FILES = 200_000
_SKIPPED = frozenset([".git", "node_modules", ".venv", "venv", "__pycache__"])


def repository_root(code_owners: Path) -> Path:
    """Return the folder that the paths of a CODEOWNERS file begin at."""
    folder = code_owners.resolve().parent
    return folder.parent if folder.name in (".github", ".gitlab", "docs") else folder


def repository_files(root: Path) -> set[str]:
    """Return the paths of a repository's files, relative to its root; of very many, the first."""
    found = set[str]()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        relative = Path(folder).relative_to(root).as_posix()
        found.update(name if relative == "." else f"{relative}/{name}" for name in names)
        if len(found) >= _MOST_FILES:
            break
    return found
