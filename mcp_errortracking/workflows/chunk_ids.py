"""The chunk id that ties a stack frame to its symbol set, and how it gets into a bundle and its map (contract 5.2).

A line of code is put in at the bundle's start, which tells PostHog's SDK the id of whatever runs it; a comment at its
end and a field in its map name the id for tools. The line is put behind `#!` lines and directives, so that both keep
their meaning, and the map is changed so that every original position stays where it was.
"""

import base64
import binascii
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes
from uuid import UUID

from mcp_errortracking.workflows.map_json import Fields, parsed, rewritten, text_of
from mcp_errortracking.workflows.problems import InvalidMapError, WorkflowError
from mcp_errortracking.workflows.script import comment, first_place, map_url

_NAMESPACE = UUID("0e9b3c7a-5d1f-42a8-b6c4-e2d0f8a17593")
_SNIPPET = (
    '!function(){try{var g="undefined"!=typeof globalThis?globalThis:"undefined"!=typeof window?window:'
    '"undefined"!=typeof global?global:self,s=new Error().stack;'
    "s&&((g._posthogChunkIds=g._posthogChunkIds||{})[s]=%s)}catch(e){}}();\n"
)
_DATA_URL = "data:application/json;charset=utf-8;base64,"


@dataclass(frozen=True, slots=True)
class Injection:
    """A bundle and its map with their chunk id. `map`: the map alone, also where the bundle holds it."""

    chunk_id: str
    source: bytes
    map: bytes
    source_changed: bool
    map_changed: bool


def injected(source: bytes, map_text: bytes | None, release_id: str | None = None) -> Injection:
    """A bundle and its map with a chunk id; what already has one keeps it, so that a second time changes nothing.

    A bundle that has its id while its map has not was left by a run that was killed between the two: the map is made
    to fit.

    Args:
        map_text: None if the bundle holds its map as a data URL.

    Raises:
        WorkflowError: the two do not belong together, one is not UTF-8, or the map is none.
    """
    _check_utf8(source)
    url = None
    if map_text is None:
        url = map_url(source) or ""
        map_text = map_in(source)
    fields = parsed(map_text)
    own_id, map_id = comment(source, "chunkId"), text_of(fields, "chunk_id") or text_of(fields, "chunkId")
    if own_id is None and map_id is not None:
        raise WorkflowError(
            "ids_differ",
            "The map has a chunk id, but the bundle has none.",
            "They are not of the same build, or a tool has removed the bundle's comments.",
            "Build both again.",
        )
    chunk_id = own_id or _bundlers_id(source, fields) or stable_id(source)
    place = first_place(source)
    snippet = _SNIPPET.replace("%s", json.dumps(chunk_id)).encode()
    is_behind = own_id is not None and map_id is None and source.startswith(snippet, place.offset)
    changes = {"chunk_id": chunk_id} | ({"release_id": release_id} if release_id else {})
    made_map = rewritten(map_text, fields, changes, place if own_id is None or is_behind else None)
    made = source
    if url is not None and made_map != map_text:
        made = made.replace(url.encode(), f"{_DATA_URL}{base64.b64encode(made_map).decode()}".encode())
    if own_id is None:
        ending = b"" if made.endswith(b"\n") else b"\n"
        mark = f"//# chunkId={chunk_id}\n".encode()
        made = b"".join((made[: place.offset], snippet, made[place.offset :], ending, mark))
    return Injection(chunk_id, made, made_map, made != source, url is None and made_map != map_text)


def with_id(map_text: bytes, release_id: str | None = None) -> tuple[str, bytes]:
    """The chunk id of a map that has no script beside it (Hermes), and the map with it.

    Raises:
        InvalidMapError: it is no map.
    """
    fields = parsed(map_text)
    chunk_id = text_of(fields, "chunk_id") or text_of(fields, "chunkId") or _bundlers_id(b"", fields)
    chunk_id = chunk_id or stable_id(map_text)
    changes = {"chunk_id": chunk_id} | ({"release_id": release_id} if release_id else {})
    return chunk_id, rewritten(map_text, fields, changes)


def stable_id(source: bytes) -> str:
    """The chunk id of a bundle as the bundler wrote it: the same bytes always have the same id."""
    digest = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)
    digest.update(source)
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


def _bundlers_id(source: bytes, fields: Fields) -> str | None:
    for text in (comment(source, "debugId"), text_of(fields, "debugId"), text_of(fields, "debug_id")):
        with suppress(ValueError):
            if text:
                return str(UUID(text))
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
