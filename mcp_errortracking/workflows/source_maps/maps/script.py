"""What has to be known of a JavaScript file without parsing it: its last comments, and where code may be put first.

Works on bytes, because files are large and what is looked for is ASCII.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MAP_URL = b"sourceMappingURL="
_COMMENT_START = re.compile(rb"(?://|/\*)[#@][ \t]*$")
_URL = re.compile(rb"([^\s'\"`*]++)[ \t]*+(?:\*/)?\s*+")
_VALUE = re.compile(rb"[^\s'\"`*]{1,128}(?!\S)")
_MOST_COMMENTS = 100
_MARGIN = 256
"""How much white space may stand around a comment in its line."""
_HEAD = 4 * 1024 * 1024
"""Bytes in which directives are looked for: more comments than that stand before none."""
_SPACE_OR_COMMENT = re.compile(rb"(?:\s++|\xef\xbb\xbf|//[^\n\r]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+")
_STRING = re.compile(rb"\"(?:[^\"\\\n\r]++|\\[\s\S])*+\"|'(?:[^'\\\n\r]++|\\[\s\S])*+'")
_NEXT_STATEMENT = re.compile(rb"(?!in\b|instanceof\b)[\w$\"'{};@#~\x80-\xff]|!(?!=)|\+\+|--|$")
_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class InsertionPoint:
    """A place in a script. `offset`: in bytes; `line` and `column`: from 0, as source maps count (UTF-16 units)."""

    offset: int
    line: int
    column: int


def map_url(script: bytes) -> str | None:
    """The URL of the last `sourceMappingURL` comment, if nothing but comments, at most 100, follows it."""
    for start, end in _last_lines(script):
        at = script.rfind(_MAP_URL, start, end)
        if at >= 0 and _COMMENT_START.search(script, max(start, at - 20), at):
            found = _URL.fullmatch(script, at + len(_MAP_URL), end)
            if found:
                return found[1].decode("utf-8", "replace")
    return None


def comment(script: bytes, name: str) -> str | None:
    """The value of the last line `//# name=value`, at most 128 characters, if nothing but comments follows it.

    `chunkId` and `debugId` (contract 5.2) are such lines. Further up the same text is no comment of this bundle's, but
    one of a library in it, or part of a string.
    """
    mark = f"//# {name}=".encode()
    for start, end in _last_lines(script):
        found = _VALUE.match(script, start + len(mark), end) if script.startswith(mark, start) else None
        if found:
            return found[0].decode("utf-8", "replace")
    return None


def _last_lines(script: bytes) -> Iterator[tuple[int, int]]:
    """From where to where the last lines go, from the last on, up to the one that holds more than a comment."""
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
    """Where code can be put first and change nothing: after the byte order mark, `#!` line and directives.

    A directive (`"use strict"`) only is one when nothing but comments and other directives precede it.
    """
    script = script[:_HEAD]
    start = 3 if script.startswith(b"\xef\xbb\xbf") else 0
    offset = start
    if script.startswith(b"#!", start):
        offset = _after_line(script, start)
    at = offset
    while directive := _STRING.match(script, _skip(script, at)):
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


def _skip(script: bytes, at: int) -> int:
    found = _SPACE_OR_COMMENT.match(script, at)
    return found.end() if found else at


def _after_line(script: bytes, at: int) -> int:
    found = re.compile(rb"[^\n\r]*(?:\r\n|\n|\r)?").match(script, at)
    return found.end() if found else at
