"""The chunk id that ties a stack frame to its symbol set, and how it gets into a bundle and its map (contract 5.2).

A line of code is put in at the bundle's start, which tells PostHog's SDK the id of whatever runs it; a comment at its
end and a field in its map name the id for tools. The line is put behind `#!` lines and directives, so that both keep
their meaning, and the map is changed so that every original position stays where it was.

The line may tell the SDK a release id too (PostHog's release mode `event`): then an exception names its release itself,
and a bundle that is in two releases is one symbol set. As it is in the line, its map is the same for every release.
"""

import base64
import binascii
import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes
from uuid import UUID

from mcp_errortracking.workflows.problems import InvalidMapError, WorkflowError
from mcp_errortracking.workflows.source_maps.chunk import ReleaseMark
from mcp_errortracking.workflows.source_maps.maps.map_json import (
    Fields,
    has_no_mappings,
    parse_map,
    rewrite_map,
    text_of,
)
from mcp_errortracking.workflows.source_maps.maps.script import comment, find_insertion_point, map_url
from mcp_errortracking.workflows.source_maps.maps.source_map import map_from_fields

_NAMESPACE = UUID("0e9b3c7a-5d1f-42a8-b6c4-e2d0f8a17593")
NO_MAPPINGS = "maps_nothing"
"""The code of the error for a map that has no mapping."""
IDS_DIFFER = "ids_differ"
"""The code of the error for a map that has a chunk id while its bundle has none."""

_BEGIN = (
    b'!function(){try{var g="undefined"!=typeof globalThis?globalThis:"undefined"!=typeof window?window:'
    b'"undefined"!=typeof global?global:self,s=new Error().stack;'
)
_RELEASE = b"g._posthogReleaseId=g._posthogReleaseId||%s;"  # the first bundle that runs tells it for the whole page
_END = b"s&&((g._posthogChunkIds=g._posthogChunkIds||{})[s]=%s)}catch(e){}}();\n"
_RELEASE_TEXT = re.compile(re.escape(_RELEASE).replace(b"%s", rb'"([\w-]{1,128})"'))
_LONGEST_RELEASE = len(_RELEASE) + 130
_DATA_URL = "data:application/json;charset=utf-8;base64,"


@dataclass(frozen=True, slots=True)
class Injection:
    """A bundle and its map with their chunk id.

    `map`: the map alone, also where the bundle holds it. `release`: what the bundle has of a release.
    """

    chunk_id: str
    source: bytes
    map: bytes
    source_changed: bool
    map_changed: bool
    release: ReleaseMark | None = None


@dataclass(frozen=True, slots=True)
class InjectedLine:
    """The line of code that `inject` puts in: at which byte it is, and from where to where it tells a release."""

    at: int
    start: int
    end: int
    release: ReleaseMark | None


def inject(source: bytes, map_text: bytes | None, release_id: str | None = None) -> Injection:
    """A bundle and its map with a chunk id; what already has one keeps it, so that a second time changes nothing.

    A bundle that has its id while its map has not was left by a run that was killed between the two: the map is made
    to fit.

    Args:
        map_text: None if the bundle holds its map as a data URL.
        release_id: is put into the line, in place of another; a line that another tool put in is left alone.

    Raises:
        WorkflowError: the two do not belong together, one is not UTF-8, or the map is none or maps nothing.
    """
    _check_utf8(source)
    url = None
    if map_text is None:
        url = map_url(source) or ""
        map_text = map_in(source)
    fields = _checked(map_text)
    if has_no_mappings(fields):
        raise WorkflowError(NO_MAPPINGS, "The map has no mapping: no frame could be resolved by it.")
    own_id, map_id = comment(source, "chunkId"), text_of(fields, "chunk_id") or text_of(fields, "chunkId")
    if own_id is None and map_id is not None:
        raise WorkflowError(
            IDS_DIFFER,
            "The map has a chunk id, but the bundle has none.",
            "They are not of the same build, or a tool has removed the bundle's comments.",
            "Build both again.",
        )
    chunk_id = own_id or _bundlers_id(source, fields) or stable_id(source, map_text)
    place = find_insertion_point(source)
    line = find_injected_line(source, chunk_id) if own_id is not None else None
    is_behind = line is not None and map_id is None and line.at == place.offset
    made_map = rewrite_map(map_text, fields, {"chunk_id": chunk_id}, place if own_id is None or is_behind else None)
    made = source
    if url is not None and made_map != map_text:
        made = made.replace(url.encode(), f"{_DATA_URL}{base64.b64encode(made_map).decode()}".encode())
    if own_id is None:
        ending = b"" if made.endswith(b"\n") else b"\n"
        mark = f"//# chunkId={chunk_id}\n".encode()
        code = _BEGIN + _end(chunk_id)
        made = b"".join((made[: place.offset], code, made[place.offset :], ending, mark))
    if release_id is not None:
        made = _with_release(made, chunk_id, release_id)
    line = find_injected_line(made, chunk_id)
    map_changed = url is None and made_map != map_text
    return Injection(chunk_id, made, made_map, made != source, map_changed, line.release if line else None)


