"""The content of a chunk: read from its files piece by piece, hashed, packed, and watched for changes on the way.

The content hash is the SHA-512 of the container in version 1, which is uncompressed: the hash of PostHog's own command
line where it uploads that version, and the same in every run, whatever version is sent and whichever zstd packs it. A
release id in the bundle is left out of it, so that a bundle has the same hash in every release.
PostHog only compares it with the one it stored (contract 5.2).
"""

import hashlib
import itertools
import os
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from typing import BinaryIO, cast

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.open_folder import NotRegularError
from mcp_errortracking.workflows.problems import WorkflowError, printable
from mcp_errortracking.workflows.source_maps.chunk import Chunk, Part, ReleaseMark
from mcp_errortracking.workflows.source_maps.container import (
    MAX_PAYLOAD,
    DataType,
    Version,
    header,
    length,
    payload_size,
    write,
)

MAX_OBJECT = 100 * 1024 * 1024
"""Bytes of a symbol set that PostHog's object storage takes (contract 5.4)."""

_PIECE = 1024 * 1024  # few and large: after each, a worker thread waits for its turn again
_IN_MEMORY = 384 * 1024


class ContentError(Exception):
    """The content of a chunk cannot be had, or may not be sent: what is wrong, and what to do."""

    def __init__(self, code: str, what: str, next_step: str) -> None:
        super().__init__(printable(f"{what} {next_step}"))
        self.code = code
        self.what = printable(what)
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells that a part is still the one that was hashed: a file's size, times and inode, or a hash of bytes."""

    size: int
    mark: tuple[int, ...] | bytes


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A chunk's content, known by its hash: lower-case hex SHA-512 (see above). `size` is that of the payload."""

    content_hash: str
    size: int
    stamps: tuple[Stamp, ...]


def fingerprint(chunk: Chunk) -> Fingerprint:
    """Reads a chunk's content once.

    Raises:
        ContentError: it cannot be read, is empty, too large, or changes meanwhile.
    """
    digest = hashlib.sha512(header(1, chunk.kind))
    stamps = list[Stamp]()
    for part in chunk.parts:
        with _opened(part) as (stamp, pieces):
            stamps.append(stamp)
            size = payload_size(chunk.kind, (one.size for one in stamps))
            if size > MAX_PAYLOAD:
                raise _too_large(chunk, size, MAX_PAYLOAD)
            mark = chunk.release if part is chunk.source else None
            if chunk.kind is DataType.SOURCE_AND_MAP:
                digest.update(length(stamp.size - (len(mark.text) if mark else 0)))
            for piece in _without(mark, pieces, part) if mark else pieces:
                digest.update(piece)
    return Fingerprint(digest.hexdigest(), payload_size(chunk.kind, (one.size for one in stamps)), tuple(stamps))


def payload(chunk: Chunk, known: Fingerprint) -> Iterator[bytes]:
    """The payload of a chunk's container, piece by piece, exactly as it was hashed.

    Raises:
        ContentError: it is not as it was hashed any more. Then what was read so far is worthless.
    """
    for part, expected in zip(chunk.parts, known.stamps, strict=True):
        with _opened(part) as (stamp, pieces):
            if stamp != expected:
                raise _changed(part)
            if chunk.kind is DataType.SOURCE_AND_MAP:
                yield length(stamp.size)
            yield from pieces


