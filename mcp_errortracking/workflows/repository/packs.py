"""A pack of objects with its index (version 2), read piece by piece."""

import zlib
from bisect import bisect_left
from collections import OrderedDict
from typing import BinaryIO, NamedTuple

from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError

LARGEST = 10 * 1024 * 1024
"""Bytes of an object, or of a delta: as many as those of the sources that are shown."""

KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_BY_OFFSET, _BY_NAME = 6, 7
_FAN_OUT = 8  # the offset of the index's table
_NAMES = _FAN_OUT + 256 * 4
_LONGEST_CHAIN = 4096
_CHAIN_BYTES = 4 * LARGEST
_CACHE_BYTES = 2 * LARGEST
_PIECE = 16 * 1024
_FIRST_PIECE = 512
"""Bytes that are read of an entry at first: most of commits, trees and deltas are smaller."""
_SEARCHED_BYTES = 32 * 1024
"""Of names that begin alike: up to here a search from the first on is faster than bisection."""
_BUCKETS_BYTES = 32 * 1024 * 1024
"""Of the index: the names that are kept in memory, for all of a repository of a million objects."""


def inflate(file: BinaryIO, size: int, budget: Budget, piece: bytes = b"") -> bytes:
    """Return the `size` bytes that are compressed from `piece` on, which the rest of the file follows.

    Raises:
        RepositoryError: they are of another number, or it is above the limit.
    """
    if size > LARGEST:
        raise RepositoryError("an object is too large")
    inflater, pieces, left = zlib.decompressobj(), list[bytes](), size + 1
    while left and not inflater.eof:
        piece = piece or file.read(min(_PIECE, size + 1024))
        budget.spend(10 + len(piece) // 32)
        if not piece:
            break
        pieces.append(inflater.decompress(piece, left))
        left -= len(pieces[-1])
        piece = b""
    if left != 1 or not inflater.eof:
        raise RepositoryError("the size of an object does not match its header")
    return b"".join(pieces)


class _Entry(NamedTuple):
    """An object as it is in the pack. `base`: the offset or the name of the object that a delta changes."""

    kind: int
    base: int | bytes | None
    content: bytes


class ObjectCache:
    """The objects read last, of all packs of a repository together."""

    def __init__(self) -> None:
        self._kept = OrderedDict[tuple["Pack", int], tuple[int, bytes]]()
        self._size = 0

    def get(self, pack: "Pack", offset: int) -> tuple[int, bytes] | None:
        """Return the kind and the content of an object."""
        return self._kept.get((pack, offset))

    def keep(self, pack: "Pack", offset: int, known: tuple[int, bytes]) -> None:
        """Add an object that is not in it, and drop the first ones if there is no room."""
        self._kept[pack, offset] = known
        self._size += len(known[1])
        while self._size > _CACHE_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1][1])


