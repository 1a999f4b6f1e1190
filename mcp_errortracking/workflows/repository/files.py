"""Files of a repository, read only if they are regular files below the roots."""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from mcp_errortracking.workflows.files.open_folder import NotRegularError
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.repository.budget import RepositoryError


def resolve(roots: Roots, path: Path) -> Path:
    """Return the real path.

    Raises:
        RepositoryError: it leads out of the roots.
    """
    try:
        return roots.resolve(path)
    except WorkflowError as error:
        raise RepositoryError(error.why) from error


def is_folder(roots: Roots, path: Path) -> bool:
    """Return True if there is a folder of this path.

    Raises:
        RepositoryError: it leads out of the roots.
    """
    try:
        state = roots.stat(path)
    except WorkflowError as error:
        raise RepositoryError(error.why) from error
    return state is not None and stat.S_ISDIR(state.st_mode)


@contextmanager
def open_file(roots: Roots, path: Path) -> Generator[FileIO]:
    """Open a file without a buffer.

    Raises:
        RepositoryError: it leads out of the roots, or is not a regular file.
        OSError: it is missing or may not be read.
    """
    try:
        file = roots.open(path)
    except NotRegularError as error:
        raise RepositoryError(f"{path.name} is not a regular file") from error
    except WorkflowError as error:
        raise RepositoryError(error.why) from error
    with file:
        yield file


def content(roots: Roots, path: Path, limit: int) -> bytes | None:
    """Return the content of a file, or None if it is missing.

    Raises:
        RepositoryError: as for `open_file`, or it has more than `limit` bytes.
    """
    pieces, size = list[bytes](), 0
    try:
        with open_file(roots, path) as file:
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
    """Return the names in a folder; [] if it is missing. No symlink in it is followed.

    Raises:
        RepositoryError: it leads out of the roots, or holds more than `limit` names.
    """
    try:
        found = roots.names(folder, limit + 1)
    except WorkflowError as error:
        raise RepositoryError(error.why) from error
    if len(found) > limit:
        raise RepositoryError(f"{folder.name} holds too many files")
    return sorted(found)
