"""The container format, written and read; what is broken or hostile is refused in words."""

import io
import os
import struct
from contextlib import suppress

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp_errortracking.workflows.source_maps.container import (
    MAGIC,
    ContainerError,
    DataType,
    SymbolData,
    Version,
    decode,
    encode,
    write,
)

BOTH = SymbolData(DataType.SOURCE_AND_MAP, b'{"version":3}', b"let a=1")
V1 = (
    b"posthog_error_tracking\x01\0\0\0\x02\0\0\0" + b"\x07" + b"\0" * 7 + b"let a=1" + b"\x0d" + b"\0" * 7
) + b'{"version":3}'


def v2(payload: bytes, kind: int = 2, compression: int = 1) -> bytes:
    return MAGIC + struct.pack("<II", 2, kind) + bytes([compression]) + payload


def packed(payload: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(payload)


def test_version_1_is_what_the_format_says() -> None:
    assert encode(BOTH, version=1) == V1
    assert decode(V1) == SymbolData(BOTH.kind, BOTH.data, BOTH.source, version=1)


def test_version_2_is_one_zstd_stream_that_knows_its_size() -> None:
    content = encode(BOTH)
    payload = V1[30:]

    assert content[:31] == b"posthog_error_tracking\x02\0\0\0\x02\0\0\0\x01"
    assert zstandard.get_frame_parameters(content[31:]).content_size == len(payload)
    assert zstandard.ZstdDecompressor().decompress(content[31:]) == payload
    assert encode(BOTH, compressed=False) == v2(payload, compression=0)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("kind", DataType)
def test_every_type_comes_back(kind: DataType, version: Version, compressed: bool) -> None:
    source = b"code" if kind is DataType.SOURCE_AND_MAP else None
    symbols = SymbolData(kind, os.urandom(100_000), source, version=version)

    assert decode(encode(symbols, version=version, compressed=compressed)) == symbols


def test_pieces_make_the_same_container_as_the_whole() -> None:
    payload = V1[30:]
    target = io.BytesIO()
    write(target, DataType.SOURCE_AND_MAP, (payload[i : i + 3] for i in range(0, len(payload), 3)), len(payload))

    assert decode(target.getvalue()) == decode(encode(BOTH))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin with posthog_error_tracking"),
        (b"<html>", "does not begin with posthog_error_tracking"),
        (b'{"version":3}', "does not begin with posthog_error_tracking"),
        (MAGIC, "ends within its header"),
        (V1[:29], "ends within its header"),
        (v2(b"")[:30], "ends within its header"),
        (MAGIC + struct.pack("<II", 3, 2), "format version 3; 1 and 2 are known"),
        (MAGIC + struct.pack("<II", 1, 1), "type 1; 2 to 6 are known"),
        (V1[:33], "ends before its source"),
        (V1[:40], "source should have 7 bytes, but the symbol set ends after 2"),
        (V1[:48], "ends before its source map"),
        (V1[:-1], "source map should have 13 bytes, but the symbol set ends after 12"),
        (V1 + b"!", "1 unexpected bytes follow the source map"),
        (MAGIC + struct.pack("<IIQ", 1, 2, 2**64 - 1), "source should have 18446744073709551615 bytes"),
        (v2(b"x", compression=7), "compression type 7"),
        (v2(b"not zstd"), "compressed data is broken"),
        (v2(b""), "compressed data is broken"),
        (v2(packed(V1[30:])[:-5]), "ends too early"),
        (v2(packed(V1[30:]) + b"tail"), "Unexpected bytes follow"),
        (v2(packed(V1[30:]) + packed(b"again")), "Unexpected bytes follow"),
    ],
)
def test_what_is_broken_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(ContainerError, match=words):
        decode(content)


def test_a_bomb_is_not_unpacked() -> None:
    declared = v2(packed(b"\0" * (64 << 20)), kind=3)
    undeclared = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    hidden = v2(undeclared.compress(b"\0" * (64 << 20)) + undeclared.flush(), kind=3)

    for bomb in (declared, hidden):
        assert len(bomb) < 10_000
        with pytest.raises(ContainerError, match="more than 1 MiB"):
            decode(bomb, limit=1 << 20)
    with pytest.raises(ContainerError, match="more than 0 MiB"):
        decode(V1, limit=10)


@settings(max_examples=200, deadline=None)
@example(b"")
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(noise: bytes) -> None:
    for content in (noise, MAGIC + noise, V1[:30] + noise, v2(noise), v2(packed(noise)), v2(noise, compression=0)):
        with suppress(ContainerError):
            symbols = decode(content, limit=1 << 20)
            assert decode(encode(symbols, version=symbols.version, compressed=False)) == symbols


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_read(place: int, value: int) -> None:
    content = bytearray(encode(BOTH))
    content[place % len(content)] = value
    with suppress(ContainerError):
        decode(bytes(content))
