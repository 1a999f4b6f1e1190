"""The lines of a large text, cut out on demand: as separate strings they take far more memory."""

from array import array
from collections.abc import Sequence
from typing import overload

from mcp_errortracking.workflows.source_maps.maps.pieces import cut, keep_line_ends_whole

_MOST_LINES = 2_000_000


def line_starts(text: str) -> "array[int]":
    """Return the offsets of the lines of a text, which end with `\\n`; 2,000,000 at most."""
    starts = array("I", [0])
    at = text.find("\n")
    while at >= 0 and len(starts) < _MOST_LINES:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def split_at(line: str, column: int) -> tuple[str, str]:
    """Split a line at a column, which counts UTF-16 units as in JavaScript."""
    if line.isascii():
        return line[:column], line[column:]
    units = line[:column].encode("utf-16-le", "surrogatepass")
    before = units[: 2 * column].decode("utf-16-le", "replace")
    return before, line[len(before) :]


class Lines(Sequence[str]):
    """The lines of a source, without line ends."""

    def __init__(self, text: str) -> None:
        if "\r" in text:
            pieces = keep_line_ends_whole(cut(text))
            text = "".join(piece.replace("\r\n", "\n").replace("\r", "\n") for piece in pieces)
        self._text = text
        self._starts = line_starts(text)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        start = self._starts[index]
        end = self._text.find("\n", start)
        return self._text[start:] if end < 0 else self._text[start:end]
