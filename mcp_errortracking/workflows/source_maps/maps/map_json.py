"""A source map as JSON text: parsed once, and changed in place where possible."""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

from pydantic_core import from_json

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps.json_bounds import check_bounds
from mcp_errortracking.workflows.source_maps.maps.json_pieces import dump_pieces, parse_pieces
from mcp_errortracking.workflows.source_maps.maps.mappings import with_new_line
from mcp_errortracking.workflows.source_maps.maps.pieces import find_invalid_utf8
from mcp_errortracking.workflows.source_maps.maps.script import InsertionPoint
from mcp_errortracking.workflows.source_maps.maps.strict_mappings import are_unmapped, last_mapped_line

Fields = dict[str, Any]
_PREFIX = b")]}'"
_MAPPINGS = b'"mappings"'
_VALUE = re.compile(rb"\s*:\s*\"")
AT_ONCE = 20 * 1024 * 1024
"""Bytes that are parsed or written in one call, which is faster, but blocks every other thread.

Half surrogate pairs in larger maps are not replaced: PostHog cannot read such a map, and it is slow.
"""
_DEPTH = 16
"""Levels of index maps within index maps."""


class ParsedMap(NamedTuple):
    """The fields of a map. `names`: the number of names in all objects of its text, doubled ones included."""

    fields: Fields
    names: int


def parse_map(text: bytes) -> Fields:
    """Return the fields of a map, as `parse_counted`."""
    return parse_counted(text).fields


def parse_counted(text: bytes, *, replace_halves: bool = True) -> ParsedMap:
    """Return the fields of a map; a first line `)]}'`, which keeps browsers from running it, is skipped.

    Args:
        replace_halves: replace half surrogate pairs, which JSON allows and UTF-8 does not; otherwise they are invalid.

    Raises:
        InvalidMapError: it is not a JSON object, not UTF-8, or has too many values or escapes.
    """
    body = json_of(text)
    names = check_bounds(body)
    try:
        fields: Any = from_json(body, cache_strings="keys") if len(body) <= AT_ONCE else parse_pieces(body)
    except ValueError as error:
        fields = _repaired(body, error, replace_halves=replace_halves)
    if not isinstance(fields, dict):
        raise InvalidMapError("It is JSON, but not an object.")
    return ParsedMap(cast(Fields, fields), names)


def text_of(fields: Fields, name: str) -> str | None:
    """Return a field that should be a string; None if it is absent, empty or of another type."""
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def is_index_map(fields: Fields) -> bool:
    """True if a map consists of sections; null stands for none."""
    return fields.get("sections") is not None


def has_no_mappings(fields: Fields) -> bool:
    """True if a map maps no code to a source, as bundlers write for a bundle that only loads others.

    Raises:
        InvalidMapError: its sections are malformed.
    """
    if is_index_map(fields):
        return all(has_no_mappings(nested) for _, _, _, nested in sections_of(fields))
    mappings = fields.get("mappings")
    return isinstance(mappings, str) and are_unmapped(mappings)


def last_line_of(fields: Fields) -> int:
    """Return the last line of the bundle, from 0, for which a map has a segment; -1 if it has none.

    Raises:
        InvalidMapError: its sections are malformed.
    """
    if is_index_map(fields):
        lasts = [(line, last_line_of(nested)) for _, line, _, nested in sections_of(fields)]
        return max((line + last for line, last in lasts if last >= 0), default=-1)
    mappings = fields.get("mappings")
    return last_mapped_line(mappings) if isinstance(mappings, str) else -1


def rewrite_map(text: bytes, fields: Fields, changes: dict[str, str], place: InsertionPoint | None = None) -> bytes:
    """Return the text with top-level strings set and, if a line of code was inserted into the bundle, mappings moved.

    Where it is safe, only the changed parts are replaced: the rest stays identical to the byte, and it is fast.

    Args:
        fields: the result of `parse_map` for this text.
        place: the position of the inserted line.

    Raises:
        InvalidMapError: the mappings cannot be read.
    """
    changes = {name: value for name, value in changes.items() if fields.get(name) != value}
    if not changes.keys() & fields.keys():
        edits = [_added_fields(text, changes, is_empty=not fields)] if changes else []
        moved = None if place is None else _moved_mappings(text, fields, place)
        if place is None or moved is not None:
            return _edited(text, [*edits, moved] if moved else edits)
    made = {**fields, **changes}
    if place is not None:
        made = _moved(made, place, _DEPTH)
    return dump_map(made, len(text))


def dump_map(fields: Fields, size: int) -> bytes:
    """Return the text of a map; a large one, by the size of its text before, is written in pieces."""
    if size > AT_ONCE:
        return b"".join(dump_pieces(fields))
    return json.dumps(fields, separators=(",", ":")).encode()


