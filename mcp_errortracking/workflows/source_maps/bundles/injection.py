"""Chunk ids, which link stack frames to symbol sets, and their injection into bundles and maps (contract 5.2).

A line of code is inserted at the start of the bundle. When it runs, it registers the chunk id of its script with
PostHog's SDK. A comment at the end of the bundle and a field in the map name the id for tools. The line follows `#!`
lines and directives, so that both keep their meaning, and the map is changed so that every original position is kept.

The line may also set a release id (PostHog's release mode `event`): exceptions then name their release themselves, and
a bundle that is in two releases is one symbol set. Since the id is inside the line, the map is the same for every
release.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes
from uuid import UUID

from mcp_errortracking.workflows.problems import InvalidMapError, WorkflowError
from mcp_errortracking.workflows.source_maps.chunk import ReleaseMark
from mcp_errortracking.workflows.source_maps.maps.map_json import (
    Fields,
    has_no_mappings,
    last_line_of,
    rewrite_map,
    text_of,
)
from mcp_errortracking.workflows.source_maps.maps.pieces import PIECE, cut, find_invalid_utf8
from mcp_errortracking.workflows.source_maps.maps.registration import registered_ids
from mcp_errortracking.workflows.source_maps.maps.script import (
    comment,
    count_lines,
    find_insertion_point,
    find_map_url,
    is_inline,
    map_url,
)
from mcp_errortracking.workflows.source_maps.maps.strict import read_strictly

_NAMESPACE = UUID("0e9b3c7a-5d1f-42a8-b6c4-e2d0f8a17593")
NO_MAPPINGS = "maps_nothing"
"""The error code for a map without mappings."""
IDS_DIFFER = "ids_differ"
"""The error code for a map that has a chunk id while its bundle has none."""
NO_HERMES_ID = "no_chunk_id"
"""The error code for a Hermes map without an id."""

_BEGIN = (
    b'!function(){try{var g="undefined"!=typeof globalThis?globalThis:"undefined"!=typeof window?window:'
    b'"undefined"!=typeof global?global:self,s=new Error().stack;'
)
_RELEASE = b"g._posthogReleaseId=g._posthogReleaseId||%s;"  # the first bundle that runs sets it for the whole page
_END = b"s&&((g._posthogChunkIds=g._posthogChunkIds||{})[s]=%s)}catch(e){}}();\n"
_RELEASE_TEXT = re.compile(re.escape(_RELEASE).replace(b"%s", rb'"([\w-]{1,128})"'))
_LONGEST_RELEASE = len(_RELEASE) + 130
_DATA_URL = b"data:application/json;charset=utf-8;base64,"


@dataclass(frozen=True, slots=True)
class Injection:
    """A bundle and its map with their chunk id.

    `map`: the map alone, also if the bundle holds it. `release`: the release id in the bundle. `repairs`: what was
    repaired in the map so that PostHog reads it, as sentences.
    """

    chunk_id: str
    source: bytes
    map: bytes
    source_changed: bool
    map_changed: bool
    release: ReleaseMark | None = None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InjectedLine:
    """The injected line of code. `at`: its offset in bytes; `start` and `end`: those of the release id's statement."""

    at: int
    start: int
    end: int
    release: ReleaseMark | None


