"""Strict reading of a map by the rules of PostHog's reader (the Rust crates `symbolic` and `sourcemap`).

Other readers, and `source_map`, are lenient: they read maps that PostHog refuses. PostHog takes the upload of such a
map, and its frames stay minified.

Maps that PostHog reads, but not as their bundler meant, are refused too: numbers beyond 31 bits, which overflow there,
and letters that are not base 64. Versions other than 3 are left to `source_map`.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps.map_json import AT_ONCE, Fields, dump_map, json_of, parse_counted
from mcp_errortracking.workflows.source_maps.maps.source_map import map_from_fields
from mcp_errortracking.workflows.source_maps.maps.strict_mappings import check_mappings, check_ranges

REFUSED = "refused_map"
"""The error code for a map that PostHog's reader refuses."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DEEPEST = 127
"""Levels of lists and objects."""
_UNSIGNED = range(2**32)
_LARGEST = int(1.7976931348623157e308)
_DEBUG_IDS = ("debugId", "debug_id")
_HALF_PAIR = re.compile(
    rb"(?<!\\)(?P<before>(?:\\\\)*+)\\u[dD]"
    rb"(?:(?P<whole>[89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|[89a-fA-F][0-9a-fA-F]{2})"
)
_DEBUG_ID = re.compile(
    r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})(?:-?\+?[0-9a-fA-F]{1,8})?"
    r"|[0-9a-fA-F]{8}-?[0-9a-fA-F]{1,8}"
)


class StrictMap(NamedTuple):
    """A map that PostHog reads. `repairs`: what was repaired in its text, as sentences."""

    text: bytes
    fields: Fields
    repairs: tuple[str, ...]


def read_strictly(text: bytes) -> StrictMap:
    """Return a map as PostHog's reader takes it, repaired where that changes no mapping.

    Raises:
        InvalidMapError: it is not a source map, or PostHog refuses it.
    """
    repairs: list[str] = []
    if text.startswith(_BYTE_ORDER_MARK):
        text = text.removeprefix(_BYTE_ORDER_MARK)
        repairs.append("Removed the byte order mark of the map.")
    body = json_of(text)
    if len(body) < len(text) and not text[: len(text) - len(body)].endswith(b"\n"):
        text = body
        repairs.append("Removed the )]}' of the map, which has no line of its own.")
    try:
        fields, names = parse_counted(text, replace_halves=False)
    except InvalidMapError:
        made = _HALF_PAIR.sub(_replaced, text) if len(text) <= AT_ONCE else text
        if made == text:
            raise
        text, (fields, names) = made, parse_counted(made)
        repairs.append("Replaced half surrogate pairs in the map's texts.")
    body = json_of(text)
    head = text[: len(text) - len(body)]
    if b"\r" in head.removesuffix(b"\n").removesuffix(b"\r"):
        raise refused("Its first line has a carriage return.")
    map_from_fields(fields)
    for name in _DEBUG_IDS:
        if fields.get(name) is not None and not _is_debug_id(fields[name]):
            repairs.append(f"Removed {name} from the map: it is not a debug id (a UUID).")
            fields = {field: value for field, value in fields.items() if field != name}
            text = body = dump_map(fields, len(text))
            names = _count_keys(fields, 1)
    if _count_keys(fields, 1) != names:
        _check_doubled(body)
    _check_map(fields, "")
    return StrictMap(text, fields, tuple(repairs))


def refusal_of(text: bytes, *, is_stored: bool) -> str | None:
    """Return the reason why PostHog's reader refuses a map, with the place; None if it reads it.

    Args:
        is_stored: PostHog has the map as it is. Otherwise what an upload repairs is not a reason.
    """
    try:
        repairs = read_strictly(text).repairs
    except InvalidMapError as error:
        return error.explanation.why
    return f"An upload with force repairs it: {' '.join(repairs)}" if repairs and is_stored else None


def refused(reason: str) -> InvalidMapError:
    """Return the error of a map that PostHog refuses."""
    return InvalidMapError(f"PostHog's reader refuses it: {reason[:1].lower()}{reason[1:]}", REFUSED)


def _count_keys(value: Any, depth: int) -> int:
    """Return the number of names in all objects, and check depth and numbers on the way."""
    if isinstance(value, dict):
        items: Iterable[Any] = cast("dict[str, Any]", value).values()
        count = len(cast("dict[str, Any]", value))
    elif isinstance(value, list):
        items, count = cast("list[Any]", value), 0
        if set(map(type, items)) <= {str, type(None), bool}:
            items = ()
    else:
        if isinstance(value, int | float) and (
            not math.isfinite(value) if isinstance(value, float) else abs(value) > _LARGEST
        ):
            raise refused("A number is out of range.")
        return 0
    if depth > _DEEPEST:
        raise refused(f"Its lists and objects are nested more than {_DEEPEST} levels deep.")
    return count + sum(_count_keys(item, depth + 1) for item in items)


