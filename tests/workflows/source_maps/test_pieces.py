"""Large texts in pieces: the same results as in one call, and no call over more than a piece."""

import base64
import binascii
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Never
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_errortracking.workflows.problems import InvalidMapError, WorkflowError
from mcp_errortracking.workflows.source_maps.bundles import injection
from mcp_errortracking.workflows.source_maps.bundles.injection import inject, map_in
from mcp_errortracking.workflows.source_maps.maps import mappings as mappings_module
from mcp_errortracking.workflows.source_maps.maps import pieces, script
from mcp_errortracking.workflows.source_maps.maps.mappings import Mappings, with_new_line
from mcp_errortracking.workflows.source_maps.maps.pieces import find_invalid_utf8
from mcp_errortracking.workflows.source_maps.maps.script import find_insertion_point, map_url
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols
from tests.fuzz.effort import effort

MAP = b'{"version":3,"sources":["a"],"names":[],"mappings":"AAAA"}'

sizes = st.integers(4, 9)
lined = st.text(st.sampled_from("a\r\n\u00e9\u2028\u2029\U0001f600"), max_size=40)


@contextmanager
def pieces_of(size: int) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (pieces, script, injection):
            patch.setattr(module, "PIECE", size)
        yield


class Whole(str):
    """A text that must not be processed in one call; its slices may be."""

    __slots__ = ()

    def split(self, *_: Any, **__: Any) -> Never:
        raise AssertionError("the whole text is split in one call")

    def replace(self, old: str, new: str, count: Any = -1) -> str:
        assert len(old) == len(new) == 1, "a text whose length changes is replaced in one call"
        return str(self).replace(old, new, count)


class WholeBytes(bytes):
    """Bytes that must not be decoded in one call; their slices may be."""

    def decode(self, *_: Any, **__: Any) -> Never:
        raise AssertionError("all bytes are decoded in one call")


@effort(150)
@given(lined, sizes)
def test_lines_end_the_same_in_pieces(text: str, size: int) -> None:
    with pieces_of(size):
        lines = Lines(Whole(text))

    assert lines[:] == text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@effort(150)
@given(lined, sizes)
def test_a_bundle_has_the_same_lines_and_columns_in_pieces(text: str, size: int) -> None:
    with pieces_of(size):
        made = Symbols(WholeBytes(text.encode()), MAP).text

    expected = text.replace("\r\n", " \n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    assert made == expected.replace("\U0001f600", "??")


PARTS = [b"a", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xff", b"\xf0\x9f", b"\x80"]


@effort(150)
@given(st.lists(st.sampled_from(PARTS), max_size=9), sizes)
def test_invalid_utf8_is_found_as_in_one_call(parts: list[bytes], size: int) -> None:
    content = b"".join(parts)
    expected = None
    try:
        content.decode()
    except UnicodeDecodeError as error:
        expected = (error.start, error.reason)

    with pieces_of(size):
        assert find_invalid_utf8(WholeBytes(content)) == expected


def test_a_bundle_is_checked_in_pieces() -> None:
    bundle = b"\xc3\xa9" * pieces.PIECE

    assert inject(WholeBytes(bundle), MAP).source.startswith(b"!function")
    with pytest.raises(WorkflowError, match=rf"Invalid start byte at byte {len(bundle)}\."):
        inject(WholeBytes(bundle + b"\xff"), MAP)


@effort(150)
@given(st.text(st.sampled_from(",;A"), max_size=40), sizes)
def test_segments_are_counted_the_same_in_pieces(text: str, size: int) -> None:
    with pieces_of(size):
        counts = list(mappings_module._counts(Whole(text)))  # pyright: ignore[reportPrivateUsage]

    assert counts == [line.count(",") + 1 for line in text.split(";")]


def test_mappings_are_not_cut_into_lines_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mappings_module, "check_letters", lambda text: None)  # pyright: ignore[reportUnknownLambdaType]
    text = ";".join(["AAAA,CACA"] * 50_000)

    found = Mappings(Whole(text)).find(49_999, 1)

    assert found is not None
    assert found.line == 50_000


@pytest.mark.parametrize(
    ("text", "line", "column", "moved"),
    [
        ("AAAA,KAAA;AACA", 0, 0, ";AAAA,KAAA;AACA"),
        ("AAAA,KAAA;AACA", 1, 0, "AAAA,KAAA;;AACA"),
        ("AAAA,KAAA,KAAA;AACA", 0, 5, "AAAA,K;AAAA,KAAA;AACA"),
        ("AAAA,KAAA,KAAA;AACA", 0, 3, "AAAA,G;AAAA,EAAA,KAAA;AACA"),
        ("AAAA,KAAA;AACA", 0, 9, "AAAA,KAAA,I;AAAA;AACA"),
        (",AAAA,,KAAA,", 0, 9, ",AAAA,,KAAA,I;AAAA"),
        ("K,KAAA", 0, 7, "K;A,GAAA"),
        ("AAAA", 3, 1, "AAAA"),
        ("", 0, 4, ";"),
    ],
)
def test_a_new_line_is_put_into_mappings_without_cutting_all_of_them(
    text: str, line: int, column: int, moved: str
) -> None:
    assert with_new_line(Whole(text), line, column) == moved


def test_segments_before_a_new_line_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mappings_module, "_MOST_SEGMENTS", 10)

    assert with_new_line(",".join(["AAAA"] * 9), 0, 5).endswith(",K;AAAA")
    with pytest.raises(InvalidMapError, match="more than 10 segments"):
        with_new_line(",".join(["AAAA"] * 11), 0, 5)


