"""The decoder of mappings: right for everything that can be encoded, and a clear error for everything else."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps.mappings import UNMAPPED, MappedPosition, Mappings, with_new_line
from tests.workflows.source_maps.builds import EVERY_TIME

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
Line = dict[int, tuple[int, ...]]
"""By column: nothing, or source, line and column, or those and a name."""

small = st.integers(0, 60) | st.integers(0, 2**20)
targets = st.just(()) | st.tuples(small, small, small) | st.tuples(small, small, small, small)
bundles = st.lists(st.dictionaries(small, targets, max_size=6), max_size=6)


def number(value: int) -> str:
    """A number as the format's description has it, bit by bit."""
    bits = abs(value) * 2 + (value < 0)
    digits = [bits % 32]
    while bits := bits // 32:
        digits.append(bits % 32)
    return "".join(ALPHABET[digit + 32] for digit in digits[:-1]) + ALPHABET[digits[-1]]


def encoded(lines: Iterable[Line]) -> str:
    last = [0, 0, 0, 0]
    texts: list[str] = []
    for line in lines:
        segments: list[str] = []
        before = 0
        for column, target in sorted(line.items()):
            differences = [value - last[field] for field, value in enumerate(target)]
            last[: len(target)] = target
            segments.append("".join(map(number, [column - before, *differences])))
            before = column
        texts.append(",".join(segments))
    return ";".join(texts)


def mapped(target: tuple[int, ...]) -> MappedPosition:
    if not target:
        return UNMAPPED
    return MappedPosition(target[0], target[1], target[2], target[3] if len(target) == 4 else None)


def expected(lines: list[Line], line: int, column: int) -> MappedPosition | None:
    starts = [start for start in (lines[line] if line < len(lines) else {}) if start <= column]
    return mapped(lines[line][max(starts)]) if starts else None


@settings(EVERY_TIME)
@given(bundles, st.data())
def test_what_was_encoded_is_found(lines: list[Line], data: st.DataObject) -> None:
    mappings = Mappings(encoded(lines))

    for line, segments in enumerate(lines):
        for column in segments:
            assert mappings.find(line, column) == expected(lines, line, column)
    line, column = data.draw(st.integers(0, 7)), data.draw(small)
    assert mappings.find(line, column) == expected(lines, line, column)


@settings(EVERY_TIME)
@given(bundles, st.integers(0, 6), small)
def test_a_new_line_moves_nothing_else(lines: list[Line], line: int, column: int) -> None:
    moved = Mappings(with_new_line(encoded(lines), line, column))

    for at, segments in enumerate(lines):
        for start in {*segments, *(start + 1 for start in segments)}:
            old = expected(lines, at, start)
            if (at, start) < (line, column):
                assert moved.find(at, start) == old
            elif at == line:
                assert moved.find(at + 1, start - column) == old
            else:
                assert moved.find(at + 1, start) == old
    if column and line < len(lines):
        assert moved.find(line, column) in (UNMAPPED, None)


@settings(EVERY_TIME)
@given(st.text(alphabet=f"{ALPHABET[:4]}gh/9,;é", max_size=30) | st.text(max_size=20), st.integers(-1, 3), small)
def test_any_text_is_decoded_or_refused(text: str, line: int, column: int) -> None:
    try:
        found = Mappings(text).find(line, column)
    except InvalidMapError:
        return
    assert found is None or found is UNMAPPED or min(found.source, found.line, found.column, found.name or 0) >= 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A" * 36, "too long"),
        ("A!", "not base 64 digits"),
        ("AAAÄ", "not base 64 digits"),
        ("AA", "2 numbers"),
        ("AAA", "3 numbers"),
        ("AAAAAA", "6 numbers"),
        ("AAAg", "within a number"),
        ("g", "within a number"),
        ("gggggggggggA", "too many digits"),
        ("ggggggggg" * 1000, "within a number"),
        ("+++++++f", "too many digits"),
        ("++++++f", "beyond 31 bits"),
        ("B", "beyond 31 bits"),
        ("D", "column below zero"),
        ("AAAD", "position below zero"),
        ("AADA", "position below zero"),
        ("ADAA", "position below zero"),
        ("AAAAD", "position below zero"),
        (";" * 8_000_001, "more than 8,000,000 segments"),
    ],
)
def test_nonsense_is_named(text: str, why: str) -> None:
    with pytest.raises(InvalidMapError, match=why):
        Mappings(text).find(0, 10)


def test_columns_out_of_order_are_sorted() -> None:
    # Columns 9, 4 and 6 in the order of the text, each from its own original column.
    mappings = Mappings(",".join(["SAAA", "LAAC", "EAAC"]))

    assert [mappings.find(0, column) for column in (3, 4, 6, 9)] == [
        None,
        MappedPosition(0, 0, 1, None),
        MappedPosition(0, 0, 2, None),
        MappedPosition(0, 0, 0, None),
    ]


def test_empty_segments_count_for_nothing() -> None:
    mappings = Mappings(",CAAC,,EAAC,;;,")

    assert mappings.find(0, 0) is None
    assert mappings.find(0, 1) == mappings.find(0, 2) == MappedPosition(0, 0, 1, None)
    assert mappings.find(0, 3) == mappings.find(0, 99) == MappedPosition(0, 0, 2, None)
    assert [mappings.find(line, 5) for line in (1, 2, 3, -1)] == [None] * 4


def test_of_several_at_a_column_the_first_is_found_there_and_the_last_behind_it() -> None:
    mappings = Mappings("CAAC,AAAC")

    assert mappings.find(0, 1) == MappedPosition(0, 0, 1, None)
    assert mappings.find(0, 2) == MappedPosition(0, 0, 2, None)
    assert mappings.find(0, 1, before=True) is None
    assert mappings.find(0, 2, before=True) == MappedPosition(0, 0, 2, None)


def test_sums_are_right_across_blocks() -> None:
    lines: list[Line] = [
        {column * 3: (column % 7, column, column % 11, column % 5) for column in range(length)}
        for length in (200, 1, 700, 0, 56, 1024)
    ]
    mappings = Mappings(encoded(lines))

    for line, length in enumerate(map(len, lines)):
        for column in range(length * 3 + 2):
            assert mappings.find(line, column) == expected(lines, line, column)


def test_of_several_at_a_column_the_first_is_found_however_many() -> None:
    mappings = Mappings("A;CAAC" + ",AACC" * 1000)

    assert mappings.find(1, 1) == MappedPosition(0, 0, 1, None)
    assert mappings.find(1, 2) == MappedPosition(0, 1000, 1001, None)
    assert mappings.find(1, 0) is None
