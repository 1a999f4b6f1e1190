"""Large texts in pieces: a single call over all of it would hold the interpreter lock, and block every other thread."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import AnyStr, NamedTuple

PIECE = 256 * 1024
"""Bytes or characters of a piece."""


def cut(text: AnyStr) -> Iterator[AnyStr]:
    """Yield a text in pieces."""
    return (text[at : at + PIECE] for at in range(0, len(text), PIECE))


def decode_pieces(content: bytes) -> Iterator[str]:
    """Yield a text in pieces, invalid UTF-8 replaced."""
    return codecs.iterdecode(cut(content), "utf-8", "replace")


def keep_line_ends_whole(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces, cut so that no `\\r\\n` is in two of them."""
    held = ""
    for piece in pieces:
        whole = held + piece
        held = "\r" if whole.endswith("\r") else ""
        yield whole[:-1] if held else whole
    yield held


class InvalidByte(NamedTuple):
    """A byte that is not UTF-8, and the reason."""

    at: int
    reason: str


def find_invalid_utf8(content: bytes) -> InvalidByte | None:
    """Return the first byte that is not UTF-8; None if all of them are."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    for piece in chain(cut(content), [b""]):
        start = at - len(decoder.getstate()[0])
        at += len(piece)
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            return InvalidByte(start + error.start, error.reason)
    return None