@effort(150)
@given(st.lists(st.sampled_from(["a", "%41", "%e2%82%ac", "%", "%4", "%%", "é"]), max_size=20).map("".join), sizes)
def test_a_data_url_is_unescaped_as_in_one_call(data: str, size: int) -> None:
    with pieces_of(size):
        assert map_in(f"//# sourceMappingURL=data:application/json,{data}".encode()) == unquote_to_bytes(data)


@effort(150)
@given(st.one_of(st.binary(max_size=30).map(base64.b64encode), st.text("A=+!", max_size=14).map(str.encode)))
def test_base_64_is_decoded_as_in_one_call(text: bytes) -> None:
    try:
        expected = base64.b64decode(text, validate=True)
    except binascii.Error:
        expected = None

    with pieces_of(8):
        try:
            made = injection._base64(text)  # pyright: ignore[reportPrivateUsage]
        except binascii.Error:
            made = None

    assert made == expected


def test_no_call_over_a_data_url_is_larger_than_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = list[int]()

    class Part:
        real = script._URL_PART  # pyright: ignore[reportPrivateUsage]

        def match(self, text: bytes, at: int, end: int) -> Any:
            sizes.append(end - at)
            return self.real.match(text, at, end)

    def recorded(run: Any) -> Any:
        def call(text: Any, **options: Any) -> Any:
            sizes.append(len(text))
            return run(text, **options)

        return call

    monkeypatch.setattr(script, "_URL_PART", Part())
    monkeypatch.setattr(injection, "unquote_to_bytes", recorded(unquote_to_bytes))
    monkeypatch.setattr(base64, "b64decode", recorded(base64.b64decode))
    content = MAP + b" " * pieces.PIECE
    url = b"data:application/json;base64," + base64.b64encode(content)

    assert map_in(b"a()\n//# sourceMappingURL=" + url + b"\n") == content
    assert max(sizes) == pieces.PIECE
    assert map_url(b"a()\n//# sourceMappingURL=" + url + b"'\n") is None


def test_a_bundle_is_not_searched_for_its_data_url() -> None:
    class Bundle(bytes):
        def replace(self, *_: Any) -> Never:
            raise AssertionError("a search for a long text in a long text")

    url = b"data:application/json;base64," + base64.b64encode(MAP)
    comments = b"//# sourceMappingURL=%b\n" % url

    made = inject(Bundle(b"a()\n" + 2 * comments), None)

    assert map_in(made.source) == made.map
    assert made.map.startswith(b'{"chunk_id":')
    assert made.source.count(url) == 1, "the comment that counts is the last"


@pytest.mark.parametrize("block", ["/**/", "/***/", "/* * / */", "/*/ */", "/*\n**\n*/"])
def test_directives_follow_comments_of_any_form(block: str) -> None:
    head = f'{block}"use strict";'

    assert find_insertion_point(f"{head}a()".encode()).offset == len(head)
    assert find_insertion_point(f'{block[:-1]}"use strict";a()'.encode()).offset == 0
