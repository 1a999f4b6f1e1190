"""Files of a repository, read only if they are regular files below the roots."""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.repository.budget import RepositoryError
from mcp_errortracking.workflows.roots import Roots

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def resolved(roots: Roots, path: Path) -> Path:
    """Return the real path.

    Raises:
        RepositoryError: it leads out of the roots.
    """
    try:
        return roots.resolve(path)
    except WorkflowError as error:
        raise RepositoryError(error.why) from error


@contextmanager
def opened(roots: Roots, path: Path) -> Generator[BinaryIO]:
    """Open a file without a buffer.

    Raises:
        RepositoryError: it leads out of the roots, or is not a regular file.
        OSError: it is missing or may not be read.
    """
    descriptor = os.open(resolved(roots, path), _FLAGS)
    with open(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RepositoryError(f"{path.name} is not a regular file")
        yield file  # pyright: ignore[reportReturnType] a raw file reads as a buffered one does


def content(roots: Roots, path: Path, limit: int) -> bytes | None:
    """Return the content of a file, or None if it is missing.

    Raises:
        RepositoryError: as for `opened`, or it has more than `limit` bytes.
    """
    pieces, size = list[bytes](), 0
    try:
        with opened(roots, path) as file:
            while piece := file.read(limit + 1 - size):
                pieces.append(piece)
                size += len(piece)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if size > limit:
        raise RepositoryError(f"{path.name} is too large")
    return b"".join(pieces)


def line(roots: Roots, path: Path) -> str | None:
    """Return the only line of a small file, or None if the file is missing."""
    text = content(roots, path, 8192)
    return None if text is None else os.fsdecode(text.rstrip(b"\r\n"))


def names(roots: Roots, folder: Path, limit: int) -> list[str]:
    """Return the names in a folder, none if it is missing.

    Raises:
        RepositoryError: it leads out of the roots, or holds more than `limit` names.
    """
    try:
        with os.scandir(resolved(roots, folder)) as entries:
            found = [entry.name for entry in islice(entries, limit + 1)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    if len(found) > limit:
        raise RepositoryError(f"{folder.name} holds too many files")
    return sorted(found)
