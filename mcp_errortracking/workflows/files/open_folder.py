"""An open folder, whose entries are reached through its descriptor.

Nothing here follows a symlink: an entry that is one, or becomes one between two steps, is an error. Where the system
has no such calls (Windows), entries are reached by path, and another process can put a symlink in their way.
"""

import errno
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from mcp_errortracking.system import replacement

BY_DESCRIPTOR = {os.open, os.stat, os.unlink, os.mkdir, os.rename, os.readlink} <= os.supports_dir_fd
"""True if the system reaches entries through the descriptor of their folder."""

_NEVER_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
# O_PATH asks for no permission to list the folder, as a path does not.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_LISTING = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NEVER_FOLLOW
# A pipe that takes the file's place is opened without waiting for its other end, and then refused.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_CREATING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_PERMISSIONS = 0o777  # of a file's mode, without setuid: replaced content must not run as its owner


class NotRegularError(OSError):
    """The entry is a folder, a pipe, a device or a socket, where a regular file is needed."""

    def __init__(self) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a folder."""

    name: str
    is_folder: bool
    is_symlink: bool


class OpenFolder:
    """A folder that stays the same one even if its path comes to lead elsewhere. Methods raise `OSError`."""

    def __init__(self, path: Path) -> None:
        """Open a folder by a path that is trusted."""
        self._start = path
        self._names = list[str]()
        self._descriptor = os.open(path, _FOLDER) if BY_DESCRIPTOR else None

    def __enter__(self) -> "OpenFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The path at the time of opening. No name that was entered was a symlink."""
        return self._start.joinpath(*self._names)

    def close(self) -> None:
        """Close it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def enter(self, name: str) -> None:
        """Enter the folder of this name in it."""
        if self._descriptor is not None:
            inner = os.open(name, _FOLDER | _NEVER_FOLLOW, dir_fd=self._descriptor)
            os.close(self._descriptor)
            self._descriptor = inner
        self._names.append(name)

    def symlink(self, name: str) -> str | None:
        """Return the text of a symlink; None if the entry is not a symlink or cannot be read."""
        try:
            return os.readlink(self._at(name), **self._where)
        except OSError:
            return None

    @contextmanager
    def listing(self) -> Generator[Iterator[Entry]]:
        """List the entries one by one, in no order."""
        if self._descriptor is None:
            with os.scandir(self.path) as found:
                yield map(_entry, found)
            return
        descriptor = os.open(".", _LISTING, dir_fd=self._descriptor)
        try:
            with os.scandir(descriptor) as found:
                yield map(_entry, found)
        finally:
            os.close(descriptor)

    def stat(self, name: str) -> os.stat_result:
        """Return the state of an entry; of a symlink itself, not of its target."""
        return os.stat(self._at(name), follow_symlinks=False, **self._where)

    def read(self, name: str) -> FileIO:
        """Open a regular file."""
        if not stat.S_ISREG(self.stat(name).st_mode):  # opening a device can set it going
            raise NotRegularError
        file = FileIO(os.open(self._at(name), _READING | _NEVER_FOLLOW, **self._where))
        try:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotRegularError
        except BaseException:
            file.close()
            raise
        return file

    def create(self, name: str, mode: int | None) -> BinaryIO:
        """Create a file for writing. `mode`: its permissions; None for those of any new file."""
        file = os.fdopen(os.open(self._at(name), _CREATING | _NEVER_FOLLOW, 0o666, **self._where), "wb")
        try:
            if mode is not None:
                os.chmod(file.fileno() if os.chmod in os.supports_fd else self._at(name), mode)
        except BaseException:
            file.close()
            raise
        return file

    def mode(self, name: str) -> int | None:
        """Return the permissions of a file to be replaced; None if it is missing. A read-only file is an error."""
        try:
            mode = self.stat(name).st_mode
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(mode):
            raise NotRegularError
        if not (mode & 0o222 and os.access(self._at(name), os.W_OK, **self._where)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return mode & _PERMISSIONS

    def make_folder(self, name: str) -> None:
        """Make a folder, unless there is one of this name."""
        try:
            os.mkdir(self._at(name), **self._where)
        except FileExistsError:
            if not stat.S_ISDIR(self.stat(name).st_mode):
                raise

    def delete(self, name: str) -> None:
        """Delete a file."""
        replacement.delete(self._at(name), **self._where)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file, replacing one of the new name."""
        where = {} if self._descriptor is None else dict.fromkeys(("src_dir_fd", "dst_dir_fd"), self._descriptor)
        replacement.replace(self._at(name), self._at(new_name), **where)

    def _at(self, name: str) -> str | Path:
        return self.path / name if self._descriptor is None else name

    @property
    def _where(self) -> dict[str, Any]:
        return {} if self._descriptor is None else {"dir_fd": self._descriptor}


def _entry(found: os.DirEntry[str]) -> Entry:
    return Entry(found.name, found.is_dir(follow_symlinks=False), found.is_symlink())