def inject(source: bytes, map_text: bytes | None, release_id: str | None = None) -> Injection:
    """Return a bundle and its map with a chunk id. An existing id is kept, so a second injection changes nothing.

    If a bundle has an id but its map has none, a run was killed between the two writes: the map is completed.

    Args:
        map_text: None if the bundle holds its map as a data URL.
        release_id: set in the line, in place of another; a line that another tool injected is left alone.

    Raises:
        WorkflowError: bundle and map do not belong together, one is not UTF-8, the map maps nothing, or PostHog
            refuses it.
    """
    _check_utf8(source)
    url = None
    if map_text is None:
        url = find_map_url(source)
        map_text = map_in(source)
    checked, fields, repairs = read_strictly(map_text)
    if has_no_mappings(fields):
        raise _no_mappings()
    own_id, map_id = comment(source, "chunkId"), text_of(fields, "chunk_id") or text_of(fields, "chunkId")
    registered = _registered_id(source, own_id)
    if own_id is None and map_id not in (None, registered):
        raise WorkflowError(
            IDS_DIFFER,
            "The map has a chunk id, but the bundle has none."
            if registered is None
            else f"The map has the chunk id {map_id}, but the bundle registers {registered}.",
            "They are of different builds, or a tool has removed the bundle's comments.",
            "Build both again.",
        )
    _check_lines(source, fields)
    if own_id is None and registered is not None:
        return Injection(registered, source, map_text, source_changed=False, map_changed=False)
    chunk_id = own_id or _bundlers_id(source, fields) or stable_id(source, map_text)
    place = find_insertion_point(source)
    line = find_injected_line(source, chunk_id) if own_id is not None else None
    is_behind = line is not None and map_id is None and line.at == place.offset
    made_map = rewrite_map(checked, fields, {"chunk_id": chunk_id}, place if own_id is None or is_behind else None)
    made = source
    if url is not None and made_map != map_text:
        made = b"".join((made[: url.start], _DATA_URL, base64.b64encode(made_map), made[url.stop :]))
    if own_id is None:
        ending = b"" if made.endswith(b"\n") else b"\n"
        mark = f"//# chunkId={chunk_id}\n".encode()
        code = _BEGIN + _end(chunk_id)
        made = b"".join((made[: place.offset], code, made[place.offset :], ending, mark))
    if release_id is not None:
        made = _with_release(made, chunk_id, release_id)
    line = find_injected_line(made, chunk_id)
    map_changed = url is None and made_map != map_text
    return Injection(chunk_id, made, made_map, made != source, map_changed, line.release if line else None, repairs)


def find_injected_line(source: bytes, chunk_id: str) -> InjectedLine | None:
    """Return the line that `inject` inserted into a bundle, or into its beginning; other tools insert other lines."""
    text = _end(chunk_id)
    end = source.find(text)
    while end >= 0:
        start = source.rfind(_RELEASE.partition(b"%")[0], max(0, end - _LONGEST_RELEASE), end)
        named = _RELEASE_TEXT.fullmatch(source, start, end) if start >= 0 else None
        start = start if named else end
        if source.endswith(_BEGIN, 0, start):
            release = ReleaseMark(named[1].decode(), start, named[0]) if named else None
            return InjectedLine(start - len(_BEGIN), start, end, release)
        end = source.find(text, end + 1)
    return None


def without_injection(source: bytes, chunk_id: str) -> list[bytes]:
    """Return the bundle as it may have been before `inject`: with and without a line break at its end."""
    line, mark = find_injected_line(source, chunk_id), f"//# chunkId={chunk_id}\n".encode()
    if line is None or not source.endswith(mark):
        return []
    before = source[: line.at] + source[line.end + len(_end(chunk_id)) : -len(mark)]
    return [before, before.removesuffix(b"\n")]


def inject_map(map_text: bytes) -> Injection:
    """Return a map without a bundle (Hermes) with its chunk id.

    Raises:
        InvalidMapError: it is not a source map, or PostHog cannot read it.
        WorkflowError: it maps nothing, or has no id: the bytecode cannot be given one any more, so no app sends it.
    """
    checked, fields, repairs = read_strictly(map_text)
    if has_no_mappings(fields):
        raise _no_mappings()
    chunk_id = text_of(fields, "chunk_id") or text_of(fields, "chunkId") or _bundlers_id(b"", fields)
    if chunk_id is None:
        raise WorkflowError(
            NO_HERMES_ID,
            "The Hermes map has no chunk id.",
            "The app sends the id that was put into its code before Hermes compiled it, and this build has none.",
            "Use the Metro plugin of posthog-react-native (posthog-react-native/metro), which adds the id, and build "
            "again. If only the map of Metro has it, copy it: posthog-cli hermes clone.",
        )
    made = rewrite_map(checked, fields, {"chunk_id": chunk_id})
    return Injection(chunk_id, b"", made, False, made != map_text, repairs=repairs)


