"""What PostHog holds for a build: chunk by chunk, compared by content hash where it can compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import anyio

from mcp_errortracking.proxy.errors import NotFoundError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.retries import Sleep
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import Comparison, SymbolSets

RETENTION = timedelta(days=30)
"""A set that was last used longer ago is deleted (contract 5.4)."""
EXPIRING = timedelta(days=7)
"""A set is called expiring this long before."""

_PROBES = 10  # at once


class State(StrEnum):
    """What PostHog has of a chunk."""

    UPLOADED = "uploaded"
    """A finished set; of the same content, where `compared`."""
    DIFFERENT = "different"
    """A finished set of other content."""
    UNFINISHED = "unfinished"
    """An upload was started and never finished; frames are not resolved by it."""
    NOT_FOUND_ONLINE = "not_found_online"
    """Nothing was uploaded; PostHog looked for a map itself and found none, see `failure_reason`."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Held:
    """What PostHog has of one chunk.

    `compared`: whether its content hash was compared, which older servers cannot do, nor anybody without a map.
    `wrong_release`: it is bound to another release than the one asked about, or to none. `expires` is when it is
    deleted unless it is used before; None where there is nothing to delete, or PostHog does not say when it was used.
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
) -> list[Held]:
    """Looks up chunks, in the order given. Where PostHog can compare hashes, it counts those it has as used today.

    Args:
        hashes: content hashes by chunk id; None where there is no content to compare.
        release_id: the release that they should be bound to.
        now: the present, to tell what expires.
        sleep: waits between tries.

    Raises:
        PostHogError: PostHog cannot be asked.
        StorageError: object storage, which is asked about what PostHog cannot compare, gives no answer.
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
        _held(
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
    """Whether the files of sets are in object storage, by ref; None where an older PostHog does not tell."""
    found = dict[str, bool | None]()
    limiter = anyio.CapacityLimiter(_PROBES)

    async def probe(ref: str, symbol_set_id: str) -> None:
        async with limiter:
            try:
                found[ref] = await storage.holds(await symbol_sets.download_url(symbol_set_id))
            except NotFoundError:
                found[ref] = None

    async with anyio.create_task_group() as group:
        for ref, row in rows.items():
            if _has_file(row):
                group.start_soon(probe, ref, str(row.get("id")))
    return found


def _held(
    chunk_id: str,
    row: Mapping[str, Any] | None,
    compared: Comparison | None,
    arrived: Mapping[str, bool | None],
    *,
    release_id: str | None,
    now: datetime,
) -> Held:
    if row is None:
        return Held(chunk_id, State.MISSING, compared=compared is not None)
    state = _state(chunk_id, row, compared, arrived)
    release = cast("dict[str, Any]", row["release"]) if isinstance(row.get("release"), dict) else {}
    last_used = _time(row.get("last_used"))
    expires = last_used + RETENTION if last_used and _has_file(row) else None
    return Held(
        chunk_id,
        state,
        symbol_set_id=_text(row.get("id")),
        compared=compared is not None,
        release_id=_text(release.get("id")),
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
    """Whether the set has a place in object storage: a file may be there, or never have arrived (contract 2)."""
    return bool(row.get("has_uploaded_file", row.get("storage_ptr") is not None))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
