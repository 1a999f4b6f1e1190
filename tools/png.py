"""Make a screenshot smaller: a PNG of true colours becomes one with a palette of at most 256."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_HEAD = b"\x89PNG\r\n\x1a\n"
_BITS = 4
"""Bits of a channel that are kept."""


def with_palette(png: bytes) -> bytes:
    """Return the picture with the colours rounded, as far as a palette holds them: the rarest become a near one."""
    chunks = list(_chunks(png))
    width, height, _depth, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    data = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    rows = _rows(data, height, width, {2: 3, 6: 4}[kind])
    counts = Counter(pixel for row in rows for pixel in row)
    palette = [pixel for pixel, _ in counts.most_common(256)]
    index = {pixel: number for number, pixel in enumerate(palette)}
    for pixel in counts.keys() - index.keys():
        index[pixel] = min(range(256), key=lambda number: _distance(palette[number], pixel))
    packed = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in rows)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(bytes(_level(one) for one in pixel) for pixel in palette)),
        (b"IDAT", zlib.compress(packed, 9)),
        (b"IEND", b""),
    ]
    return _HEAD + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )


_Pixel = tuple[int, int, int]


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_HEAD)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _rows(data: bytes, height: int, width: int, channels: int) -> list[list[_Pixel]]:
    """Return the pixels without the filters of their rows, each channel in `_BITS` bits."""
    size, above, found = width * channels, bytearray(width * channels), list[list[_Pixel]]()
    for number in range(height):
        start = number * (size + 1)
        row = bytearray(data[start + 1 : start + 1 + size])
        _unfilter(data[start], row, above, channels)
        small = row.translate(bytes(round(one / 255 * (2**_BITS - 1)) for one in range(256)))
        found.append(list(zip(small[::channels], small[1::channels], small[2::channels], strict=True)))
        above = row
    return found


def _unfilter(kind: int, row: bytearray, above: bytearray, channels: int) -> None:
    if kind == 0:
        return
    for at in range(len(row)):
        left = row[at - channels] if at >= channels else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = above[at]
        elif kind == 3:
            guess = (left + above[at]) // 2
        else:
            guess = _paeth(left, above[at], above[at - channels] if at >= channels else 0)
        row[at] = (row[at] + guess) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


def _level(value: int) -> int:
    return round(value / (2**_BITS - 1) * 255)


def _distance(one: _Pixel, other: _Pixel) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