def stable_id(*contents: bytes) -> str:
    """Return the chunk id of a bundle and its map as the bundler wrote them: the same bytes always have the same id.

    The map is hashed too, because PostHog keeps one map for each id: if only comments of the code changed, the bundle
    would keep its id, and PostHog would reject its new map.
    """
    digest = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)
    for content in contents:
        digest.update(content)
    return str(UUID(bytes=digest.digest()[:16], version=5))


def map_in(source: bytes) -> bytes:
    """Return the map that a bundle holds as a data URL.

    Raises:
        InvalidMapError: the data URL is missing or invalid.
    """
    head, comma, data = (map_url(source) or "").partition(",")
    if not is_inline(head) or not comma:
        raise InvalidMapError("The URL that should hold it is not a data URL.")
    try:
        raw = b"".join(map(unquote_to_bytes, _uncut_escapes(data)))
        return _base64(raw) if head.lower().endswith(";base64") else raw
    except binascii.Error as error:
        raise InvalidMapError(f"Its data URL is not base 64: {error}.") from None


def _uncut_escapes(url: str) -> Iterator[str]:
    """Yield a URL in pieces that end outside of its escapes (`%41`)."""
    at = 0
    while at < len(url):
        end = at + PIECE
        escape = url.find("%", end - 2, end) if end < len(url) else -1
        end = end if escape < 0 else escape
        yield url[at:end]
        at = end


def _base64(text: bytes) -> bytes:
    """Return what base 64 stands for.

    Raises:
        binascii.Error: it is not base 64.
    """
    if 0 <= text.find(b"=") < len(text) - 2:
        raise binascii.Error("Excess data after padding")
    return b"".join(base64.b64decode(piece, validate=True) for piece in cut(text))


def _registered_id(source: bytes, own_id: str | None) -> str | None:
    """Return the chunk id that a bundle registers when it runs; None if it registers none.

    Raises:
        WorkflowError: it registers several, or another one than its comment names.
    """
    registered = registered_ids(source)
    if (len(registered) > 1 and own_id is None) or (registered and own_id not in (None, registered[-1])):
        ids = ", ".join(dict.fromkeys([*registered, *([own_id] if own_id else [])]))
        raise WorkflowError(
            "two_ids",
            f"The bundle has more than one chunk id: {ids}.",
            "PostHog's SDK sends the one that is registered last, and source maps are found by that one only.",
            "Build again, inject ids once, and bundle no code that already has one.",
        )
    return registered[-1] if registered else None


def _no_mappings() -> WorkflowError:
    return WorkflowError(NO_MAPPINGS, "The map has no mappings: it cannot resolve any frame.")


def _check_lines(source: bytes, fields: Fields) -> None:
    """Check that a bundle has all lines that its map has segments for.

    Raises:
        WorkflowError: it has fewer.
    """
    last = last_line_of(fields) + 1
    if last <= 1 or last - 1 <= source.count(b"\n") or last <= (lines := count_lines(source)):
        return
    raise WorkflowError(
        "lines_differ",
        f"The map maps line {last} of the bundle, which has {lines} line{'s'[: lines > 1]}.",
        "They are of different builds, or a tool changed the bundle after its map was written.",
        "Build both again.",
    )


def _end(chunk_id: str) -> bytes:
    return _END % json.dumps(chunk_id).encode()


def _with_release(source: bytes, chunk_id: str, release_id: str) -> bytes:
    line = find_injected_line(source, chunk_id)
    if line is None:
        return source
    return b"".join((source[: line.start], _RELEASE % json.dumps(release_id).encode(), source[line.end :]))


def _bundlers_id(source: bytes, fields: Fields) -> str | None:
    """Return the debug id that the bundler gave a map; None if the bundle has another, which is that of a library."""
    named = text_of(fields, "debugId") or text_of(fields, "debug_id")
    with suppress(ValueError):
        if named and comment(source, "debugId") in (None, named):
            return str(UUID(named))
    return None


def _check_utf8(source: bytes) -> None:
    if invalid := find_invalid_utf8(source):
        raise WorkflowError(
            "not_utf8",
            "The bundle is not UTF-8.",
            f"{invalid.reason.capitalize()} at byte {invalid.at}.",
            "Let the bundler write UTF-8.",
        )