def _repaired(body: bytes, error: ValueError, *, replace_halves: bool) -> Any:
    """Return the JSON with half surrogate pairs replaced, which JSON allows and UTF-8 does not.

    Raises:
        InvalidMapError: it is still invalid JSON, or not UTF-8.
    """
    if invalid := find_invalid_utf8(body):
        raise InvalidMapError(f"It is not UTF-8: {invalid.reason} at byte {invalid.at}.", "not_utf8")
    if replace_halves and len(body) <= AT_ONCE:
        try:
            return parse_pieces(body, replace_halves=True)
        except ValueError as reason:
            error = reason
    raise InvalidMapError(f"It is broken JSON: {error}.") from None


def json_of(text: bytes) -> bytes:
    """Return the JSON of a map, without a byte order mark and a first line `)]}'`."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    if not text.startswith(_PREFIX):
        return text
    end = text.find(b"\n")
    return text[end + 1 :] if end >= 0 else text[len(_PREFIX) :]


class _Edit(NamedTuple):
    """A change of a text: the bytes from `start` to `end` become others."""

    start: int
    end: int
    replacement: bytes


def _edited(text: bytes, edits: Iterable[_Edit]) -> bytes:
    """Return a text with its changes, which ascend; the rest is copied once."""
    view, at = memoryview(text), 0
    parts = list[bytes | memoryview]()
    for edit in edits:
        parts += view[at : edit.start], edit.replacement
        at = edit.end
    return b"".join((*parts, view[at:])) if parts else text


def _added_fields(text: bytes, changes: dict[str, str], *, is_empty: bool) -> _Edit:
    start = text.index(b"{", len(text) - len(json_of(text))) + 1
    added = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in changes.items())
    return _Edit(start, start, added.encode() + (b"" if is_empty else b","))


def _moved_mappings(text: bytes, fields: Fields, place: InsertionPoint) -> _Edit | None:
    """Return the change that moves the mappings; None for an index map, or if the mappings' text has escapes."""
    old = fields.get("mappings")
    if not isinstance(old, str) or is_index_map(fields) or not old.isascii():
        return None
    if any(map(_names_mappings, fields.values())):  # their text may be found in place of the map's own
        return None
    as_bytes = old.encode("ascii")
    value = None
    at = text.find(_MAPPINGS)
    while at > 0 and not value:
        # A quote without a backslash before it opens a string: if it closed one, the rest would not be JSON.
        if text[at - 1 : at] != b"\\":
            value = _VALUE.match(text, at + len(_MAPPINGS))
        at = -1 if value else text.find(_MAPPINGS, at + 1)
    if not value:
        return None
    start, end = value.end(), value.end() + len(as_bytes)
    if not text.startswith(as_bytes, start) or text[end : end + 1] != b'"':
        return None
    if place.column == 0 and place.line == 0:
        return _Edit(start, start, b";")
    return _Edit(start, end, with_new_line(old, place.line, place.column).encode())


def _names_mappings(value: Any) -> bool:
    """True if a value within a map has an object with mappings."""
    if isinstance(value, dict):
        fields = cast(Fields, value)
        return "mappings" in fields or any(map(_names_mappings, fields.values()))
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return not set(map(type, items)) <= {str, type(None)} and any(map(_names_mappings, items))


def _moved(fields: Fields, place: InsertionPoint, depth: int) -> Fields:
    """Return the fields of a map for the bundle after a line of code was inserted."""
    if depth == 0:
        raise InvalidMapError("Its sections are nested too deeply.")
    if not is_index_map(fields):
        mappings = fields.get("mappings")
        if not isinstance(mappings, str):
            raise InvalidMapError("It has neither mappings nor sections.")
        return {**fields, "mappings": with_new_line(mappings, place.line, place.column)}
    made: list[Fields] = []
    for section, line, column, nested in sections_of(fields):
        if (line, column) >= (place.line, place.column):
            moved = column - place.column if line == place.line else column
            made.append({**section, "offset": {"line": line + 1, "column": moved}})
        else:
            inner = InsertionPoint(0, place.line - line, place.column - column if line == place.line else place.column)
            made.append({**section, "map": _moved(nested, inner, depth - 1)})
    return {**fields, "sections": made}


def sections_of(fields: Fields) -> list[tuple[Fields, int, int, Fields]]:
    """Return the sections of an index map: each with its offset (line and column, from 0) and its map.

    Raises:
        InvalidMapError: they are malformed, or overlap.
    """
    listed: Any = fields.get("sections")
    found: list[tuple[Fields, int, int, Fields]] = []
    last = (-1, 0)
    for section in cast("list[Any]", listed) if isinstance(listed, list) else [None]:
        if not isinstance(section, dict):
            raise InvalidMapError("Its sections are not a list of objects.")
        fields_of = cast(Fields, section)
        nested, offset = fields_of.get("map"), fields_of.get("offset")
        if not isinstance(nested, dict):
            raise InvalidMapError("A section has no map of its own; maps at other URLs are not fetched.")
        place = cast(Fields, offset) if isinstance(offset, dict) else {}
        line, column = place.get("line"), place.get("column")
        if type(line) is not int or type(column) is not int or line < 0 or column < 0 or (line, column) < last:
            raise InvalidMapError("The offsets of its sections do not ascend.")
        last = (line, column)
        found.append((fields_of, line, column, cast(Fields, nested)))
    return found