class Pack:
    """A pack. `width`: bytes of an object's name."""

    def __init__(self, index: BinaryIO, data: BinaryIO, width: int, budget: Budget, cache: ObjectCache) -> None:
        """
        Raises:
            RepositoryError: the index is broken, or of a version that git stopped writing in 2008.
        """
        self._index, self._data, self._width, self._budget, self._cache = index, data, width, budget, cache
        self._buckets, self._size = dict[int, tuple[bytes, bytes]](), 0
        header = _read(index, 0, _NAMES)
        if header[:_FAN_OUT] != b"\xfftOc\x00\x00\x00\x02":
            raise RepositoryError("a pack has an index of an unknown version")
        self._counts = [int.from_bytes(header[at : at + 4]) for at in range(_FAN_OUT, _NAMES, 4)]

    def read(self, name: bytes) -> tuple[str, bytes] | None:
        """Return the kind and the content of an object, or None if it is not in this pack.

        Raises:
            RepositoryError: it is broken, too large, or its chain of deltas is.
        """
        offset = self._offset(name)
        if offset is None:
            return None
        deltas, size = list[tuple[int, bytes]](), 0
        while (known := self._cache.get(self, offset)) is None:
            entry = self._entry(offset)
            if entry.base is None:
                known = (entry.kind, entry.content)
                self._cache.keep(self, offset, known)
                break
            deltas.append((offset, entry.content))
            size += len(entry.content)
            if len(deltas) > _LONGEST_CHAIN or size > _CHAIN_BYTES:
                raise RepositoryError("a chain of deltas is too long")
            base = entry.base if isinstance(entry.base, int) else self._offset(entry.base)
            if base is None:
                raise RepositoryError("the base of a delta is missing")
            offset = base
        kind, content = known
        for at, delta in reversed(deltas):
            content = apply_delta(content, delta, self._budget)
            self._cache.keep(self, at, (kind, content))
        return KINDS[kind], content

    def _offset(self, name: bytes) -> int | None:
        total = self._counts[-1]
        first, last = (self._counts[name[0] - 1] if name[0] else 0), self._counts[name[0]]
        if not 0 <= first <= last <= total:
            raise RepositoryError("the index of a pack is broken")
        self._budget.spend(5)
        width, (names, places) = self._width, self._bucket(name[0], first, last)
        if len(names) <= _SEARCHED_BYTES:
            at = names.find(name)
            while at % width and at >= 0:  # the end of a name and the begin of the next one
                at = names.find(name, at + 1)
        else:
            place = bisect_left(range(last - first), name, key=lambda at: names[at * width : at * width + width])
            at = place * width if names[place * width : place * width + width] == name else -1
        if at < 0:
            return None
        at = at // width * 4
        offset = int.from_bytes(places[at : at + 4])
        if offset & 0x80000000:
            large = _NAMES + total * (width + 8) + (offset & 0x7FFFFFFF) * 8
            offset = int.from_bytes(_read(self._index, large, 8))
        return offset

    def _bucket(self, byte: int, first: int, last: int) -> tuple[bytes, bytes]:
        """Return the names that begin with a byte, and the offsets of their objects."""
        known = self._buckets.get(byte)
        if known is None:
            size = (last - first) * self._width
            if size > _BUCKETS_BYTES:
                raise RepositoryError("the index of a pack is too large")
            self._budget.spend(20 + size // 1024)
            offsets = _NAMES + self._counts[-1] * (self._width + 4) + first * 4
            names = _read(self._index, _NAMES + first * self._width, size)
            known = self._buckets[byte] = names, _read(self._index, offsets, (last - first) * 4)
            self._size += size
            while self._size > _BUCKETS_BYTES:
                self._size -= len(self._buckets.pop(next(iter(self._buckets)))[0])
        return known

    def _entry(self, offset: int) -> _Entry:
        self._data.seek(min(offset, 2**62))
        header = self._data.read(_FIRST_PIECE)
        size, at = _number(header, 0)
        kind = size >> 4 & 7
        size = size & 15 | size >> 7 << 4
        base: int | bytes | None = None
        if kind == _BY_NAME:
            base = header[at : at + self._width]
            at += self._width
        elif kind == _BY_OFFSET:
            distance, at = _distance(header, at)
            base = offset - distance
            if distance <= 0 or base < 0:
                raise RepositoryError("a delta is based on itself")
        elif kind not in KINDS:
            raise RepositoryError("a pack holds an unknown kind of object")
        return _Entry(kind, base, inflate(self._data, size, self._budget, header[at:]))


def apply_delta(base: bytes, delta: bytes, budget: Budget) -> bytes:
    """Apply a delta to its base.

    Raises:
        RepositoryError: it does not match the base, or the result is too large.
    """
    before, at = _number(delta, 0)
    after, at = _number(delta, at)
    if before != len(base) or after > LARGEST:
        raise RepositoryError("a delta does not match its base, or its result is too large")
    budget.spend(after // 1024)
    made, left = bytearray(), after
    while at < len(delta):
        budget.spend(1)
        code = delta[at]
        at += 1
        if code & 0x80:
            given = [0] * 7
            for place in range(7):
                if code & 1 << place:
                    given[place] = delta[at]
                    at += 1
            start, size = int.from_bytes(given[:4], "little"), int.from_bytes(given[4:], "little") or 0x10000
            piece = base[start : start + size]
        else:
            size = code
            piece = delta[at : at + size]
            at += size
        left -= size
        if len(piece) != size or size == 0 or left < 0:
            raise RepositoryError("a delta is broken")
        made += piece
    if left:
        raise RepositoryError("a delta is too short")
    return bytes(made)


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    content = file.read(size)
    if len(content) != size:
        raise RepositoryError("the index of a pack is too short")
    return content


def _number(content: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the lowest first, and the offset of its end."""
    number = 0
    for shift in range(10):
        byte = content[at + shift]
        number |= (byte & 0x7F) << 7 * shift
        if not byte & 0x80:
            return number, at + shift + 1
    raise RepositoryError("a number is too long")


def _distance(content: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the highest first, as a delta counts back to its base."""
    number = content[at] & 0x7F
    for place in range(at, at + 10):
        if not content[place] & 0x80:
            return number, place + 1
        number = number + 1 << 7 | content[place + 1] & 0x7F
    raise RepositoryError("a number is too long")
