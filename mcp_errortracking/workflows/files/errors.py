"""Errors of the file system as errors that say what to do."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mcp_errortracking.workflows.files.open_folder import NotRegularError
from mcp_errortracking.workflows.problems import WorkflowError


def as_workflow_error(error: OSError, path: str | Path, verb: str) -> WorkflowError:
    """Return the error for a file that could not be `verb` (followed, read, written or deleted)."""
    if isinstance(error, NotRegularError):
        return WorkflowError("unreadable", f"{path} is not a regular file.", next_step="Name a file.")
    reason = _REASONS.get(
        error.errno or 0, ("unreadable", error.strerror or str(error), "Check the file and the disk, then try again.")
    )
    if reason is _DENIED and getattr(error, "winerror", None) is not None:
        reason = _DENIED_BY_WINDOWS
    code, why, next_step = reason
    return WorkflowError(code, f"{path} could not be {verb}.", why, next_step)


@contextmanager
def translate_os_errors(path: str | Path, verb: str) -> Generator[None]:
    """Raise the error that explains an `OSError` of the block."""
    try:
        yield
    except OSError as error:
        raise as_workflow_error(error, path, verb) from error


_FULL = (
    "disk_full",
    "The disk, or the space this user may use, is full.",
    "Make room, then run it again: the file is as it was.",
)
_DENIED = (
    "read_only",
    "It is read-only, or belongs to another user.",
    "Make it readable and writable for the user who runs this, or build again.",
)
_DENIED_BY_WINDOWS = (
    "read_only",
    "It is read-only, belongs to another user, or another program has it open.",
    "Close the program that uses it, such as a dev server or a watcher, then run it again; else make it writable.",
)
_GONE = (
    "vanished",
    "It, or its folder, no longer exists.",
    "Is a build running? Wait until it has ended, then run it again.",
)
_REASONS: dict[int, tuple[str, str, str]] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _DENIED),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), _GONE),
    errno.ELOOP: (
        "unreadable",
        "Its symlinks lead in a loop, or it has more than 40 of them.",
        "Name the file itself.",
    ),
    errno.EEXIST: ("in_the_way", "A file with this name exists.", "Name another folder, or move the file away."),
}
