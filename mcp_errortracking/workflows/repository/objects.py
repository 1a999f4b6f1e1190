"""The objects of a repository, from loose files and packs, its own and those of its alternates below the roots."""

import hashlib
import re
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.files import content, names, open_file, resolve
from mcp_errortracking.workflows.repository.packs import KINDS, LARGEST, ObjectCache, Pack

_LARGEST_OF = {"commit": 2**20, "tree": 4 * 2**20}
"""Bytes of an object that is parsed; of any other kind at most `LARGEST`."""
_LONGEST_NAME = 4096  # bytes of a file's name
_LONGEST_TEXT = 4096  # bytes of an author or a subject
_MOST_PARENTS = 1000
_DEEPEST_TAG = 5
_FREE = 1024  # bytes of an object whose reading is counted by its number alone
_STEPS_PER_ENTRY = 10  # of a tree, or per parent of a commit: time to parse it, and memory to hold it
_HEADER = re.compile(rb"(commit|tree|blob|tag) (\d{1,10})\0")
_LONGEST_HEADER = 32
_MOST_ALTERNATES = 15
_STEPS_PER_FILE = 100  # to follow its path and open it
_MOST_PACKS = 100
_MOST_NAMES = 10_000
_FILE_MODES = (b"100644 ", b"100755 ", b"100664 ")
_FOLDER_MODES = (b"40000 ",)
_LINKS = re.compile(
    rb"tree ([0-9a-f]{40}(?:[0-9a-f]{24})?)\n((?:parent [0-9a-f]{40}(?:[0-9a-f]{24})?\n)*+)"
    rb"author [^\n]*+\ncommitter [^\n<>]*+<[^\n<>]*+> ([0-9]{1,11})[^\n0-9<>][^\n<>]*+\n"
)
"""The beginning of a commit as git writes it."""
_KINDS = {kind: kind.encode() for kind in KINDS.values()}
_HEADERS = (b"tree", b"author", b"committer", b"encoding")
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
    email: str = ""
    """Of the author."""


class CommitLinks(NamedTuple):
    """The part of a commit that a walk through the history needs. `committed`: seconds since 1970."""

    id: str
    tree: str
    parents: tuple[str, ...]
    committed: int


class Entry(NamedTuple):
    """A file or folder of a tree: the name of its object, the bytes of the entry, and their offset in the tree."""

    name: str
    is_folder: bool
    stored: bytes
    at: int


