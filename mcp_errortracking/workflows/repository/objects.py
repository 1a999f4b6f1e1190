"""The objects of a repository, from loose files and packs, its own and those of its alternates below the roots."""

import hashlib
import re
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.files import content, names, open_file, resolve
from mcp_errortracking.workflows.repository.packs import LARGEST, Pack

_HEADER = re.compile(rb"(commit|tree|blob|tag) (\d{1,10})\0")
_LONGEST_HEADER = 32
_MOST_FOLDERS = 16
_MOST_PACKS = 100
_MOST_NAMES = 10_000
_FILE_MODES = (b"100644 ", b"100755 ", b"100664 ")
_FOLDER_MODES = (b"40000 ",)
_ENCODINGS = {b"iso-8859-1": "latin-1", b"latin-1": "latin-1", b"iso-8859-15": "iso8859-15", b"cp1252": "cp1252"}


@dataclass(frozen=True, slots=True)
class CommitObject:
    """A commit as it is stored. The times are seconds since 1970."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: str
    authored: int
    committed: int
    subject: str


class Objects:
    """Reads objects by their hexadecimal names, and checks that their content fits the name. Close it after use."""

    def __init__(self, roots: Roots, folder: Path, budget: Budget) -> None:
        """
        Args:
            folder: the folder `objects`.
        """
        self.budget = budget
        self._roots = roots
        self._folders = self._with_alternates(folder)
        self._packs: dict[int, list[Pack]] = {}  # by the width of names
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def read(self, name: str, wanted: str) -> bytes:
        """Return the content of an object of the kind `wanted`.

        Raises:
            RepositoryError: it is missing, broken, of another kind or too large.
        """
        self.budget.spend(100)
        try:
            kind, found = self._packed(bytes.fromhex(name)) or self._loose(name)
        except (ValueError, IndexError, zlib.error) as error:
            raise RepositoryError("an object is broken") from error
        if kind != wanted:
            raise RepositoryError(f"an object is a {kind}, not a {wanted}")
        self.budget.spend(len(found) // 128)
        digest = hashlib.sha256 if len(name) == 64 else hashlib.sha1
        if digest(b"%s %d\0" % (kind.encode(), len(found)) + found).hexdigest() != name:
            raise RepositoryError("an object has another content than its name says")
        return found

    def commit(self, name: str) -> CommitObject:
        """Return a commit.

        Raises:
            RepositoryError: as for `read`.
        """
        head, _, message = self.read(name, "commit").partition(b"\n\n")
        values: dict[bytes, list[bytes]] = {}
        for line in head.split(b"\n"):
            key, _, value = line.partition(b" ")
            values.setdefault(key, []).append(value)
        encoding = _ENCODINGS.get(values.get(b"encoding", [b""])[0].lower(), "utf-8")
        author, authored = _person(values.get(b"author", [b""])[0])
        _, committed = _person(values.get(b"committer", [b""])[0])
        return CommitObject(
            name,
            _object_id(values.get(b"tree", [b""])[0]),
            tuple(map(_object_id, values.get(b"parent", []))),
            author.decode(encoding, "replace"),
            authored,
            committed,
            message.lstrip(b"\n").partition(b"\n")[0].decode(encoding, "replace"),
        )

    def blob_at(self, tree: str, path: tuple[bytes, ...]) -> str | None:
        """Return the name of the file at a path in a tree, or None.

        Raises:
            RepositoryError: as for `read`.
        """
        for folder in path[:-1]:
            below = self._entry(tree, folder, _FOLDER_MODES)
            if below is None:
                return None
            tree = below
        return self._entry(tree, path[-1], _FILE_MODES)

    def entries(self, tree: str) -> dict[bytes, tuple[bool, str]]:
        """Return the files and folders of a tree by name: whether it is a folder, and its object.

        Raises:
            RepositoryError: as for `read`.
        """
        stored, width = self.read(tree, "tree"), len(tree) // 2
        found: dict[bytes, tuple[bool, str]] = {}
        at = 0
        while at < len(stored):
            self.budget.spend(1)
            space, end = stored.find(b" ", at), stored.find(b"\0", at)
            if not at < space < end:
                raise RepositoryError("a tree is broken")
            mode = stored[at : space + 1]
            if mode in _FILE_MODES or mode in _FOLDER_MODES:
                found[stored[space + 1 : end]] = (mode in _FOLDER_MODES, stored[end + 1 : end + 1 + width].hex())
            at = end + 1 + width
        return found

    def _entry(self, tree: str, name: bytes, modes: tuple[bytes, ...]) -> str | None:
        stored, width = self.read(tree, "tree"), len(tree) // 2
        for mode in modes:
            key = mode + name + b"\0"
            at = stored.find(key)
            if at >= 0:
                return stored[at + len(key) : at + len(key) + width].hex()
        return None

    def _with_alternates(self, folder: Path) -> list[Path]:
        """Return the folders of objects: this one, and the alternates that lie below the roots."""
        folders = [resolve(self._roots, folder)]
        for known in folders:  # grows meanwhile
            listed = content(self._roots, known / "info" / "alternates", 65536) or b""
            for line in listed.split(b"\n"):
                if line and not line.startswith(b"#"):
                    path = known / line.decode("utf-8", "replace")
                    try:
                        real = resolve(self._roots, path)
                    except RepositoryError:  # its objects count as missing
                        continue
                    if real not in folders:
                        folders.append(real)
                    if len(folders) > _MOST_FOLDERS:
                        raise RepositoryError("there are too many alternates")
        return folders

    def _packed(self, name: bytes) -> tuple[str, bytes] | None:
        if len(name) not in self._packs:
            self._packs[len(name)] = self._open_packs(len(name))
        packs = self._packs[len(name)]
        for place, pack in enumerate(packs):
            if found := pack.read(name):
                packs.insert(0, packs.pop(place))  # the next object is probably in the same pack
                return found
        return None

    def _open_packs(self, width: int) -> list[Pack]:
        found = list[Pack]()
        for folder in self._folders:
            for name in names(self._roots, folder / "pack", _MOST_NAMES):
                if not name.endswith(".idx"):
                    continue
                if len(found) == _MOST_PACKS:
                    raise RepositoryError("there are too many packs")
                paths = (folder / "pack" / name, folder / "pack" / f"{name.removesuffix('.idx')}.pack")
                try:
                    index, data = (self._files.enter_context(open_file(self._roots, path)) for path in paths)
                except FileNotFoundError:  # git has repacked meanwhile
                    continue
                found.append(Pack(index, data, width, self.budget))
        return found

    def _loose(self, name: str) -> tuple[str, bytes]:
        for folder in self._folders:
            stored = content(self._roots, folder / name[:2] / name[2:], LARGEST)
            if stored is None:
                continue
            self.budget.spend(50 + len(stored) // 32)
            inflater = zlib.decompressobj()
            found = inflater.decompress(stored, LARGEST + _LONGEST_HEADER)
            header = _HEADER.match(found)
            if header is None or len(found) - header.end() != int(header[2]) or not inflater.eof:
                raise RepositoryError("a loose object is broken or too large")
            return header[1].decode(), found[header.end() :]
        raise RepositoryError("an object is missing")


def _person(line: bytes) -> tuple[bytes, int]:
    """Return the name and the time of `NAME <ADDRESS> SECONDS ZONE`."""
    name, _, rest = line.partition(b"<")
    seconds = rest.rpartition(b">")[2].split(None, 1)[:1]
    return name.strip(), int(seconds[0]) if seconds and seconds[0].isdigit() and len(seconds[0]) < 12 else 0


def _object_id(value: bytes) -> str:
    if not re.fullmatch(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?", value):
        raise RepositoryError("a commit names an object that cannot be")
    return value.decode()
