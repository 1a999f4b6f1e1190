"""The content of a chunk: read from its files piece by piece, hashed, compressed, and checked for changes.

The content hash is the SHA-512 of the container in version 1, which is uncompressed: the hash of PostHog's own command
line when it uploads that version, independent of the version sent and of the zstd library. It leaves out a release id
in the bundle, so that a bundle has the same hash in every release. If a plugin of the bundler put in the release id,
the names of scripts are left out too (see `release_parts`). PostHog only compares the hash with the one it stored
(contract 5.2).
"""

import hashlib
import itertools
import os
import tempfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from typing import BinaryIO, cast

from mcp_errortracking.catalog.symbol_sets import MAX_FILE
from mcp_errortracking.explanation import ExplainedError, Explanation
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
from mcp_errortracking.workflows.source_maps.upload.release_parts import (
    map_without_release,
    names_release,
    source_without_release,
)

_PIECE = 1024 * 1024  # few and large: each costs a switch of threads
_IN_MEMORY = 384 * 1024
_LINES_ONLY = "Build with line tables only (-gline-tables-only, -g1)."
_SMALLER = {DataType.APPLE_DSYM: _LINES_ONLY, DataType.ELF_DEBUG_INFO: _LINES_ONLY}


class ContentError(ExplainedError):
    """The content of a chunk cannot be read, or may not be sent: what is wrong, and what to do."""

    def __init__(self, code: str, what: str, next_step: str) -> None:
        super().__init__(Explanation(code, printable(what), next_step=printable(next_step)))

    @property
    def code(self) -> str:
        return self.explanation.code