class Body:
    """A container ready to be sent, as often as needed: `size` bytes, in pieces read when they are wanted.

    Closing it gives back the room it takes.
    """

    def __init__(self, chunk: Chunk, known: Fingerprint, version: Version, *, compressed: bool) -> None:
        """Compresses the content into a temporary file, or prepares to send it straight from its files. Blocks.

        Raises:
            ContentError: as `payload`; or the container is too large, or there is no room for it.
        """
        self._chunk, self._known = chunk, known
        self._file: BinaryIO | None = None
        self._head = header(version, chunk.kind)
        self.size = len(self._head) + known.size
        if version == 2 and compressed:
            self._file = self._packed()
            self.size = self._file.seek(0, os.SEEK_END)
        if self.size > MAX_OBJECT:
            self.close()
            raise _too_large(chunk, self.size, MAX_OBJECT)

    def pieces(self) -> Iterator[bytes]:
        """The bytes, from the first one on, in pieces of 1 to 2 MiB. Blocks.

        Raises:
            ContentError: the files changed meanwhile; before the last byte, if at all.
        """
        if self._file is None:
            yield from _joined(itertools.chain([self._head], payload(self._chunk, self._known)))
            return
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    def close(self) -> None:
        """Removes the temporary file."""
        if self._file is not None:
            self._file.close()

    def _packed(self) -> BinaryIO:
        # On POSIX the file has no name, so that nothing is left behind even by a process that is killed.
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 closed by close()
        try:
            write(file, self._chunk.kind, _joined(payload(self._chunk, self._known)), self._known.size)
        except OSError as error:
            file.close()
            raise ContentError(
                "no_room",
                f"{self._chunk.label} cannot be compressed into {tempfile.gettempdir()}: {error.strerror}.",
                "Make room there, or set TMPDIR to a folder that has some.",
            ) from None
        except BaseException:
            file.close()
            raise
        return file


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces made into large ones. The last one comes when no more follow: then all was read as it should be."""
    waiting, size = list[bytes](), 0
    for piece in pieces:
        if size >= _PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    if waiting:
        yield b"".join(waiting)


@contextmanager
def _opened(part: Part) -> Generator[tuple[Stamp, Iterator[bytes]]]:
    """A part's stamp and its bytes, of which there are as many as the stamp says."""
    if not isinstance(part, LocalFile):
        content = _made(part)
        yield Stamp(len(content), hashlib.blake2b(content).digest()), iter([content])
        return
    try:
        with part.open() as file:
            stamp = _stamp(file)
            if not stamp.size:
                raise _empty(part.name)
            yield stamp, _read(part, file, stamp)
    except NotRegularError:
        raise ContentError("no_file", f"{part.name} is no file.", "Name a file.") from None
    except OSError as error:
        raise _unreadable(part, error) from None
    except WorkflowError as error:
        raise ContentError(error.code, f"{error.what} {error.why}", error.next_step) from None


def _read(part: LocalFile, file: FileIO, stamp: Stamp) -> Iterator[bytes]:
    left = stamp.size
    while left and (piece := file.read(min(_PIECE, left))):
        left -= len(piece)
        yield piece
    if left or _stamp(file) != stamp:
        raise _changed(part)


def _without(mark: ReleaseMark, pieces: Iterable[bytes], part: Part) -> Iterator[bytes]:
    """The bytes but for the mark, which has to be there."""
    at, found = 0, b""
    for piece in pieces:
        begin, end = (min(max(place - at, 0), len(piece)) for place in (mark.at, mark.end))
        found += piece[begin:end]
        yield piece[:begin]
        yield piece[end:]
        at += len(piece)
    if found != mark.text:
        raise _changed(part)


def _stamp(file: FileIO) -> Stamp:
    facts = os.fstat(file.fileno())
    return Stamp(facts.st_size, (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_dev))


def _made(part: Part) -> bytes:
    assert not isinstance(part, LocalFile)  # noqa: S101 _opened has looked
    try:
        content = part()
    except ContentError:
        raise
    except Exception as error:
        raise ContentError(
            "unreadable", f"The content cannot be made: {type(error).__name__}: {error}.", "Build again."
        ) from None
    if not content:
        raise _empty("The content")
    return content


def _empty(name: str) -> ContentError:
    return ContentError("empty", f"{name} has 0 bytes.", "Build again: PostHog takes no empty file.")


def _unreadable(part: LocalFile, error: OSError) -> ContentError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return ContentError("missing", f"{part.name} is not there any more.", "Build again, then upload again.")
    next_step = "Let the user of this process read it." if isinstance(error, PermissionError) else "Check the disk."
    return ContentError("unreadable", f"{part.name} cannot be read: {error.strerror}.", next_step)


def _changed(part: Part) -> ContentError:
    name = part.name if isinstance(part, LocalFile) else "The content"
    return ContentError("changed", f"{name} changed during the upload.", "Let the build end, then upload again.")


def _too_large(chunk: Chunk, size: int, limit: int) -> ContentError:
    return ContentError(
        "too_large",
        f"{chunk.label} makes a symbol set of {size / 2**20:.1f} MiB; at most {limit >> 20} MiB are taken.",
        "Split the bundle, or leave sourcesContent out of its map.",
    )
