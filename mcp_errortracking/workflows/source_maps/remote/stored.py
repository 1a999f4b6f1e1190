"""The state of a build's chunks in PostHog, compared by content hash if PostHog can compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import anyio

from mcp_errortracking.catalog.endpoint import uuid_of
from mcp_errortracking.proxy.errors import NotFoundError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.concurrency import for_each
from mcp_errortracking.workflows.retries import Sleep
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import Comparison, SymbolSets
from mcp_errortracking.workflows.times import moment_of

RETENTION = timedelta(days=30)
"""A set that was last used longer ago is deleted (contract 5.4)."""
EXPIRING = timedelta(days=7)
"""A set is called expiring this long before."""

_PROBES = 10  # at once


class State(StrEnum):
    """The state of a chunk in PostHog."""

    UPLOADED = "uploaded"
    """A finished set; of the same content, if `compared`."""
    DIFFERENT = "different"
    """A finished set of other content."""
    UNFINISHED = "unfinished"
    """An upload was started and never finished; no frame is resolved with it."""
    NOT_FOUND_ONLINE = "not_found_online"
    """Nothing was uploaded; PostHog looked for a map itself and found none, see `failure_reason`."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """One chunk in PostHog.

    `compared`: its content hash was compared, which takes a map and a PostHog that can compare. `wrong_release`: it is
    bound to another release than the requested one, or to none. `expires` is the time of its deletion unless it is
    used before; None if nothing will be deleted, or if PostHog does not return the time of its last use.
    """

    chunk_id: str
    state: State
    symbol_set_id: str | None = None
    compared: bool = False
    release_id: str | None = None
    release_version: str | None = None
    wrong_release: bool = False
    failure_reason: str | None = None
    last_used: datetime | None = None
    expires: datetime | None = None
    expiring: bool = False


async def check(
    sender: Sender,
    storage: Storage,
    hashes: Mapping[str, str | None],
    *,
    release_id: str | None = None,
    now: datetime | None = None,
    sleep: Sleep = anyio.sleep,
) -> list[StoredChunk]:
    """Look up chunks, in the order given. A PostHog that compares hashes counts the chunks it has as used today.

    Args:
        hashes: content hashes by chunk id; None for a chunk without content to compare.
        release_id: the expected release.
        now: the present time, for `expiring`.
        sleep: waits between tries.

    Raises:
        PostHogError: no answer from PostHog.
        StorageError: no answer from object storage, which is asked about chunks that PostHog cannot compare.
    """
    symbol_sets = SymbolSets(sender, sleep=sleep)
    known = {chunk_id: content_hash for chunk_id, content_hash in hashes.items() if content_hash is not None}
    # The rows first: comparing marks a set as used, and so hides that it was about to expire.
    rows = await symbol_sets.by_ref(hashes)
    compared = await symbol_sets.compare(known)
    by_hash = {} if compared is None else known
    arrived = await _arrived(symbol_sets, storage, {ref: row for ref, row in rows.items() if ref not in by_hash})
    present = now or datetime.now(UTC)
    return [
        _stored_chunk(
            chunk_id,
            rows.get(chunk_id),
            compared if chunk_id in by_hash else None,
            arrived,
            release_id=release_id,
            now=present,
        )
        for chunk_id in hashes
    ]


async def _arrived(
    symbol_sets: SymbolSets, storage: Storage, rows: Mapping[str, dict[str, Any]]
) -> dict[str, bool | None]:
    """Return by ref if the file of a set is in object storage; None if PostHog is too old for downloads."""
    found = dict[str, bool | None]()

    async def probe(found_set: tuple[str, str]) -> None:
        ref, symbol_set_id = found_set
        try:
            found[ref] = await storage.holds(await symbol_sets.download_url(symbol_set_id))
        except NotFoundError:
            found[ref] = None

    ids = {ref: uuid_of(row.get("id")) for ref, row in rows.items() if _has_file(row)}
    await for_each(((ref, one) for ref, one in ids.items() if one is not None), probe, at_once=_PROBES)
    return found


def _stored_chunk(
    chunk_id: str,
    row: Mapping[str, Any] | None,
    compared: Comparison | None,
    arrived: Mapping[str, bool | None],
    *,
    release_id: str | None,
    now: datetime,
) -> StoredChunk:
    if row is None:
        return StoredChunk(chunk_id, State.MISSING, compared=compared is not None)
    state = _state(chunk_id, row, compared, arrived)
    release = cast("dict[str, Any]", row["release"]) if isinstance(row.get("release"), dict) else {}
    last_used = moment_of(row.get("last_used"))
    expires = _expiry(last_used) if last_used and _has_file(row) else None
    return StoredChunk(
        chunk_id,
        state,
        symbol_set_id=uuid_of(row.get("id")),
        compared=compared is not None,
        release_id=uuid_of(release.get("id")),
        release_version=_text(release.get("version")),
        wrong_release=release_id is not None and "release" in row and release.get("id") != release_id,
        failure_reason=_text(row.get("failure_reason")),
        last_used=last_used,
        expires=expires,
        expiring=expires is not None and expires - now < EXPIRING,
    )


def _state(
    chunk_id: str, row: Mapping[str, Any], compared: Comparison | None, arrived: Mapping[str, bool | None]
) -> State:
    if not _has_file(row):
        return State.NOT_FOUND_ONLINE
    if compared is None:
        return State.UNFINISHED if arrived.get(chunk_id) is False else State.UPLOADED
    if chunk_id in compared.same:
        return State.UPLOADED
    return State.DIFFERENT if chunk_id in compared.other else State.UNFINISHED


def _has_file(row: Mapping[str, Any]) -> bool:
    """True if the set has a place in object storage: a file may be there, or never have arrived (contract 2)."""
    return bool(row.get("has_uploaded_file", row.get("storage_ptr") is not None))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _expiry(last_used: datetime) -> datetime | None:
    try:
        return last_used + RETENTION
    except OverflowError:
        return None