class _Object(dict[str, Any]):
    """An object of JSON, with the names that it has more than once."""

    doubled: frozenset[str] = frozenset()


def _check_doubled(body: bytes) -> None:
    if len(body) > AT_ONCE:
        raise refused("An object has the same name twice.")
    _find_doubled(json.loads(body, object_pairs_hook=_object))


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        made.doubled = frozenset(name for name in made if names.count(name) > 1)
    return made


def _find_doubled(fields: Any, known: Iterable[str] = ()) -> None:
    """Refuse doubled names that PostHog knows; it skips others."""
    if not isinstance(fields, _Object):
        return
    for name in sorted(fields.doubled & {*(known or _TYPES)}):
        raise refused(f"It has the field {name} twice.")
    sections: Any = fields.get("sections")
    for section in cast("list[Any]", sections) if isinstance(sections, list) and not known else []:
        _find_doubled(section, ("offset", "url", "map"))
        if isinstance(section, _Object):
            _find_doubled(section.get("offset"), ("line", "column"))
            _find_doubled(section.get("map"))
    facebook: Any = fields.get("x_facebook_sources") if not known else None
    for source in cast("list[Any]", facebook) if isinstance(facebook, list) else []:
        for functions in cast("list[Any]", source) if isinstance(source, list) else []:
            _find_doubled(functions, ("names", "mappings"))


def _check_map(fields: Fields, where: str) -> None:
    for name, (expected, is_valid) in _TYPES.items():
        value = fields.get(name)
        if value is not None and not is_valid(value):
            raise refused(f"{where}{name} is not {expected}.")
    sections = fields.get("sections")
    if sections is None:
        mappings, ranges = fields.get("mappings") or "", fields.get("rangeMappings")
        sizes = len(fields.get("sources") or ()), len(fields.get("names") or ())
        if found := check_mappings(mappings, *sizes) or (ranges and check_ranges(mappings, ranges)):
            raise refused(f"In {where[:-1]}: {found[:1].lower()}{found[1:]}" if where else found)
        return
    for number, section in enumerate(cast("list[Any]", sections)):
        place = f"{where}sections[{number}]."
        if not isinstance(section, dict):
            raise refused(f"{place[:-1]} is not an object.")
        parts = cast(Fields, section)
        offset, nested, url = (parts.get(name) for name in ("offset", "map", "url"))
        numbers = cast(Fields, offset) if isinstance(offset, dict) else {}
        if not all(_is_unsigned(numbers.get(name)) for name in ("line", "column")):
            raise refused(f"{place}offset is not a line and a column.")
        if not isinstance(nested, dict) or not isinstance(url, str | None):
            raise refused(f"{place}map is not a map; maps at other URLs are not fetched.")
        _check_map(cast(Fields, nested), f"{place}map.")


def _is_unsigned(value: Any) -> bool:
    return type(value) is int and value in _UNSIGNED


def _list_of(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and set(map(type, cast("list[Any]", value))) <= {*kinds}


def _numbers(*others: type) -> Callable[[Any], bool]:
    """Return the check of a list of unsigned numbers of 32 bits."""

    def check(value: Any) -> bool:
        items = cast("list[Any]", value) if isinstance(value, list) else [-1]
        return all(_is_unsigned(item) or type(item) in others for item in items)

    return check


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_debug_id(value: Any) -> bool:
    return isinstance(value, str) and bool(_DEBUG_ID.fullmatch(value))


def _are_functions(value: Any) -> bool:
    """True if it is React Native's list of functions for each source."""
    return isinstance(value, list) and all(
        source is None or (isinstance(source, list) and all(map(_is_function_map, cast("list[Any]", source))))
        for source in cast("list[Any]", value)
    )


def _is_function_map(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    fields = cast(Fields, value)
    return _list_of(str)(fields.get("names")) and isinstance(fields.get("mappings"), str)


_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "version": ("a number", _is_unsigned),
    "file": ("", lambda _: True),
    "sources": ("a list of strings", _list_of(str, type(None))),
    "sourceRoot": ("a string", _is_text),
    "sourcesContent": ("a list of strings", _list_of(str, type(None))),
    "sections": ("a list", lambda value: isinstance(value, list)),
    "names": ("a list", lambda value: isinstance(value, list)),
    "rangeMappings": ("a string", _is_text),
    "mappings": ("a string", _is_text),
    "ignoreList": ("a list of unsigned numbers", _numbers()),
    "x_facebook_offsets": ("a list of unsigned numbers", _numbers(type(None))),
    "x_metro_module_paths": ("a list of strings", _list_of(str)),
    "x_facebook_sources": ("a list of function maps", _are_functions),
    "debugId": ("a debug id: a UUID", _is_debug_id),
    "debug_id": ("a debug id: a UUID", _is_debug_id),
}
"""The fields that PostHog reads, each with its type; all may be null."""


def _replaced(found: re.Match[bytes]) -> bytes:
    return found[0] if found["whole"] else found["before"] + rb"\ufffd"
