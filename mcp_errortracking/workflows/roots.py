"""The folders whose files a workflow may read and write, and how it writes them."""

import errno
import os
import secrets
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mcp_errortracking.workflows.problems import WorkflowError

LEFTOVER = ".mcp-errortracking.tmp"
"""How the name of a file being written ends; one that is found later was left by a process that was killed."""

_LONGEST_NAME, _LONGEST_PATH = 255, 3500  # bytes, on the file systems there are, with room for the root
_SHOWN = 200


class Roots:
    """The folders that the configuration names. Relative paths start at the first."""

    def __init__(self, folders: Sequence[str | Path] = (".",)) -> None:
        """Follows the symlinks of the roots themselves.

        Raises:
            WorkflowError: a root is no folder.
        """
        self.folders = tuple(Path(folder).expanduser().resolve() for folder in folders) or (Path.cwd(),)
        for folder in self.folders:
            if not folder.is_dir():
                raise WorkflowError(
                    "no_root", f"The root {folder} is no folder.", next_step="Name an existing folder with --root."
                )

    def resolve(self, path: str | Path) -> Path:
        """The real path, every symlink followed; it need not exist.

        Raises:
            WorkflowError: it lies outside the roots, itself or through a symlink, or is no path at all.
        """
        text = os.fspath(path)
        if not text or "\0" in text or _is_too_long(text):
            shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
            raise WorkflowError("no_path", f"{shown} is no path.", next_step="Give the path of a file or folder.")
        given = self.folders[0] / text
        try:
            real = given.resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symlinks, before Python 3.13
            raise WorkflowError(
                "unreadable", f"{text} cannot be followed.", str(error), "Name the file itself."
            ) from error
        if not self.holds(real):
            through = "it is or passes a symlink that leads out" if self.holds(_spelled(given)) else "it lies outside"
            allowed = ", ".join(map(str, self.folders))
            raise WorkflowError(
                "outside_roots",
                f"{text} may not be used.",
                f"Only files below {allowed} may, and {through}.",
                "Name a path below it, or allow that folder with --root.",
            )
        return real

    def holds(self, real: Path) -> bool:
        """Whether a path without symlinks lies in one of the folders."""
        return any(real.is_relative_to(folder) for folder in self.folders)

    def folder(self, path: str | Path) -> Path:
        """The real path of a folder that exists.

        Raises:
            WorkflowError: as for `resolve`, or there is no such folder.
        """
        real = self.resolve(path)
        if not real.is_dir():
            why = "It is a file." if real.exists() else "There is nothing of this name."
            raise WorkflowError("no_folder", f"{path} is no folder.", why, "Name the folder that the build wrote.")
        return real

    def make_folder(self, path: str | Path) -> Path:
        """The real path of a folder, made if it is missing, with those above it.

        Raises:
            WorkflowError: as for `resolve`, or a file stands in its way, or it may not be made.
        """
        real = self.resolve(path)
        with _explaining(path):
            real.mkdir(parents=True, exist_ok=True)
        return real

    def read(self, path: str | Path, limit: int) -> bytes:
        """The content of a file.

        Raises:
            WorkflowError: as for `resolve`, or it is no regular file, has more than `limit` bytes, or cannot be read.
        """
        content = self.read_part(path, limit + 1)
        if len(content) > limit:
            size = f"{Path(path).name} has more than {limit // 1024**2} MiB."
            raise WorkflowError("too_large", size, "PostHog takes no larger file.", "Split the bundle into chunks.")
        return content

    def read_part(self, path: str | Path, size: int, *, from_end: bool = False) -> bytes:
        """The first bytes of a file, or the last.

        Raises:
            WorkflowError: as for `resolve`, or it is no regular file or cannot be read.
        """
        real = self.resolve(path)
        try:
            if not stat.S_ISREG(real.stat().st_mode):
                raise WorkflowError("unreadable", f"{path} is no regular file.", next_step="Name a file.")
            with real.open("rb") as file:
                if from_end:
                    file.seek(max(0, file.seek(0, os.SEEK_END) - size))
                return file.read(size)
        except OSError as error:
            raise explained(error, path, "read") from error

    def delete(self, path: str | Path) -> None:
        """Deletes a file.

        Raises:
            WorkflowError: as for `resolve`, or it is gone, or may not be deleted.
        """
        real = self.resolve(path)
        with _explaining(path, "deleted"):
            real.unlink()

    def write(self, *files: tuple[str | Path, bytes]) -> None:
        """Replaces or creates files, each as a whole, in this order: until all are written, the old ones stand.

        Modes are kept. A process that is killed leaves whole files, and files whose names end in `LEFTOVER`.

        Raises:
            WorkflowError: as for `resolve`, or a file is read-only, the disk full, the folder gone.
        """
        staged: list[tuple[Path, Path]] = []
        try:
            for path, content in files:
                real = self.resolve(path)
                with _explaining(path):
                    temporary = real.with_name(f".{real.name[:50]}.{secrets.token_hex(4)}{LEFTOVER}")
                    mode = _mode(real)
                    with open(temporary, "xb") as file:
                        staged.append((temporary, real))
                        if mode is not None:
                            os.chmod(temporary, mode)
                        file.write(content)
            while staged:
                temporary, real = staged[0]
                with _explaining(real):
                    os.replace(temporary, real)
                staged.pop(0)
        finally:
            for temporary, _ in staged:
                with suppress(OSError):
                    temporary.unlink()


def _is_too_long(path: str) -> bool:
    encoded = os.fsencode(path)
    return len(encoded) > _LONGEST_PATH or any(len(os.fsencode(part)) > _LONGEST_NAME for part in Path(path).parts)


def explained(error: OSError, path: str | Path, verb: str) -> WorkflowError:
    """The error for a file that could not be `verb`: read, written or deleted."""
    code, why, next_step = _REASONS.get(
        error.errno or 0, ("unreadable", error.strerror or str(error), "Check the file and the disk, then try again.")
    )
    return WorkflowError(code, f"{path} could not be {verb}.", why, next_step)


@contextmanager
def _explaining(path: str | Path, verb: str = "written") -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise explained(error, path, verb) from error


def _mode(path: Path) -> int | None:
    """The mode of a file that may be replaced; None if there is none. A read-only one is not replaced, even by root."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None
    if not (mode & 0o222 and os.access(path, os.W_OK)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return mode


def _spelled(path: Path) -> Path:
    return Path(os.path.normpath(path))


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
_GONE = (
    "vanished",
    "It, or the folder it lies in, is no longer there.",
    "Is a build running? Wait until it has ended, then run it again.",
)
_REASONS: dict[int, tuple[str, str, str]] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _DENIED),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), _GONE),
    errno.EEXIST: ("in_the_way", "A file of this name is there.", "Name another folder, or move the file away."),
}
