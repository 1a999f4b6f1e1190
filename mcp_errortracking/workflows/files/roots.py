"""The folders whose files a workflow may read and write. All access to the user's files goes through here."""

import errno
import os
import secrets
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader, FileIO
from itertools import islice
from pathlib import Path

from anyio.from_thread import check_cancelled

from mcp_errortracking.workflows.files.errors import translate_os_errors
from mcp_errortracking.workflows.files.open_folder import Entry, OpenFolder
from mcp_errortracking.workflows.files.places import OutsideError, Place, follow
from mcp_errortracking.workflows.problems import WorkflowError

LEFTOVER = ".mcp-errortracking.tmp"
"""The end of the name of a file that is being written; one found later was left by a process that was killed."""

_LONGEST_NAME, _LONGEST_PATH = 255, 3500  # bytes, on the file systems there are, with room for the root
MAX_ENTRIES = 500_000
"""Entries that one `walk` reads: a limit on its time and memory."""

_DEEPEST = 100  # folders within folders that `walk` goes into: each is reached from its root
_SHOWN = 200


class Roots:
    """The folders that the configuration names. Relative paths start at the first.

    No access leaves them, even if another process moves folders and symlinks meanwhile: see `places`. A returned path
    is only a name; every later use follows it again.
    """

    def __init__(self, folders: Sequence[str | Path] = (".",)) -> None:
        """Follow the symlinks of the roots, but not of a root below another: other users may write there.

        Raises:
            WorkflowError: a root is not a folder.
        """
        named = [Path.cwd() / Path(folder).expanduser() for folder in folders or (".",)]
        named = [folder.resolve() if ".." in folder.parts else folder for folder in named]
        self._tops = _outermost([folder.resolve() for folder in _outermost(named)])
        self.folders = tuple(self._real(folder) for folder in named)

    def _real(self, root: Path) -> Path:
        try:
            with follow(self._tops, root) as place:
                if stat.S_ISDIR(place.folder.stat(place.name).st_mode):
                    return place.path
        except (OSError, OutsideError):
            pass
        raise WorkflowError(
            "no_root", f"The root {root} is not a folder.", next_step="Name an existing folder with --root."
        )

    def resolve(self, path: str | Path) -> Path:
        """Return the real path, every symlink followed; it need not exist.

        Raises:
            WorkflowError: it lies outside the roots, itself or through a symlink, or is not a path.
        """
        with translate_os_errors(path, "followed"), self._place(path) as place:
            return place.path

    def holds(self, real: Path) -> bool:
        """True if a path without symlinks lies in one of the folders."""
        return any(real.is_relative_to(folder) for folder in self._tops)

    def folder(self, path: str | Path) -> Path:
        """Return the real path of a folder that exists.

        Raises:
            WorkflowError: as for `resolve`, or there is no such folder.
        """
        with translate_os_errors(path, "followed"), self._place(path) as place:
            state = _state(place)
            if state is None or not stat.S_ISDIR(state.st_mode):
                why = "It does not exist." if state is None else "It is a file."
                raise WorkflowError(
                    "no_folder", f"{path} is not a folder.", why, "Name the folder that the build wrote."
                )
            return place.path

    def file(self, path: str | Path) -> Path | None:
        """Return the real path of a regular file; None if there is none.

        Raises:
            WorkflowError: as for `resolve`.
        """
        with translate_os_errors(path, "followed"), self._place(path) as place:
            state = _state(place)
            return place.path if state is not None and stat.S_ISREG(state.st_mode) else None

    def stat(self, path: str | Path) -> os.stat_result | None:
        """Return the state of a file or folder; None if there is none, or it cannot be reached.

        Raises:
            WorkflowError: as for `resolve`.
        """
        with translate_os_errors(path, "followed"), self._place(path) as place:
            return _state(place)

    def names(self, folder: str | Path, limit: int) -> list[str]:
        """Return the names in a folder, at most `limit`, in no order; [] if it cannot be listed.

        Symlinks in it are not followed.

        Raises:
            WorkflowError: as for `resolve`.
        """
        real = self.resolve(folder)
        with suppress(OSError), self._open_folder(real) as opened, opened.listing() as entries:
            return [entry.name for entry in islice(entries, limit)]
        return []

    def walk(
        self, folder: Path, failed: Callable[[Path, WorkflowError], None]
    ) -> Iterator[tuple[Path, list[str], list[str]]]:
        """List a folder and those below it: each path with the names of its folders and of its other entries.

        Only the folders that the caller leaves in the list are entered, in its order. Symlinks to folders are left out.
        `failed` is called for a folder that cannot be listed. A cancelled call ends between two entries.

        Raises:
            WorkflowError: there are more than `MAX_ENTRIES` entries.
        """
        left, remaining = [(folder, 0)], MAX_ENTRIES
        while left:
            at, depth = left.pop()
            try:
                with translate_os_errors(at, "read"), self._open_folder(at) as opened, opened.listing() as listed:
                    entries = list(_until_cancelled(islice(listed, remaining + 1)))
            except WorkflowError as error:
                failed(at, error)
                continue
            remaining -= len(entries)
            if remaining < 0:
                raise _too_many(folder, at)
            folders = [entry.name for entry in entries if entry.is_folder]
            others = [entry.name for entry in entries if not entry.is_folder and not self._is_folder(at, entry)]
            yield at, folders, others
            if depth == _DEEPEST and folders:
                failed(at / folders[0], _too_deep())
                continue
            left += [(at / name, depth + 1) for name in reversed(folders)]

    def make_folder(self, path: str | Path) -> Path:
        """Return the real path of a folder, made if it is missing, with those above it.

        Raises:
            WorkflowError: as for `resolve`, or a file stands in its way, or it may not be made.
        """
        real = self.resolve(path)
        with translate_os_errors(path, "written"):
            missing = [real]
            for folder in real.parents:
                if not self.holds(folder) or self.stat(folder) is not None:
                    break
                missing.append(folder)
            for folder in reversed(missing):
                with self._place(folder) as place:
                    place.folder.make_folder(place.name)
        return real

    def open(self, path: str | Path) -> FileIO:
        """Open a regular file, to be read.

        Raises:
            WorkflowError: as for `resolve`.
            NotRegularError: it is a folder, a pipe, a device or a socket.
            OSError: it cannot be opened.
        """
        with self._place(path) as place:
            return place.folder.read(place.name)

    def read(self, path: str | Path, limit: int) -> bytes:
        """Return the content of a file.

        Raises:
            WorkflowError: as for `read_part`, or it has more than `limit` bytes.
        """
        content = self.read_part(path, limit + 1)
        if len(content) > limit:
            size = f"{Path(path).name} has more than {limit // 1024**2} MiB."
            raise WorkflowError(
                "too_large", size, "PostHog does not take larger files.", "Split the bundle into chunks."
            )
        return content

    def read_part(self, path: str | Path, size: int, *, from_end: bool = False) -> bytes:
        """Return the first bytes of a file, or the last.

        Raises:
            WorkflowError: as for `resolve`, or it is not a regular file or cannot be read.
        """
        with translate_os_errors(path, "read"), BufferedReader(self.open(path)) as file:
            if from_end:
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read(size)

    def delete(self, path: str | Path) -> None:
        """Delete a file; a symlink, not what it leads to.

        Raises:
            WorkflowError: as for `resolve`, or it is gone, or may not be deleted.
        """
        name = Path(path).name
        folder = self.resolve(Path(path).parent)
        with translate_os_errors(path, "deleted"), self._open_folder(folder) as opened:
            opened.delete(name)

    def write(self, *files: tuple[str | Path, bytes]) -> None:
        """Replace or create files, each as a whole, in this order. No file is replaced until all are written.

        Modes are kept. A process that is killed leaves whole files, and files whose names end in `LEFTOVER`.

        Raises:
            WorkflowError: as for `resolve`, or a file is read-only, the disk full, the folder gone.
        """
        staged: list[tuple[Path, str]] = []
        try:
            for path, content in files:
                with translate_os_errors(path, "written"), self._place(path) as place:
                    temporary = f".{place.name[:50]}.{secrets.token_hex(4)}{LEFTOVER}"
                    with place.folder.create(temporary, place.folder.mode(place.name)) as file:
                        staged.append((place.path, temporary))
                        file.write(content)
            while staged:
                real, temporary = staged[0]
                with translate_os_errors(real, "written"), self._open_folder(real.parent) as folder:
                    folder.rename(temporary, real.name)
                staged.pop(0)
        finally:
            for real, temporary in staged:
                with suppress(OSError, WorkflowError), self._open_folder(real.parent) as folder:
                    folder.delete(temporary)

    def _place(self, path: str | Path) -> Place:
        """Follow a path.

        Raises:
            WorkflowError: as for `resolve`.
            OSError: it leads in a loop.
        """
        text = os.fspath(path)
        if not text or "\0" in text or _is_too_long(text):
            shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
            raise WorkflowError("no_path", f"{shown} is not a path.", next_step="Give the path of a file or folder.")
        given = self.folders[0] / text
        try:
            return follow(self._tops, given)
        except OutsideError:
            spelled = Path(os.path.normpath(given))
            through = "it is or passes a symlink that leads out" if self.holds(spelled) else "it lies outside"
            allowed = ", ".join(map(str, self.folders))
            raise WorkflowError(
                "outside_roots",
                f"{text} may not be used.",
                f"Only files below {allowed} may, and {through}.",
                "Name a path below it, or allow that folder with --root.",
            ) from None

    @contextmanager
    def _open_folder(self, real: Path) -> Generator[OpenFolder]:
        """Open the folder of a real path; if a symlink has taken its place, it counts as missing."""
        with self._place(real) as place:
            folder = place.folder
            if place.name != ".":
                folder.enter(place.name)
            if folder.path != real:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            yield folder

    def _is_folder(self, parent: Path, entry: Entry) -> bool:
        """True for a symlink to a folder below the roots."""
        with suppress(WorkflowError):
            state = self.stat(parent / entry.name) if entry.is_symlink else None
            return state is not None and stat.S_ISDIR(state.st_mode)
        return False