def find_injected_line(source: bytes, chunk_id: str) -> InjectedLine | None:
    """Where a bundle, or its beginning, has the line that `inject` puts in; another tool puts in another."""
    text = _end(chunk_id)
    end = source.find(text)
    while end >= 0:
        start = source.rfind(_RELEASE.partition(b"%")[0], max(0, end - _LONGEST_RELEASE), end)
        told = _RELEASE_TEXT.fullmatch(source, start, end) if start >= 0 else None
        start = start if told else end
        if source.endswith(_BEGIN, 0, start):
            release = ReleaseMark(told[1].decode(), start, told[0]) if told else None
            return InjectedLine(start - len(_BEGIN), start, end, release)
        end = source.find(text, end + 1)
    return None


def inject_map(map_text: bytes) -> tuple[str, bytes]:
    """The chunk id of a map that has no script beside it (Hermes), and the map with it.

    Raises:
        InvalidMapError: it is no map.
    """
    fields = _checked(map_text)
    chunk_id = text_of(fields, "chunk_id") or text_of(fields, "chunkId") or _bundlers_id(b"", fields)
    chunk_id = chunk_id or stable_id(map_text)
    return chunk_id, rewrite_map(map_text, fields, {"chunk_id": chunk_id})


def stable_id(*contents: bytes) -> str:
    """The chunk id of a bundle and its map as the bundler wrote them: the same bytes always have the same id.

    The map counts because PostHog holds one for each id: were code whose comments alone have changed to keep its id,
    its new map would be refused.
    """
    digest = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)
    for content in contents:
        digest.update(content)
    return str(UUID(bytes=digest.digest()[:16], version=5))


def map_in(source: bytes) -> bytes:
    """The map that a bundle holds as a data URL.

    Raises:
        InvalidMapError: it holds none.
    """
    head, comma, data = (map_url(source) or "").partition(",")
    if not head.startswith("data:") or not comma:
        raise InvalidMapError("The data URL that should hold it is none.")
    try:
        raw = unquote_to_bytes(data)
        return base64.b64decode(raw, validate=True) if head.endswith(";base64") else raw
    except binascii.Error as error:
        raise InvalidMapError(f"Its data URL is not base 64: {error}.") from None


def _checked(map_text: bytes) -> Fields:
    """The fields of a map that can be used: a broken one would be found out by the first exception only."""
    fields = parse_map(map_text)
    map_from_fields(fields)
    return fields


def _end(chunk_id: str) -> bytes:
    return _END % json.dumps(chunk_id).encode()


def _with_release(source: bytes, chunk_id: str, release_id: str) -> bytes:
    line = find_injected_line(source, chunk_id)
    if line is None:
        return source
    return b"".join((source[: line.start], _RELEASE % json.dumps(release_id).encode(), source[line.end :]))


def _bundlers_id(source: bytes, fields: Fields) -> str | None:
    """The debug id that the bundler gave a map, unless the bundle has another: then it is of a library in it."""
    named = text_of(fields, "debugId") or text_of(fields, "debug_id")
    with suppress(ValueError):
        if named and comment(source, "debugId") in (None, named):
            return str(UUID(named))
    return None


def _check_utf8(source: bytes) -> None:
    try:
        source.decode()
    except UnicodeDecodeError as error:
        raise WorkflowError(
            "not_utf8",
            "The bundle is not UTF-8.",
            f"{error.reason.capitalize()} at byte {error.start}.",
            "Let the bundler write UTF-8.",
        ) from None
