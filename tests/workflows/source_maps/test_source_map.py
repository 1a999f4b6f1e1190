"""Source maps: each mapping of real bundlers' maps as an independent decoder has it, and errors for what is none."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.bundles.injection import map_in
from mcp_errortracking.workflows.source_maps.maps.source_map import SourceMap, read
from tests.workflows.source_maps.builds import BUILT, EVERY_TIME, traced

PLAIN: dict[str, Any] = {"version": 3, "sources": ["a.ts"], "names": ["n"], "mappings": "AAAAA"}


def text(**fields: Any) -> bytes:
    return json.dumps({**PLAIN, **fields}).encode()


def rows(source_map: SourceMap, places: list[tuple[int, int]]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for line, column in places:
        position = source_map.find(line - 1, column)
        assert position is not None
        original = (position.source, position.line, position.column, position.name)
        found.append((line, column, *(original if position.source is not None else (None,) * 4)))
    return found


def test_every_mapping_of_every_build_is_as_another_decoder_has_it() -> None:
    maps = [path.read_bytes() for path in sorted(BUILT.rglob("*.map"))]
    maps.append(map_in((BUILT / "esbuild" / "inline.js").read_bytes()))
    assert len(maps) == 12

    for content, theirs in zip(maps, traced([content.decode() for content in maps]), strict=True):
        places = [(line, column) for line, column, *_ in theirs]
        assert len(places) > 20
        assert rows(read(content), places) == theirs


def test_odd_maps_are_as_another_decoder_has_them() -> None:
    nested = {**PLAIN, "mappings": "EAAAA,EAAC;AAAA"}
    maps: list[dict[str, Any]] = [
        {**PLAIN, "mappings": "A,CAAA,C,CAAAA;;IAAA,DAAC,EAAE"},
        {**PLAIN, "mappings": "CAAC,AAAC,AAAC,CAAC"},
        {"version": 3, "sections": []},
        {
            "version": 3,
            "sections": [
                {"offset": {"line": 0, "column": 0}, "map": nested},
                {"offset": {"line": 0, "column": 3}, "map": {**nested, "sources": ["b.ts"]}},
                {"offset": {"line": 2, "column": 5}, "map": {"version": 3, "sections": [
                    {"offset": {"line": 0, "column": 1}, "map": {**nested, "sources": ["c.ts"]}},
                ]}},
            ],
        },
    ]  # fmt: skip

    for fields, theirs in zip(maps, traced([json.dumps(fields) for fields in maps]), strict=True):
        places = [(line, column) for line, column, *_ in theirs]
        assert rows(read(json.dumps(fields).encode()), places) == theirs


def test_a_section_leaves_what_stands_before_it_in_its_line() -> None:
    sections = [
        {"offset": {"line": 0, "column": 0}, "map": {**PLAIN, "mappings": "AAAA"}},
        {"offset": {"line": 0, "column": 10}, "map": {**PLAIN, "sources": ["b.ts"], "mappings": "EAAA,EAAA,A"}},
    ]
    source_map = read(json.dumps({"version": 3, "sections": sections}).encode())

    found = [source_map.find(0, column) for column in (9, 10, 11, 12, 14)]
    assert [position and position.source for position in found] == ["a.ts", "a.ts", "a.ts", "b.ts", "b.ts"]
    assert source_map.find(1, 0) is None


def test_what_a_map_says_of_its_sources() -> None:
    fields = {
        "sources": ["a.ts", None, "b.ts"],
        "sourceRoot": "src/",
        "sourcesContent": ["one\r\ntwo\rthree\nfour", None, None],
        "x_google_ignoreList": [0],
    }
    source_map = read(b")]}'\n" + text(**fields))
    position = source_map.find(0, 5)

    assert source_map.sources == ["src/a.ts", None, "src/b.ts"]
    assert source_map.contents() == {"src/a.ts": "one\r\ntwo\rthree\nfour"}
    assert position
    assert position.is_ignored
    assert position.name == "n"
    assert list(position.text or ()) == ["one", "two", "three", "four"]


def test_half_a_surrogate_pair_is_read_and_replaced() -> None:
    source_map = read(text(sourcesContent=["\ud83d"]))

    assert source_map.contents() == {"a.ts": "?"}


def deep(depth: int) -> bytes:
    inner = json.dumps(PLAIN)
    for _ in range(depth):
        inner = f'{{"version":3,"sections":[{{"offset":{{"line":0,"column":0}},"map":{inner}}}]}}'
    return inner.encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "broken JSON"),
        (b'{"version":3,"sources":[', "broken JSON"),
        (b"<!doctype html>", "broken JSON"),
        (b'{"version":3,"mappings":"\xff"}', "not UTF-8"),
        (b"[" * 100_000, "broken JSON"),
        (b'{"a":' * 100_000, "broken JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b"{}", "It names no version"),
        (text(version=2), "version is 2"),
        (text(version="x" * 500), "version is x{20};"),
        (b'{"version":3}', "neither mappings nor sections"),
        (text(mappings=1), "neither mappings nor sections"),
        (text(sources="a"), "sources are not a list"),
        (text(sources=[1]), "sources are not a list of strings"),
        (text(sourcesContent=[{}]), "not a list of strings"),
        (text(names={}), "names are not a list"),
        (text(sections={}), "not a list of objects"),
        (text(sections=[1]), "not a list of objects"),
        (text(sections=[{"offset": {"line": 0, "column": 0}, "url": "x"}]), "no map of its own"),
        (text(sections=[{"offset": {"line": -1, "column": 0}, "map": PLAIN}]), "offsets of its sections do not ascend"),
        (
            text(sections=[{"offset": {"line": True, "column": 0}, "map": PLAIN}]),
            "offsets of its sections do not ascend",
        ),
        (text(sections=[{"map": PLAIN}]), "offsets of its sections do not ascend"),
        (
            text(sections=[{"offset": {"line": line, "column": 0}, "map": PLAIN} for line in (1, 0)]),
            "offsets of its sections do not ascend",
        ),
        (deep(17), "nested too deeply"),
        (text(mappings="ACAA"), "source 1 of 1"),
        (text(mappings="AAAAC"), "name 1 of 1"),
        (text(mappings="A?"), "not base 64 digits"),
    ],
)
def test_what_is_no_map_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(InvalidMapError, match=why):
        read(content).find(0, 0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(
    ["version", "sources", "names", "mappings", "sourcesContent", "sourceRoot", "sections", "ignoreList"]
)


@settings(EVERY_TIME)
@given(st.dictionaries(fields, json_values, max_size=4), st.integers(-1, 2), st.integers(-1, 99))
def test_any_json_is_read_or_refused(changed: dict[str, Any], line: int, column: int) -> None:
    with suppress(InvalidMapError):
        source_map = read(text(**changed))
        source_map.contents()
        source_map.find(line, column)


@settings(EVERY_TIME)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(InvalidMapError):
        read(content)


def test_maps_nested_as_deep_as_allowed_are_read() -> None:
    position = read(deep(15)).find(0, 0)

    assert position
    assert position.source == "a.ts"
