"""Facts of a JavaScript file, found without parsing it: its last comments, and where code can be inserted first.

Works on bytes, because files are large and the patterns are ASCII.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mcp_errortracking.workflows.source_maps.maps.pieces import PIECE, decode_pieces, keep_line_ends_whole

_MAP_URL = b"sourceMappingURL="
_COMMENT_START = re.compile(rb"(?://|/\*)[#@][ \t]*$")
_URL_PART = re.compile(rb"[^\s'\"`*]++")
_AFTER_URL = re.compile(rb"[ \t]*+(?:\*/)?\s*+")
_VALUE = re.compile(rb"[^\s'\"`*]{1,128}(?!\S)")
_MOST_COMMENTS = 100
_MOST_DIRECTIVES = 1000
_MARGIN = 256
"""White space that a comment may have around it in its line."""
_HEAD = 4 * 1024 * 1024
"""Bytes in which directives are searched: longer comments do not precede one."""
_SPACE_OR_COMMENT = re.compile(rb"(?:\s++|\xef\xbb\xbf|//[^\n\r]*+|/\*[\s\S]*?\*/)*+")
_STRING = re.compile(rb"\"(?:[^\"\\\n\r]++|\\[\s\S])*+\"|'(?:[^'\\\n\r]++|\\[\s\S])*+'")
_NEXT_STATEMENT = re.compile(rb"(?!in\b|instanceof\b)[\w$\"'{};@#~\x80-\xff]|!(?!=)|\+\+|--|$")
_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class InsertionPoint:
    """A position in a script. `offset`: in bytes; `line` and `column`: from 0, as source maps count (UTF-16 units)."""

    offset: int
    line: int
    column: int


def map_url(script: bytes) -> str | None:
    """Return the URL of the last `sourceMappingURL` comment, if only comments follow it, at most 100."""
    found = _map_comment(script)
    return "".join(decode_pieces(script[found.url])) if found else None


def is_inline(url: str) -> bool:
    """True if a map's URL holds the map."""
    return url[:5].lower() == "data:"


def find_map_url(script: bytes) -> slice | None:
    """Return the place of the URL that `map_url` returns."""
    found = _map_comment(script)
    return found.url if found else None


def without_map_url(script: bytes) -> bytes:
    """Return a script or style sheet without its last `sourceMappingURL` comment, and without its line if that is all.

    Positions before it stay as they are.
    """
    found = _map_comment(script)
    if not found:
        return script
    start, end = found.start, found.end
    is_line = start == 0 or script.startswith((b"\n", b"\r"), start - 1)
    if is_line and script.startswith(b"\n", end):
        end += 1
    return script[:start] + script[end:]


class _MapComment(NamedTuple):
    start: int
    url: slice
    end: int


def _map_comment(script: bytes) -> _MapComment | None:
    """Return the place of the last `sourceMappingURL` comment."""
    for start, end in _last_lines(script):
        at = script.rfind(_MAP_URL, start, end)
        begins = _COMMENT_START.search(script, max(start, at - 20), at) if at >= 0 else None
        if begins:
            first = at + len(_MAP_URL)
            last = _end_of_url(script, first, end)
            if last > first and _AFTER_URL.fullmatch(script, last, end):
                return _MapComment(begins.start(), slice(first, last), end)
    return None


def _end_of_url(script: bytes, at: int, end: int) -> int:
    while found := _URL_PART.match(script, at, min(at + PIECE, end)):
        at = found.end()
    return at


def comment(script: bytes, name: str) -> str | None:
    """Return the value of the last line `//# name=value`, at most 128 characters, if only comments follow it.

    `chunkId` and `debugId` (contract 5.2) are such lines. Further up, the same text belongs to
    a library in the bundle, or to a string.
    """
    mark = f"//# {name}=".encode()
    for start, end in _last_lines(script):
        found = _VALUE.match(script, start + len(mark), end) if script.startswith(mark, start) else None
        if found:
            return found[0].decode("utf-8", "replace")
    return None


def _last_lines(script: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and end of the last lines, the last first, up to the one that holds more than a comment."""
    end = len(script)
    for _ in range(_MOST_COMMENTS):
        if end <= 0:
            return
        start = script.rfind(b"\n", 0, end) + 1
        yield start, end
        if script[max(start, end - _MARGIN) : end].rstrip().endswith(b"*/"):
            end = script.rfind(b"/*", 0, end)
        elif script[start : min(start + _MARGIN, end)].lstrip()[:2] in (b"", b"//"):
            end = start - 1
        else:
            return


def find_insertion_point(script: bytes) -> InsertionPoint:
    """Return the first position where code can be inserted safely: after byte order mark, `#!` line and directives.

    A string (`"use strict"`) is a directive only if nothing but comments and other directives precede it.
    """
    script = script[:_HEAD]
    start = 3 if script.startswith(b"\xef\xbb\xbf") else 0
    offset = start
    if script.startswith(b"#!", start):
        offset = _after_line(script, start)
    at = offset
    for _ in range(_MOST_DIRECTIVES):
        directive = _STRING.match(script, _skip(script, at))
        if not directive:
            break
        end = _skip(script, directive.end())
        if script.startswith(b";", end):
            at = end + 1
        elif b"\n" in script[directive.end() : end] and _NEXT_STATEMENT.match(script, end):
            at = end
        else:
            break
        offset = at
    rest = re.compile(rb"[ \t]*(?:\r\n|\n|\r)").match(script, offset)
    if rest and offset > start and not script.startswith((b"\n", b"\r"), offset - 1):
        offset = rest.end()
    lines = _LINE_END.split(script[start:offset].decode("utf-8", "replace"))
    return InsertionPoint(offset, len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2)


def count_lines(script: bytes) -> int:
    """Return the number of lines of a script; U+2028 and U+2029 end one too."""
    return sum(len(_LINE_END.findall(piece)) for piece in keep_line_ends_whole(decode_pieces(script))) + 1


def _skip(script: bytes, at: int) -> int:
    found = _SPACE_OR_COMMENT.match(script, at)
    return found.end() if found else at


def _after_line(script: bytes, at: int) -> int:
    found = re.compile(rb"[^\n\r]*(?:\r\n|\n|\r)?").match(script, at)
    return found.end() if found else at