def _outermost(folders: Sequence[Path]) -> list[Path]:
    """Return the folders that lie below none of the others."""
    return [one for one in folders if not any(one != other and one.is_relative_to(other) for other in folders)]


def _state(place: Place) -> os.stat_result | None:
    try:
        return place.folder.stat(place.name)
    except OSError:
        return None


def _is_too_long(path: str) -> bool:
    encoded = os.fsencode(path)
    names = encoded.replace(b"\\", b"/").split(b"/")
    return len(encoded) > _LONGEST_PATH or any(len(name) > _LONGEST_NAME for name in names)


def _until_cancelled(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Yield the entries; in a worker thread, raise the cancellation of its call."""
    for entry in entries:
        with suppress(RuntimeError):  # not in a worker thread
            check_cancelled()
        yield entry


def _too_many(folder: Path, at: Path) -> WorkflowError:
    return WorkflowError(
        "too_many_files",
        f"{folder} has more than {MAX_ENTRIES:,} files and folders.",
        f"The limit was reached in {at}.",
        "Name a smaller folder, or exclude folders that are not part of the build.",
    )


def _too_deep() -> WorkflowError:
    next_step = "Exclude it, or name a folder further inside."
    return WorkflowError("too_deep", f"It lies below more than {_DEEPEST} folders.", next_step=next_step)
