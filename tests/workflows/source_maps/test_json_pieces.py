"""JSON in pieces: the same values as in one call, and no call over more than a piece."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps import json_pieces, map_json, pieces
from mcp_errortracking.workflows.source_maps.maps.json_pieces import dump_pieces, parse_pieces
from mcp_errortracking.workflows.source_maps.maps.map_json import AT_ONCE, parse_map, rewrite_map
from mcp_errortracking.workflows.source_maps.maps.script import InsertionPoint
from tests.fuzz.effort import effort

LONGEST_REST = len("\\ud83d\\ude00")
"""Bytes that a piece takes along, so as to cut nothing."""

characters = st.sampled_from('ab"\\/\n\t\0\x7f \u00e9\u20ac\u2028\U0001f600\uffff[]{},:0')
strings = st.one_of(st.text(characters, max_size=60), st.text(st.sampled_from("\U0001f600\u00e9a"), max_size=60))
leaves = st.one_of(strings, st.none(), st.booleans(), st.integers(), st.floats())
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4), max_leaves=8
)
sizes = st.integers(16, 40)
texts = st.builds(
    lambda value, escaped, indent: json.dumps(value, ensure_ascii=escaped, indent=indent).encode(),
    values,
    st.booleans(),
    st.sampled_from([None, 1]),
)
FRAGMENTS = [
    *(b'"', b"\\", b"\\u", b"\\u00e9", b"\\ud83d", b"\\ude00", b"\\ud83d\\ude00", b"\\n", b"\\u0000", b"\\u00000"),
    *(b"\n", b"\xff", b"\xf0\x9f\x98\x80", b"\xf0\x9f", b"\x80", b",", b":", b"[", b"]", b"{", b"}", b"0", b" "),
]
string_bodies = st.lists(st.sampled_from([*FRAGMENTS[1:], b"a", b"abcdefgh"]), max_size=30).map(b"".join)
broken = st.one_of(
    st.builds(lambda body: b'{"a":["%b","b"]}' % body, string_bodies),
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(b"".join),
    st.builds(
        lambda text, at, size, new: text[: at % (len(text) + 1)] + new + text[at % (len(text) + 1) + size :],
        texts,
        st.integers(0, 500),
        st.integers(0, 3),
        st.sampled_from(FRAGMENTS),
    ),
)


def parsed(text: bytes, size: int, *, replace_halves: bool = False) -> str | None:
    """The value as Python writes it, since NaN equals nothing; None if it is invalid."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", size)
        try:
            return repr(parse_pieces(text, replace_halves=replace_halves))
        except ValueError as caught:
            error = caught
    assert 0 <= int(str(error).rpartition(" at byte ")[2]) <= len(text)
    return None


def at_once(text: bytes) -> str | None:
    try:
        return repr(from_json(text))
    except ValueError:
        return None


@effort(250)
@given(texts, sizes)
def test_json_is_parsed_as_by_pythons_parser(text: bytes, size: int) -> None:
    assert parsed(text, size) == repr(json.loads(text))


@effort(500)
@given(broken, sizes)
def test_broken_json_is_accepted_or_refused_as_in_one_call(text: bytes, size: int) -> None:
    assert parsed(text, size) == at_once(text)


@effort(250)
@given(string_bodies, sizes)
def test_half_pairs_are_replaced_as_in_one_call(body: bytes, size: int) -> None:
    text = b'{"%b":"%b"}' % (body, body)
    replaced = json_pieces._HALF_PAIR.sub(json_pieces._replaced, text)  # pyright: ignore[reportPrivateUsage]

    assert parsed(text, size, replace_halves=True) == at_once(replaced)


@effort(150)
@given(values, sizes)
def test_json_is_written_as_by_pythons_writer(value: Any, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", size)
        assert b"".join(dump_pieces(value)) == json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize("shift", range(16))
@pytest.mark.parametrize("unit", ["\\n", "\\\\", '\\"', "\\u20ac", "\\ud83d\\ude00", "\u20ac", "\U0001f600"])
def test_no_unit_is_cut(monkeypatch: pytest.MonkeyPatch, unit: str, shift: int) -> None:
    monkeypatch.setattr(pieces, "PIECE", 16)
    text = json.loads(f'"{"a" * shift}{unit * 20}"')

    assert parse_pieces(f'["{"a" * shift}{unit * 20}"]'.encode()) == [text]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'["' + b"a" * 30 + b'\\q"]', "invalid escape at byte 33"),
        (b'["' + b"a" * 30 + b'\\u12"]', "invalid escape at byte 32"),
        (b'["' + b"a" * 30 + b'\n"]', "control character (\\u0000-\\u001F) found while parsing a string at byte 32"),
        (b'["' + b"a" * 30 + b'\xff"]', "invalid unicode code point at byte 32"),
        (b'["' + b"a" * 30, "string without an end at byte 1"),
        (b'{"' + b"a" * 70 + b'":\n"' + b"b" * 70 + b'"\n,x}', "key must be a string at byte 149"),
        (b'["' + b"a" * 70 + b'" "' + b"b" * 70 + b'"]', "expected `,` or `]` at byte 74"),
        (b'[\n"a",\n"b" 1]', "expected `,` or `]` at byte 11"),
        (b'"a"\\u0000', "backslash outside of a string at byte 3"),
        (b'["' + b"a" * 70 + b'"', "EOF while parsing a list at byte 72"),
    ],
)
def test_errors_name_the_byte(monkeypatch: pytest.MonkeyPatch, text: bytes, said: str) -> None:
    monkeypatch.setattr(pieces, "PIECE", 16)

    with pytest.raises(ValueError, match=rf"^{re.escape(said)}$"):
        parse_pieces(text)