class Objects:
    """Objects by their hexadecimal names. Their content is compared with the name. Close it after use."""

    def __init__(self, roots: Roots, folder: Path, budget: Budget) -> None:
        """
        Args:
            folder: the folder `objects`.
        """
        self.budget = budget
        self._roots = roots
        self._folders = self._with_alternates(folder)
        self._cache = ObjectCache()
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
        self.budget.spend(20)
        try:
            kind, found = self._packed(bytes.fromhex(name)) or self._loose(name)
        except (ValueError, IndexError, zlib.error) as error:
            raise RepositoryError("an object is broken") from error
        if kind != wanted:
            raise RepositoryError(f"an object is a {kind}, not a {wanted}")
        size = len(found)
        if size > _LARGEST_OF.get(kind, LARGEST):
            raise RepositoryError(f"a {kind} is too large")
        if size >= _FREE:
            self.budget.spend(size // 128)
        digest = hashlib.sha256 if len(name) == 64 else hashlib.sha1
        if digest(b"%s %d\0%s" % (_KINDS[kind], size, found)).hexdigest() != name:
            raise RepositoryError("the content of an object does not match its name")
        return found

    def commit(self, name: str) -> CommitObject:
        """Return a commit.

        Raises:
            RepositoryError: as for `read`.
        """
        head, _, message = self.read(name, "commit").partition(b"\n\n")
        self.budget.spend(head.count(b"\n") // 2)
        values, parents = dict.fromkeys(_HEADERS, b""), list[str]()
        for line in reversed(head.split(b"\n")):  # of a header that is repeated, the first counts
            key, _, value = line.partition(b" ")
            if key == b"parent":
                self.budget.spend(_STEPS_PER_ENTRY)
                parents.append(_object_id(value))
                if len(parents) > _MOST_PARENTS:
                    raise RepositoryError("a commit has too many parents")
            elif key in values:
                values[key] = value
        encoding = _ENCODINGS.get(values[b"encoding"].lower(), "utf-8")
        author, email, authored = _person(values[b"author"])
        _, _, committed = _person(values[b"committer"])
        return CommitObject(
            name,
            _object_id(values[b"tree"]),
            tuple(reversed(parents)),
            author[:_LONGEST_TEXT].decode(encoding, "replace"),
            authored,
            committed,
            message.lstrip(b"\n").partition(b"\n")[0][:_LONGEST_TEXT].decode(encoding, "replace"),
            email[:_LONGEST_TEXT].decode(encoding, "replace"),
        )

    def peeled(self, name: str) -> str:
        """Return the object that a tag names, through tags of tags; of any other object its own name."""
        for _ in range(_DEEPEST_TAG):
            try:
                target = self.read(name, "tag").partition(b"\n")[0].removeprefix(b"object ")
            except RepositoryError:
                self.budget.spend(0)
                break
            name = _object_id(target)
        return name

    def links(self, name: str) -> CommitLinks:
        """Return the links of a commit, several times as fast as the whole commit.

        Raises:
            RepositoryError: as for `read`.
        """
        stored = self.read(name, "commit")
        found = _LINKS.match(stored)
        if found is None:  # a header in an unusual order, or repeated
            commit = self.commit(name)
            return CommitLinks(name, commit.tree, commit.parents, commit.committed)
        parents = tuple(found[2].decode().replace("parent ", "").split())
        if len(parents) > 1:
            self.budget.spend(_STEPS_PER_ENTRY * len(parents))
        if len(parents) > _MOST_PARENTS:
            raise RepositoryError("a commit has too many parents")
        return CommitLinks(name, found[1].decode(), parents, int(found[3]))

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
            self.budget.spend(_STEPS_PER_ENTRY)
            space, end = stored.find(b" ", at), stored.find(b"\0", at)
            if not at < space < end or end - space > _LONGEST_NAME:
                raise RepositoryError("a tree is broken")
            mode = stored[at : space + 1]
            if mode in _FILE_MODES or mode in _FOLDER_MODES:
                found[stored[space + 1 : end]] = (mode in _FOLDER_MODES, stored[end + 1 : end + 1 + width].hex())
            at = end + 1 + width
        return found

    def entry_in(self, stored: bytes, width: int, name: bytes, other: Entry | None = None) -> Entry | None:
        """Return the file or folder of a name in the content of a tree, or None.

        Args:
            width: bytes of an object's name.
            other: the entry of the same name in another tree: it is looked for at the same place first.
        """
        self.budget.spend(2)
        if other is not None:
            at, end = other.at, other.at + len(other.stored)
            if stored.startswith(other.stored[:-width], at):
                return Entry(stored[end - width : end].hex(), other.is_folder, stored[at:end], at)
        self.budget.spend(len(stored) // 1024)
        for mode in (*_FOLDER_MODES, *_FILE_MODES):
            key = mode + name + b"\0"
            at = stored.find(key)
            if at >= 0:
                end = at + len(key)
                return Entry(stored[end : end + width].hex(), mode in _FOLDER_MODES, stored[at : end + width], at)
        return None

    def _entry(self, tree: str, name: bytes, modes: tuple[bytes, ...]) -> str | None:
        entry = self.entry_in(self.read(tree, "tree"), len(tree) // 2, name)
        is_folder = modes is _FOLDER_MODES
        return entry.name if entry is not None and entry.is_folder == is_folder else None

    def _with_alternates(self, folder: Path) -> list[Path]:
        """Return the folders of objects: this one, and the alternates that lie below the roots."""
        folders, followed = [resolve(self._roots, folder)], 0
        for known in folders:  # grows meanwhile
            listed = content(self._roots, known / "info" / "alternates", 65536) or b""
            for line in listed.split(b"\n"):
                if not line or line.startswith(b"#"):
                    continue
                followed += 1
                if followed > _MOST_ALTERNATES:
                    raise RepositoryError("there are too many alternates")
                self.budget.spend(_STEPS_PER_FILE)
                try:
                    real = resolve(self._roots, known / line.decode("utf-8", "replace"))
                except RepositoryError:  # its objects count as missing
                    continue
                if real not in folders:
                    folders.append(real)
        return folders

    def _packed(self, name: bytes) -> tuple[str, bytes] | None:
        if len(name) not in self._packs:
            self._packs[len(name)] = self._open_packs(len(name))
        packs = self._packs[len(name)]
        for place, pack in enumerate(packs):
            if found := pack.read(name):
                if place:
                    packs.insert(0, packs.pop(place))  # the next object is probably in the same pack
                return found
        return None

    def _open_packs(self, width: int) -> list[Pack]:
        found = list[Pack]()
        for folder in self._folders:
            listed = names(self._roots, folder / "pack", _MOST_NAMES)
            self.budget.spend(_STEPS_PER_FILE + 5 * len(listed))
            for name in listed:
                if not name.endswith(".idx"):
                    continue
                if len(found) == _MOST_PACKS:
                    raise RepositoryError("there are too many packs")
                self.budget.spend(2 * _STEPS_PER_FILE)
                paths = (folder / "pack" / name, folder / "pack" / f"{name.removesuffix('.idx')}.pack")
                try:
                    index, data = (self._files.enter_context(open_file(self._roots, path)) for path in paths)
                except FileNotFoundError:  # git has repacked meanwhile
                    continue
                found.append(Pack(index, data, width, self.budget, self._cache))
        return found

    def _loose(self, name: str) -> tuple[str, bytes]:
        for folder in self._folders:
            self.budget.spend(_STEPS_PER_FILE)
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


def _person(line: bytes) -> tuple[bytes, bytes, int]:
    """Return the name, the address and the time of `NAME <ADDRESS> SECONDS ZONE`."""
    name, _, rest = line.partition(b"<")
    address, _, end = rest.rpartition(b">")
    seconds = end.split(None, 1)[:1]
    is_time = bool(seconds) and seconds[0].isdigit() and len(seconds[0]) < 12
    return name.strip(), address.strip(), int(seconds[0]) if is_time else 0


def _object_id(value: bytes) -> str:
    if not re.fullmatch(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?", value):
        raise RepositoryError("a commit names an object by an invalid id")
    return value.decode()
