"""PostHog's container around symbol data: the bytes of an uploaded symbol set (contract 5.1).

    posthog_error_tracking | u32 version | u32 data type | u8 compression (version 2 only) | payload

The payload of a source and its map is a u64 length and the bytes of each; of every other type it is the data itself.
All numbers are little-endian.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO, Literal

from mcp_errortracking.catalog.symbol_sets import MAX_FILE

MAGIC = b"posthog_error_tracking"
MAX_PAYLOAD = 512 * 1024 * 1024
"""The largest payload that is written, in bytes before compression."""
MAX_DECODED = MAX_FILE
"""The largest payload that is read, in bytes after decompression: PostHog's own limit for a symbol set (contract 5.4).
A stored file of some kilobytes can hold thousands of times as much, and its content need not come from the user:
PostHog also fetches maps from sites."""

Version = Literal[1, 2]

_LEVEL = 3
_HEAD = struct.Struct("<II")
_LENGTH = struct.Struct("<Q")
_SLICE = 1024  # compressed bytes fed at a time: zstd makes at most 128 KiB of every 4 of them
_NO_COMPRESSION, _ZSTD = 0, 1


class DataType(IntEnum):
    """The type of a container's data; the numbers are the format's."""

    SOURCE_AND_MAP = 2
    HERMES_MAP = 3
    PROGUARD_MAPPING = 4
    APPLE_DSYM = 5
    ELF_DEBUG_INFO = 6


class ContainerError(ValueError):
    """The bytes are not a container, a broken one, or one that is too large; the text gives the reason."""


class TooMuchError(ContainerError):
    """The content of a container is larger than the limit for reading."""


@dataclass(frozen=True, slots=True)
class SymbolData:
    """The content of a container: the map (or mapping, or debug file), and the minified source if it has one.

    `version` is that of the container it was read from.
    """

    kind: DataType
    data: bytes
    source: bytes | None = None
    version: Version = 2


def header(version: Version, kind: DataType, *, compressed: bool = False) -> bytes:
    """Return the bytes before the payload."""
    head = MAGIC + _HEAD.pack(version, kind)
    return head if version == 1 else head + bytes([_ZSTD if compressed else _NO_COMPRESSION])


def length(size: int) -> bytes:
    """Return the length field that precedes a source and a map."""
    return _LENGTH.pack(size)


def payload_size(kind: DataType, parts: Iterable[int]) -> int:
    """Return the size of a payload whose parts (source and map, or one) have these sizes."""
    sizes = list(parts)
    return sum(sizes) + (_LENGTH.size * len(sizes) if kind is DataType.SOURCE_AND_MAP else 0)


def write(target: BinaryIO, kind: DataType, payload: Iterable[bytes], size: int) -> None:
    """Write a container of version 2, compressed with zstd, piece by piece.

    Args:
        size: size of the payload in bytes; the frame records it.
    """
    import zstandard

    target.write(header(2, kind, compressed=True))
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj(size=size)
    for piece in payload:
        if packed := compressor.compress(piece):
            target.write(packed)
    target.write(compressor.flush())


def encode(symbols: SymbolData, *, version: Version = 2, compressed: bool = True) -> bytes:
    """Return a container. Version 1 is never compressed."""
    payload = b"".join(_payload(symbols))
    if version == 1 or not compressed:
        return header(version, symbols.kind) + payload
    target = io.BytesIO()
    write(target, symbols.kind, [payload], len(payload))
    return target.getvalue()


def decode(content: bytes, *, limit: int = MAX_DECODED) -> SymbolData:
    """Read a container of either version.

    Args:
        limit: largest size of the decompressed payload, in bytes.

    Raises:
        ContainerError: see there. No bytes raise another error, or take much more memory than `limit` and twice their
            own size.
    """
    start = len(MAGIC) + _HEAD.size
    if content[: len(MAGIC)] != MAGIC:
        raise ContainerError("This is not a symbol set of PostHog: it does not begin with posthog_error_tracking.")
    if len(content) < start:
        raise ContainerError("The symbol set ends within its header.")
    version, number = _HEAD.unpack_from(content, len(MAGIC))
    if version not in (1, 2):
        raise ContainerError(f"The symbol set has format version {version}; 1 and 2 are known.")
    try:
        kind = DataType(number)
    except ValueError:
        raise ContainerError(f"The symbol set holds data of type {number}; 2 to 6 are known.") from None
    payload = memoryview(content)[start:]
    if version == 2:
        payload = _decompress(payload, limit)
    if len(payload) > limit:
        raise _too_large(limit)
    if kind is not DataType.SOURCE_AND_MAP:
        return SymbolData(kind, bytes(payload), version=version)
    source, rest = _take(payload, "source")
    data, rest = _take(rest, "source map")
    if rest:
        raise ContainerError(f"{len(rest)} unexpected bytes follow the source map.")
    return SymbolData(kind, bytes(data), bytes(source), version=version)


def _payload(symbols: SymbolData) -> Iterator[bytes]:
    if symbols.kind is DataType.SOURCE_AND_MAP:
        source = symbols.source or b""
        yield from (length(len(source)), source, length(len(symbols.data)))
    yield symbols.data


def _take(payload: memoryview, part: str) -> tuple[memoryview, memoryview]:
    if len(payload) < _LENGTH.size:
        raise ContainerError(f"The symbol set ends before its {part}.")
    (size,) = _LENGTH.unpack_from(payload)
    rest = payload[_LENGTH.size :]
    if size > len(rest):
        raise ContainerError(f"The {part} should have {size} bytes, but the symbol set ends after {len(rest)}.")
    return rest[:size], rest[size:]


def _decompress(payload: memoryview, limit: int) -> memoryview:
    if not payload:
        raise ContainerError("The symbol set ends within its header.")
    kind, packed = payload[0], payload[1:]
    if kind == _NO_COMPRESSION:
        return packed
    if kind != _ZSTD:
        raise ContainerError(f"The symbol set has compression type {kind}; 0 (none) and 1 (zstd) are known.")
    import zstandard

    parts, size = list[bytes](), 0
    try:
        declared = zstandard.get_frame_parameters(packed).content_size
        if declared not in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR) and declared > limit:
            raise _too_large(limit)
        stream = zstandard.ZstdDecompressor().decompressobj()
        position = 0
        while position < len(packed) and not stream.eof:
            part = stream.decompress(packed[position : position + _SLICE])
            position += _SLICE
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except zstandard.ZstdError:
        raise ContainerError("The symbol set's compressed data is broken.") from None
    if not stream.eof:
        raise ContainerError("The symbol set's compressed data ends too early.")
    if stream.unused_data or position < len(packed):
        raise ContainerError("Unexpected bytes follow the symbol set's compressed data.")
    return memoryview(b"".join(parts))


def _too_large(limit: int) -> TooMuchError:
    return TooMuchError(f"The symbol set holds more than {limit >> 20} MiB, the limit for reading it.")