class Recorder:
    """Calls a function, and keeps the length of its first argument."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self.sizes = list[int]()

    def __call__(self, text: Any, **options: Any) -> Any:
        self.sizes.append(len(text) if isinstance(text, bytes | str) else 0)
        return self._run(text, **options)


LARGE_TEXTS = {
    "letters": "a" * (AT_ONCE + 1),
    "one escape": "\\n" + "a" * AT_ONCE,
    "escapes": "\\\\abcdef" * (AT_ONCE // 8 + 1),
    "surrogate pairs": "\\ud83d\\ude00abcdefgh" * (AT_ONCE // 20 + 1),
    "emoji": "\U0001f600" * (AT_ONCE // 4 + 1),
}


@pytest.mark.parametrize("kind", LARGE_TEXTS)
def test_no_call_parses_more_than_a_piece_of_a_text(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    text = b'{"version":3,"mappings":"%b"}' % LARGE_TEXTS[kind].encode()
    expected = from_json(text)
    parse, whole = Recorder(from_json), Recorder(from_json)
    monkeypatch.setattr(json_pieces, "from_json", parse)
    monkeypatch.setattr(map_json, "from_json", whole)

    assert parse_map(text) == expected
    assert not whole.sizes
    assert max(parse.sizes) <= pieces.PIECE + LONGEST_REST + len('""')
    assert len(parse.sizes) <= len(text) // (pieces.PIECE - LONGEST_REST) + 3


def test_half_pairs_are_replaced_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = Recorder(from_json)
    monkeypatch.setattr(json_pieces, "from_json", parse)
    text = b'{"x":"\\ud800%b"}' % ("\U0001f600" * 500_000).encode()

    assert parse_map(text) == {"x": "?" + "\U0001f600" * 500_000}
    assert max(parse.sizes) <= pieces.PIECE + LONGEST_REST + len('""')


def test_half_pairs_of_a_large_map_are_not_replaced() -> None:
    with pytest.raises(InvalidMapError, match=r"broken JSON: .* at byte \d+"):
        parse_map(b'{"x":"%b\\ud800"}' % (b"a" * AT_ONCE))


def test_short_strings_are_parsed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = Recorder(from_json)
    monkeypatch.setattr(json_pieces, "from_json", parse)
    names = [f"name{number}" for number in range(10_000)]

    assert parse_pieces(json.dumps({"names": names, "x": "a\n"}).encode()) == {"names": names, "x": "a\n"}
    assert len(parse.sizes) == 2


def test_a_large_map_is_written_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"version": 3, "chunk_id": "a", "mappings": "AAAA", "sourcesContent": ["\u00e9\n" * 500_000, None]}
    text = json.dumps(fields).encode()
    monkeypatch.setattr(map_json, "AT_ONCE", len(text) - 1)
    write = Recorder(json.dumps)
    monkeypatch.setattr(json, "dumps", write)

    made = rewrite_map(text, fields, {"chunk_id": "b"}, InsertionPoint(0, 0, 0))

    assert json.loads(made) == {**fields, "chunk_id": "b", "mappings": ";AAAA"}
    assert max(write.sizes) == pieces.PIECE


def test_long_numbers_and_texts_that_take_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_pieces, "MOST_CHARACTERS", 40)

    assert parse_pieces(b"[%b]" % (b"9" * 64)) == [int("9" * 64)]
    with pytest.raises(InvalidMapError, match="a number of more than 64 digits, at byte 4"):
        parse_pieces(b"[1, %b]" % (b"9" * 65))
    for digits in (63, 64, 65, 100):
        assert parse_pieces(b'["%b"]' % (b"9" * digits)) == ["9" * digits], "digits in a string do not count"
    assert parse_pieces('["aé{}"]'.format("a" * 38).encode()) == ["aé" + "a" * 38]
    with pytest.raises(InvalidMapError, match="The text at byte 1 has more than 40 characters, and some are not ASCII"):
        parse_pieces('["aé{}"]'.format("a" * 39).encode())
    assert math.isnan(parse_pieces(b"NaN"))