@dataclass(frozen=True, slots=True)
class Stamp:
    """The mark of a part's content, to detect changes: a file's size, times and inode, or a checksum of bytes."""

    size: int
    mark: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The content hash of a chunk: lower-case hex SHA-512 (see above). `size` is that of the payload."""

    content_hash: str
    size: int
    stamps: tuple[Stamp, ...]


def fingerprint(chunk: Chunk) -> Fingerprint:
    """Read a chunk's content once, and hash it.

    Raises:
        ContentError: it cannot be read, is empty, too large, or changes meanwhile.
    """
    digest = hashlib.sha512(header(1, chunk.kind))
    stamps, is_of_plugin = list[Stamp](), False
    for part in chunk.parts:
        with _opened(part) as (stamp, pieces):
            stamps.append(stamp)
            size = payload_size(chunk.kind, (one.size for one in stamps))
            if size > MAX_PAYLOAD:
                raise _too_large(chunk, size, MAX_PAYLOAD)
            mark = chunk.release if part is chunk.source else None
            if part is chunk.source and mark is None:
                pieces, is_of_plugin = _peeked(pieces)
            if is_of_plugin:
                without = source_without_release if part is chunk.source else map_without_release
                content = without(b"".join(pieces))
                digest.update(length(len(content)))
                digest.update(content)
                continue
            if chunk.kind is DataType.SOURCE_AND_MAP:
                digest.update(length(stamp.size - (len(mark.text) if mark else 0)))
            for piece in _without(mark, pieces, part) if mark else pieces:
                digest.update(piece)
    return Fingerprint(digest.hexdigest(), payload_size(chunk.kind, (one.size for one in stamps)), tuple(stamps))


def read_map(chunk: Chunk) -> bytes:
    """Return the content of a chunk's map.

    Raises:
        ContentError: it cannot be read, or changes meanwhile.
    """
    with _opened(chunk.map) as (_, pieces):
        return b"".join(pieces)


def payload(chunk: Chunk, known: Fingerprint) -> Iterator[bytes]:
    """Yield the payload of a chunk's container, piece by piece, exactly as it was hashed.

    Raises:
        ContentError: the content changed since it was hashed; discard what was read so far.
    """
    for part, expected in zip(chunk.parts, known.stamps, strict=True):
        with _opened(part) as (stamp, pieces):
            if stamp != expected:
                raise _changed(part)
            if chunk.kind is DataType.SOURCE_AND_MAP:
                yield length(stamp.size)
            yield from pieces


class Body:
    """A container that can be sent repeatedly: `size` bytes, in pieces that are read on demand.

    Closing it frees its temporary file.
    """

    def __init__(self, chunk: Chunk, known: Fingerprint, version: Version, *, compressed: bool) -> None:
        """Compress the content into a temporary file, or prepare to send it from its own files. Blocks.

        Raises:
            ContentError: as `payload`; or the container is too large, or does not fit on the disk.
        """
        self._chunk, self._known = chunk, known
        self._file: BinaryIO | None = None
        self._head = header(version, chunk.kind)
        self.size = len(self._head) + known.size
        if version == 2 and compressed:
            self._file = self._packed()
            self.size = self._file.seek(0, os.SEEK_END)
        if self.size > MAX_FILE:
            self.close()
            raise _too_large(chunk, self.size, MAX_FILE)

    def pieces(self) -> Iterator[bytes]:
        """Yield all bytes, in pieces of 1 to 2 MiB. Blocks.

        Raises:
            ContentError: the files changed meanwhile; this is raised before the last byte.
        """
        if self._file is None:
            yield from _joined(itertools.chain([self._head], payload(self._chunk, self._known)))
            return
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    def close(self) -> None:
        """Remove the temporary file."""
        if self._file is not None:
            self._file.close()

    def _packed(self) -> BinaryIO:
        # On POSIX the file has no name, so that even a killed process leaves nothing behind.
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
    """Join small pieces into large ones. The last one is held back until all was read without an error."""
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
    """Open a part; yield its stamp and exactly as many bytes as the stamp says."""
    if not isinstance(part, LocalFile):
        content = _generate(part)
        yield Stamp(len(content), (zlib.crc32(content),)), iter([content])
        return
    try:
        with part.open() as file:
            stamp = _stamp(file)
            if not stamp.size:
                raise _empty(part.name)
            yield stamp, _read(part, file, stamp)
    except NotRegularError:
        raise ContentError("no_file", f"{part.name} is not a file.", "Name a file.") from None
    except OSError as error:
        raise _unreadable(part, error) from None
    except WorkflowError as error:
        raise ContentError(error.code, error.explanation.reason, error.next_step) from None


def _read(part: LocalFile, file: FileIO, stamp: Stamp) -> Iterator[bytes]:
    left = stamp.size
    while left and (piece := file.read(min(_PIECE, left))):
        left -= len(piece)
        yield piece
    if left or _stamp(file) != stamp:
        raise _changed(part)


def _peeked(pieces: Iterator[bytes]) -> tuple[Iterator[bytes], bool]:
    """Return all pieces of a bundle, and True if a plugin of the bundler put a release id into it."""
    first = next(pieces, b"")
    return itertools.chain([first], pieces), names_release(first)


def _without(mark: ReleaseMark, pieces: Iterable[bytes], part: Part) -> Iterator[bytes]:
    """Yield the bytes without the mark, which must be in them."""
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


def _generate(part: Part) -> bytes:
    assert not isinstance(part, LocalFile)  # noqa: S101 _opened has looked
    try:
        content = part()
    except ContentError:
        raise
    except Exception as error:
        raise ContentError(
            "unreadable", f"The content cannot be generated: {type(error).__name__}: {error}.", "Build again."
        ) from None
    if not content:
        raise _empty("The content")
    return content


def _empty(name: str) -> ContentError:
    return ContentError("empty", f"{name} has 0 bytes.", "Build again: PostHog rejects empty files.")


def _unreadable(part: LocalFile, error: OSError) -> ContentError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return ContentError("missing", f"{part.name} does not exist any more.", "Build again, then upload again.")
    next_step = (
        "Give the user of this process permission to read it."
        if isinstance(error, PermissionError)
        else "Check the disk."
    )
    return ContentError("unreadable", f"{part.name} cannot be read: {error.strerror}.", next_step)


def _changed(part: Part) -> ContentError:
    name = part.name if isinstance(part, LocalFile) else "The content"
    return ContentError(
        "changed", f"{name} changed during the upload.", "Wait for the build to end, then upload again."
    )


def _too_large(chunk: Chunk, size: int, limit: int) -> ContentError:
    return ContentError(
        "too_large",
        f"{chunk.label} makes a symbol set of {size / 2**20:.1f} MiB; the limit is {limit >> 20} MiB.",
        _SMALLER.get(chunk.kind, "Split the bundle, or leave sourcesContent out of its map."),
    )
