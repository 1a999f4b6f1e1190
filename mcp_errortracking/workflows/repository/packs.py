"""A pack of objects with its index (version 2), read piece by piece."""

import zlib
from bisect import bisect_left
from collections import OrderedDict
from math import isqrt
from typing import BinaryIO

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
_SMALL = 2 * _FIRST_PIECE
"""Bytes of an object that are inflated at once, if all of it was read."""
_STEPS_AT_ONCE = 100
"""Steps of a delta that are counted at once."""
_BLOCK, _MOST_BLOCKS = 16 * 1024, 64
"""Bytes of the pack that are read at once, as objects that are read one after another often lie near each other; and
blocks that are kept."""
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


class ObjectCache:
    """The objects read last, of all packs of a repository together."""

    def __init__(self) -> None:
        self.kept = OrderedDict[tuple["Pack", int], tuple[int, bytes]]()
        """The kinds and contents, by pack and offset."""
        self._size = 0

    def keep(self, pack: "Pack", offset: int, known: tuple[int, bytes]) -> None:
        """Add an object that is not in it, and drop the first ones if there is no room."""
        self.kept[pack, offset] = known
        self._size += len(known[1])
        while self._size > _CACHE_BYTES:
            self._size -= len(self.kept.popitem(last=False)[1][1])


class Pack:
    """A pack. `width`: bytes of an object's name."""

    def __init__(self, index: BinaryIO, data: BinaryIO, width: int, budget: Budget, cache: ObjectCache) -> None:
        """
        Raises:
            RepositoryError: the index is broken, or of a version that git stopped writing in 2008.
        """
        self._index, self._data, self._width, self._budget, self._cache = index, data, width, budget, cache
        self._buckets, self._size = dict[int, tuple[bytes, bytes]](), 0
        self._blocks = dict[int, bytes]()
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
        deltas, size, kept = list[tuple[int, bytes]](), 0, self._cache.kept
        while (known := kept.get((self, offset))) is None:
            kind, base, content = self._entry(offset)
            if base is None:
                known = (kind, content)
                self._cache.keep(self, offset, known)
                break
            deltas.append((offset, content))
            size += len(content)
            if len(deltas) > _LONGEST_CHAIN or size > _CHAIN_BYTES:
                raise RepositoryError("a chain of deltas is too long")
            base = base if isinstance(base, int) else self._offset(base)
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
        width, (names, places) = self._width, self._bucket(name[0], first, last)
        # Names are hashes, spread evenly: this one is near the place that its next bytes say.
        guess, spread = (name[1] << 8 | name[2]) * (last - first) >> 16, 32 + 2 * isqrt(last - first)
        begin = max(guess - spread, 0) * width
        at = names.find(name, begin, begin + 2 * spread * width)
        while at % width and at >= 0:  # the end of a name and the beginning of the next one
            at = names.find(name, at + 1)
        if at < 0:
            self._budget.spend(5)
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

    def _entry(self, offset: int) -> tuple[int, int | bytes | None, bytes]:
        """Return the kind of an object, the offset or the name of the object that a delta changes, and the content."""
        number, begin = divmod(offset, _BLOCK)
        block = self._blocks.get(number)
        header = (self._block(number) if block is None else block)[begin : begin + _FIRST_PIECE]
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
        if size <= _SMALL:
            try:
                content = zlib.decompress(header[at:], bufsize=size + 1)
            except zlib.error:  # it may be longer than what was read of it
                content = None
            if content is not None and len(content) == size:
                return kind, base, content
        self._data.seek(offset + len(header))
        return kind, base, inflate(self._data, size, self._budget, header[at:])

    def _block(self, number: int) -> bytes:
        """Read a block of the pack, and the beginning of the next one, in which its last object may end."""
        self._data.seek(min(number, 2**48) * _BLOCK)
        block = self._blocks[number] = self._data.read(_BLOCK + _FIRST_PIECE)
        if len(self._blocks) > _MOST_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        return block


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
    made, left, end, steps = bytearray(), after, len(delta), 0
    while at < end:
        steps += 1
        if steps == _STEPS_AT_ONCE:
            budget.spend(steps)
            steps = 0
        code = delta[at]
        at += 1
        if code & 0x80:
            start = size = 0
            if code & 0x01:
                start, at = delta[at], at + 1
            if code & 0x02:
                start, at = start | delta[at] << 8, at + 1
            if code & 0x04:
                start, at = start | delta[at] << 16, at + 1
            if code & 0x08:
                start, at = start | delta[at] << 24, at + 1
            if code & 0x10:
                size, at = delta[at], at + 1
            if code & 0x20:
                size, at = size | delta[at] << 8, at + 1
            if code & 0x40:
                size, at = size | delta[at] << 16, at + 1
            size = size or 0x10000
            piece = base[start : start + size]
        else:
            size = code
            piece = delta[at : at + size]
            at += size
        left -= size
        if len(piece) != size or size == 0 or left < 0:
            raise RepositoryError("a delta is broken")
        made += piece
    budget.spend(steps)
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
    number = content[at]
    if number < 0x80:
        return number, at + 1
    if (byte := content[at + 1]) < 0x80:
        return number & 0x7F | byte << 7, at + 2
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
