"""Paths below the roots, followed name by name from the descriptor of the root.

The system never looks up a path below a root, so that no symlink leads out of it, also not one that another process
puts there meanwhile: the text of a symlink is followed here, by the same rules as the path. Everything outside the
roots, and the place of the roots themselves, is trusted.
"""

import errno
import os
from collections import deque
from collections.abc import Sequence
from itertools import islice
from pathlib import Path, PurePath
from types import TracebackType

from mcp_errortracking.workflows.files import open_folder
from mcp_errortracking.workflows.files.open_folder import OpenFolder

_MOST_SYMLINKS = 40
"""Symlinks followed for one path, as in Linux."""
_MOST_NAMES = 1024
"""Names followed for one path, with those in symlinks: each is a call of the system."""


_EXTENDED = "\\\\?\\"
"""The beginning of an absolute path in the symlinks of Windows."""


class OutsideError(Exception):
    """The path leads out of the roots."""


class Place:
    """The end of a path: a name in an open folder. To be closed.

    `name`: "." for a root itself.
    """

    def __init__(self, folder: OpenFolder, name: str, missing: OSError | None = None) -> None:
        """
        Args:
            name: a path, where a folder on it is `missing`.
        """
        self.name = name
        self._folder = folder
        self._missing = missing

    @property
    def path(self) -> Path:
        """The real path."""
        return self._folder.path / self.name

    @property
    def folder(self) -> OpenFolder:
        """The folder.

        Raises:
            OSError: it does not exist, or may not be entered.
        """
        if self._missing is not None:
            raise self._missing
        return self._folder

    def __enter__(self) -> "Place":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.close()


def follow(roots: Sequence[Path], path: Path) -> Place:
    """Return the place that an absolute path leads to. Neither its last name nor the folders above need exist.

    Args:
        roots: real paths, of which none lies below another.

    Raises:
        OutsideError: it leads out of the roots.
        OSError: it leads in a loop or through too many symlinks, or a root is gone.
    """
    return _Path(roots, path).follow() if open_folder.BY_DESCRIPTOR else _by_path(roots, path)


def _by_path(roots: Sequence[Path], path: Path) -> Place:
    _stay_on_drives(roots, path)
    try:
        real = path.resolve()
    except RuntimeError as error:  # a loop, before Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    if not any(real.is_relative_to(root) for root in roots):
        raise OutsideError
    return Place(OpenFolder(real), ".") if real in roots else Place(OpenFolder(real.parent), real.name)


def _stay_on_drives(roots: Sequence[Path], path: Path) -> None:
    """Follow a path and its symlinks by their texts alone, as far as they name another drive.

    Raises:
        OutsideError: they do.
    """
    whole = Path(os.path.normpath(path))  # Windows reads ".." as spelled
    at, left = Path(whole.anchor), deque(whole.parts[1:])
    symlinks = 0
    while not is_on_other_drive(roots, at):
        if not left or symlinks > _MOST_SYMLINKS:
            return
        at /= left.popleft()
        try:
            text = os.readlink(at)
        except OSError:  # it is not a symlink, or missing
            continue
        symlinks += 1
        target = Path(os.path.normpath(at.parent / plain_target(text)))
        at = Path(target.anchor)
        left.extendleft(reversed(target.parts[1:]))
    raise OutsideError


def plain_target(text: str) -> str:
    """Return the text of a symlink of Windows without the prefix of extended paths, which hides a share."""
    plain = text.removeprefix(_EXTENDED)
    is_share = plain != text and plain[:4].upper() == "UNC\\"
    return f"\\\\{plain[4:]}" if is_share else plain


def is_on_other_drive(roots: Sequence[PurePath], path: PurePath) -> bool:
    """True if a path names a drive or a share of Windows that no root is on.

    It must not be looked up: to ask another machine for a share, Windows sends it a proof of the user's password.
    """
    return path.drive.lower() not in {root.drive.lower() for root in roots}


class _Path:
    """A path while it is followed."""

    def __init__(self, roots: Sequence[Path], path: Path) -> None:
        self._roots = roots
        self._left = deque[str]()
        self._names = self._symlinks = 0
        self._start_with(path)

    def follow(self) -> Place:
        while True:
            folder = OpenFolder(self._enter())
            try:
                place = self._descend(folder)
            except BaseException:
                folder.close()
                raise
            if place is not None:
                return place
            folder.close()

    def _enter(self) -> Path:
        """Follow the path as far as a root, and return the root."""
        at = Path("/")
        while True:
            for root in self._roots:
                above, below = root.parts[: len(at.parts)], root.parts[len(at.parts) :]
                if above == at.parts and tuple(islice(self._left, len(below))) == below:
                    for _ in below:
                        self._left.popleft()
                    return root
            if not self._left:
                raise OutsideError
            name = self._left.popleft()
            if name == "..":
                at = at.parent
                continue
            try:
                text = os.readlink(at / name)
            except OSError:  # it is not a symlink, or missing
                at /= name
            else:
                self._count_symlink()
                self._start_with(at / text)
                at = Path("/")

    def _descend(self, folder: OpenFolder) -> Place | None:
        """Follow the path from a root on; None if it has to start again, as after an absolute symlink or a ".."."""
        while self._left:
            name = self._left.popleft()
            if name == "..":
                above = folder.path.parent
                while self._left and self._left[0] == "..":
                    self._left.popleft()
                    above = above.parent
                self._start_with(above)
                return None
            try:
                if self._left:
                    folder.enter(name)
                    continue
            except OSError as error:
                stopped = error
            else:
                stopped = None
            text = folder.symlink(name)
            if text is not None:
                self._count_symlink()
                names = Path(text).parts
                if os.path.isabs(text) or not (names or self._left):
                    self._start_with(folder.path / text)
                    return None
                self._put_before(names)
                continue
            if stopped is None:
                return Place(folder, name)
            rest = os.path.join(name, *self._left)
            if ".." not in self._left:
                return Place(folder, rest, stopped)
            self._left.clear()  # below what does not exist, ".." counts as spelled
            self._start_with(folder.path / os.path.normpath(rest))
            return None
        return Place(folder, ".")

    def _start_with(self, path: Path) -> None:
        """Put the names of an absolute path before those that are left."""
        self._put_before(path.parts[1:])

    def _put_before(self, names: Sequence[str]) -> None:
        self._names += len(names)
        if self._names > _MOST_NAMES:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self._left.extendleft(reversed(names))

    def _count_symlink(self) -> None:
        self._symlinks += 1
        if self._symlinks > _MOST_SYMLINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
