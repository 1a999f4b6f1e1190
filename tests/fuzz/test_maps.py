"""Containers, maps and build folders of strangers: read, or refused with the error that says why; nothing else."""

import json
import struct
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import InvalidMapError, Problem
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import (
    MAGIC,
    ContainerError,
    DataType,
    SymbolData,
    decode,
    encode,
)
from mcp_errortracking.workflows.source_maps.maps.map_json import parse_map
from mcp_errortracking.workflows.source_maps.maps.mappings import Mappings
from mcp_errortracking.workflows.source_maps.maps.source_map import read
from mcp_errortracking.workflows.source_maps.maps.sources import SourcesError, list_sources, source_path
from tests.fuzz.arguments import anything, texts
from tests.fuzz.effort import effort

segments = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/,;", max_size=60)
mappings = st.one_of(segments, segments, texts)
maps = st.fixed_dictionaries(
    {"version": st.one_of(st.just(3), anything)},
    optional={
        "mappings": st.one_of(mappings, anything),
        "sources": st.one_of(st.lists(texts, max_size=3), anything),
        "sourcesContent": st.one_of(st.lists(st.one_of(st.none(), texts), max_size=3), anything),
        "names": st.one_of(st.lists(texts, max_size=3), anything),
        "sourceRoot": st.one_of(texts, anything),
        "sections": anything,
        "x_google_ignoreList": anything,
        "x_hermes_function_offsets": anything,
        "file": anything,
        "chunk_id": st.one_of(texts, anything),
    },
)
positions = st.tuples(st.integers(0, 5), st.integers(0, 300))


def as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def explained(error: Exception) -> None:
    """An error that can be written into a reply."""
    assert str(error).encode()


map_files = st.one_of(maps.map(as_bytes), anything.map(as_bytes), st.binary(max_size=80))


@effort(150)
@given(mappings, st.lists(positions, min_size=1, max_size=4))
def test_mappings_are_decoded_or_refused(text: str, places: list[tuple[int, int]]) -> None:
    try:
        decoded = Mappings(text)
        for line, column in places:
            found = decoded.find(line, column)
            assert found is None or found.column >= 0
    except InvalidMapError as error:
        explained(error)


@effort(150)
@given(map_files, positions)
def test_maps_are_read_or_refused(content: bytes, place: tuple[int, int]) -> None:
    try:
        source_map = read(content)
        position = source_map.find(*place)
        assert position is None or position.line >= 0
        assert all(isinstance(text, str) for text in source_map.contents().values())
    except InvalidMapError as error:
        explained(error)


@effort(80)
@given(map_files)
def test_sources_of_maps_are_listed_or_refused(content: bytes) -> None:
    try:
        listed = list_sources(parse_map(content))
    except (InvalidMapError, SourcesError) as error:
        explained(error)
        return
    for source in listed:
        path = source_path(source.name)
        assert not path.is_absolute()
        assert ".." not in path.parts


heads = st.builds(
    lambda magic, version, kind, compression: magic + struct.pack("<II", version, kind) + compression,
    st.sampled_from([MAGIC, MAGIC[:-1], b""]),
    st.sampled_from([0, 1, 2, 2, 3, 2**32 - 1]),
    st.integers(0, 8),
    st.sampled_from([b"", b"\x00", b"\x01", b"\x01\x28\xb5\x2f\xfd", b"\x09"]),
)
sizes = st.sampled_from([0, 1, 7, 2**31, 2**63, 2**64 - 1]).map(struct.Struct("<Q").pack)
payloads = st.lists(st.one_of(st.binary(max_size=30), sizes), max_size=4).map(b"".join)


@effort(150)
@given(st.one_of(st.binary(max_size=80), st.builds(bytes.__add__, heads, payloads)))
def test_containers_are_decoded_or_refused(content: bytes) -> None:
    try:
        symbols = decode(content, limit=1 << 20)
    except ContainerError as error:
        explained(error)
    else:
        assert len(symbols.data) <= 1 << 20


@effort(80)
@given(st.sampled_from(DataType), st.binary(max_size=200), st.binary(max_size=200), st.data())
def test_a_damaged_container_is_refused_or_whole(
    kind: DataType, source: bytes, data: bytes, draw: st.DataObject
) -> None:
    whole = encode(SymbolData(kind, data, source if kind is DataType.SOURCE_AND_MAP else None))
    assert decode(whole).data == data
    at = draw.draw(st.integers(0, len(whole) - 1))
    bent = whole[:at] + bytes([whole[at] ^ draw.draw(st.integers(1, 255))]) + whole[at + 1 :]
    for damaged in (whole[:at], bent):
        try:
            decode(damaged, limit=1 << 20)
        except ContainerError as error:
            explained(error)


NAMES = ["a.js", "a.js.map", "b.mjs", "b.mjs.map", "main.jsbundle.map", "mapping.txt", "sub/c.js", "sub/c.js.map"]
urls = st.one_of(
    st.sampled_from(["a.js.map", "../a.js.map", "/etc/passwd", "file:///etc/passwd", "http://[", "data:,x"]),
    st.just("data:application/json;base64,e30="),
    texts,
)
scripts = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda code, url: f"{code}\n//# sourceMappingURL={url}\n".encode("utf-8", "replace"),
        st.one_of(texts, st.just("!function(){};")),
        urls,
    ),
)


@effort(60)
@given(st.dictionaries(st.sampled_from(NAMES), st.one_of(scripts, map_files), max_size=5))
def test_a_hostile_folder_is_prepared_or_its_problems_named(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as outside:
        folder = Path(outside, "build")
        (folder / "sub").mkdir(parents=True)
        beside = Path(outside, "a.js.map")
        beside.write_bytes(b"{}")
        for name, content in files.items():
            (folder / name).write_bytes(content)

        made = list(prepare(Roots([folder]), find(Roots([folder]), folder)))

        for one in made:
            if isinstance(one, Problem):
                assert one.explanation.reason
                assert str(one).encode()
            else:
                assert one.chunk_id
        assert beside.read_bytes() == b"{}", "nothing outside the folder is changed"
        assert sorted(path.name for path in Path(outside).iterdir()) == ["a.js.map", "build"]
        again = list(prepare(Roots([folder]), find(Roots([folder]), folder)))
        assert [one.written for one in again if isinstance(one, Chunk)] == [
            () for one in again if isinstance(one, Chunk)
        ], "a second time writes nothing"
