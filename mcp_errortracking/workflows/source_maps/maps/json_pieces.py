"""JSON of any size, parsed and written in pieces: the parser holds the interpreter lock until it returns.

Texts take most of a map. Each is decoded by itself, a piece at a time, and a placeholder stands for it while the rest
is parsed. The time of that depends on the number of values, which is limited beforehand (`json_bounds`).
"""

import json
import re
from array import array
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

from pydantic_core import from_json

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps import pieces
from mcp_errortracking.workflows.source_maps.maps.pieces import cut

_PLAIN = re.compile(rb'(?:[^"]*+"[ !#-\[\]-~]{0,64}+")*+[^"]*+')
"""JSON without strings, except short ones without escapes: they stay in the rest."""
_UNITS = re.compile(rb'(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+')
_REST_OF_CHARACTER = re.compile(rb"[\x80-\xbf]{1,3}|\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_PLACEHOLDER = b'"\\u0000'
"""The beginning of a placeholder, which no string in the rest has. The number of its string follows."""
_LONG_NUMBER = re.compile(rb"(?<!\d)\d{65}")
"""A number whose value takes long to compute. Strings in the rest are shorter."""
MOST_CHARACTERS = 32 * 1024 * 1024
"""Characters of a text that is not ASCII: each may take four bytes, and a text is joined in one call.

Sources of this size do not exist; mappings, which are ASCII, may be longer.
"""
_PLACE = re.compile(r" at line (\d+) column (\d+)$")
_HALF_PAIR = re.compile(
    rb"(?<!\\)(?P<before>(?:\\\\)*+)"  # each pair is an escaped backslash
    rb"\\u[dD](?:(?P<whole>[89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|[89a-fA-F][0-9a-fA-F]{2})"
)


def parse_pieces(body: bytes, *, replace_halves: bool = False) -> Any:
    """Return the value of JSON.

    Args:
        replace_halves: replace half surrogate pairs, which JSON allows and UTF-8 does not; otherwise they are invalid.

    Raises:
        ValueError: it is not JSON; the text names the byte.
        InvalidMapError: it has a number of more than 64 digits, or a text of too many characters.
    """
    return _Reading(body, replace_halves).value()


def dump_pieces(value: Any) -> Iterator[bytes]:
    """Yield the JSON of a value in pieces, together the same as `json.dumps` writes without spaces."""
    if isinstance(value, str):
        yield b'"'
        yield from (json.dumps(piece)[1:-1].encode() for piece in cut(value))
        yield b'"'
    elif isinstance(value, dict):
        opening = b"{"
        for name, item in cast("dict[str, Any]", value).items():
            yield opening
            yield from dump_pieces(name)
            yield b":"
            yield from dump_pieces(item)
            opening = b","
        yield b"{}" if opening == b"{" else b"}"
    elif isinstance(value, list):
        opening = b"["
        for item in cast("list[Any]", value):
            yield opening
            yield from dump_pieces(item)
            opening = b","
        yield b"[]" if opening == b"[" else b"]"
    else:
        yield json.dumps(value).encode()


class _Reading:
    def __init__(self, body: bytes, replace_halves: bool) -> None:
        self._body = body
        self._replace_halves = replace_halves
        self._strings: list[str] = []
        self._starts = array("q")
        self._ends = array("q")

    def value(self) -> Any:
        rest = b"".join(self._take_strings())
        try:
            value: Any = from_json(rest, cache_strings="keys")
        except ValueError as error:
            reason, at = _reason_and_place(error, rest)
            raise _invalid(reason, self._place_in_body(rest, at)) from None
        return self._restored(value)

    def _take_strings(self) -> Iterator[bytes]:
        """Decode the strings, and yield the rest of the body with placeholders."""
        body, at = self._body, 0
        while at < len(body):
            end = _end(_PLAIN, body, at)
            if (backslash := body.find(b"\\", at, end)) >= 0:
                raise _invalid("backslash outside of a string", backslash)
            if found := _LONG_NUMBER.search(body, at, end):
                raise InvalidMapError(f"It has a number of more than 64 digits, at byte {found.start()}.")
            yield body[at:end].replace(b"\n", b" ")  # in one line, the parser's column is the place
            at = end
            if body.startswith(b'"', at):
                yield b'%b%d"' % (_PLACEHOLDER, len(self._strings))
                self._starts.append(at)
                at = self._take_string(at + 1)
                self._ends.append(at)

    def _take_string(self, start: int) -> int:
        """Decode the string that begins here, and return its end."""
        body, at = self._body, start
        texts: list[str] = []
        characters, is_ascii = 0, True
        while True:
            end = _end_of_units(body, at)
            texts.append(self._decoded(at, end))
            characters += len(texts[-1])
            is_ascii = is_ascii and texts[-1].isascii()
            if characters > MOST_CHARACTERS and not is_ascii:
                reason = f"has more than {MOST_CHARACTERS:,} characters, and some are not ASCII"
                raise InvalidMapError(f"The text at byte {start - 1} {reason}. Leave this source out of the map.")
            if body.startswith(b'"', end):
                self._strings.append("".join(texts))
                return end + 1
            if end == len(body):
                raise _invalid("string without an end", start - 1)
            if end == at:
                raise _invalid("invalid escape", at)
            at = end

    def _decoded(self, at: int, end: int) -> str:
        text = b'"%b"' % self._body[at:end]
        try:
            return from_json(text)
        except ValueError as error:
            reason, place = _reason_and_place(error, text)
        if self._replace_halves:
            with suppress(ValueError):
                return from_json(_HALF_PAIR.sub(_replaced, text))
        raise _invalid(reason, at + place - 1)

    def _restored(self, value: Any) -> Any:
        """Return the value with its strings in place of the placeholders."""
        if isinstance(value, str):
            return self._strings[int(value[1:])] if value.startswith("\0") else value
        if isinstance(value, list):
            return [self._restored(item) for item in cast("list[Any]", value)]
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            return {self._restored(name): self._restored(item) for name, item in fields.items()}
        return value

    def _place_in_body(self, rest: bytes, at: int) -> int:
        number = rest.count(_PLACEHOLDER, 0, at + len(_PLACEHOLDER)) - 1
        if number < 0:
            return at
        start = rest.rfind(_PLACEHOLDER, 0, at + len(_PLACEHOLDER))
        end = rest.find(b'"', start + len(_PLACEHOLDER)) + 1
        return self._starts[number] if at == start else self._ends[number] + at - end


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    """Return the end of the longest match in the next piece; the patterns match everywhere, if nothing."""
    found = pattern.match(text, at, at + pieces.PIECE)
    return found.end() if found else at


def _end_of_units(body: bytes, at: int) -> int:
    """Return the end of a piece of a string that cuts no escape, no character and no surrogate pair."""
    end = min(at + pieces.PIECE, len(body))
    quote = body.find(b'"', at, end)
    end = end if quote < 0 else quote
    if body.find(b"\\", at, end) >= 0:
        end = _end(_UNITS, body, at)
    rest = _REST_OF_CHARACTER.match(body, end)
    return rest.end() if rest else end


def _replaced(found: re.Match[bytes]) -> bytes:
    return found[0] if found["whole"] else found["before"] + b"?"


def _reason_and_place(error: ValueError, text: bytes) -> tuple[str, int]:
    """Return the reason of the parser's error, and the offset that it names by line and column."""
    found = _PLACE.search(str(error))
    if not found:
        return str(error), 0
    start = 0
    for _ in range(int(found[1]) - 1):
        start = text.find(b"\n", start) + 1
    return str(error)[: found.start()], max(0, start + int(found[2]) - 1)


def _invalid(reason: str, at: int) -> ValueError:
    return ValueError(f"{reason} at byte {at}")
