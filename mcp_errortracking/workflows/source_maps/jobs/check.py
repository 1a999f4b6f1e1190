"""What PostHog has of a build."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.workflows.base import Desk
from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError, quoted
from mcp_errortracking.workflows.source_maps.bundles.preparation import read_injected_line
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.jobs.build import MANY, NOTED, Told, nothing_in, release_of, searched, some
from mcp_errortracking.workflows.source_maps.remote.releases import Release, find_release_by_name
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import StorageError
from mcp_errortracking.workflows.source_maps.remote.stored import Held, State, check
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, fingerprint

if TYPE_CHECKING:
    from mcp_errortracking.workflows.source_maps.tools import CheckSourceMaps

_GOOD = (State.UPLOADED,)
_NOTED = ("release_is_missing", "files_without_chunk_id", *NOTED)
"""What a note says better."""


async def run(call: "CheckSourceMaps", desk: Desk) -> Outcome:
    """Compares the build with what PostHog holds, chunk by chunk."""
    named = await to_thread.run_sync(release_of, call, desk)
    found = await searched(call, desk, dry_run=True)
    if not found.chunks and not found.deployed:
        return nothing_in(call, found)
    release = None if named is None else await find_release_by_name(desk.sender, named)
    told, hashes, unreadable = dict[str, Chunk | Told](), dict[str, str | None](), list[Problem]()
    for number, chunk in enumerate(found.chunks, 1):
        if chunk.chunk_id in told:  # the first of several is the one that an upload takes
            continue
        told[chunk.chunk_id] = chunk
        try:
            hashes[chunk.chunk_id] = (await to_thread.run_sync(fingerprint, chunk)).content_hash
        except ContentError as error:
            unreadable.append(Problem(chunk.label, error.code, error.what, error.next_step))
        await desk.progress((len(found.chunks) + number) / 2, len(found.chunks), f"read {chunk.label}")
    for one in found.deployed:
        told.setdefault(one.chunk_id, one)
        hashes.setdefault(one.chunk_id, None)
    async with Storage(desk.workshop.host, http_proxy=desk.workshop.http_proxy) as storage:
        try:
            held = await check(desk.sender, storage, hashes, release_id=release.id if release else None)
        except StorageError as error:
            raise WorkflowError("storage", error.what, next_step=error.next_step) from None
    held = await to_thread.run_sync(_without_claims, Roots(desk.workshop.roots), told, held)
    rows = [_row(told[one.chunk_id], one, release) for one in held]
    counts = Counter(str(one.state) for one in held)
    data: dict[str, Any] = {
        **{name: counts[name] for name in counts},
        "release": None if release is None else {"id": release.id, "version": release.version},
        "release_is_missing": named is not None and release is None,
        "files_without_chunk_id": len(found.written),
        **replace(found, problems=(*found.problems, *unreadable)).as_data(),
        "results": rows,
    }
    notes = list(found.notes)
    if named is not None and release is None:
        wanted = f"{quoted(named.version)} of {quoted(named.project)}"
        notes.append(f"There is no release {wanted} in PostHog: an upload with this version makes it.")
    if found.written:
        notes.append(
            f"{len(found.written)} files hold no chunk id yet: source-maps-upload writes it into them. Events of these "
            "files as they are stay minified, whatever was uploaded."
        )
    others = [row["path"] for row in rows if row["wrong_release"]]
    if others:
        notes.append(
            f"Events of {some(others)} name another release, or none: an unchanged bundle keeps the one that it was "
            "first uploaded for. Upload with release_mode event, and they name the one that is deployed."
        )
    if any(one.state not in _GOOD for one in held):
        notes.append("source-maps-upload uploads what is not there; with force, what differs.")
    if any(one.expiring for one in held):
        notes.append("Sets that no event uses are deleted 30 days after their last use; an upload counts as one.")
    shown = {name: value for name, value in data.items() if value and name not in _NOTED}
    if len(rows) > MANY:
        left = [row for row in rows if row["state"] not in _GOOD or row["expiring"]]
        shown["results"] = left
        if len(left) < len(rows):
            notes.append(f"{len(rows) - len(left)} chunks that need nothing are left out.")
        if len(left) > MANY:
            shown["results"] = left[:MANY]
            notes.append(f"{len(left) - MANY} more that need something are left out too; the counts have them.")
        if not left:
            del shown["results"]
    return Outcome(data, notes, display=shown)


def _without_claims(roots: Roots, told: Mapping[str, Chunk | Told], held: Sequence[Held]) -> list[Held]:
    """What PostHog has, without saying that content differs where another tool prepared the bundle.

    Such a tool uploaded it as well, most likely, and hashes in a way of its own.
    """
    return [
        replace(one, state=State.UPLOADED, compared=False)
        if one.state is State.DIFFERENT and _is_foreign(roots, told[one.chunk_id])
        else one
        for one in held
    ]


def _is_foreign(roots: Roots, chunk: Chunk | Told) -> bool:
    if isinstance(chunk, Told) or not isinstance(chunk.source, LocalFile):
        return False
    try:
        return read_injected_line(roots, chunk.source.path, chunk.chunk_id) is None
    except WorkflowError:
        return False


def _row(chunk: Chunk | Told, one: Held, release: Release | None) -> dict[str, Any]:
    is_wrong = one.wrong_release
    if release is not None and chunk.release is not None:  # what the bundle tells counts, whatever its set is bound to
        is_wrong = chunk.release.id != release.id
    return {
        "path": chunk.label,
        "chunk_id": one.chunk_id,
        "state": str(one.state),
        "symbol_set_id": one.symbol_set_id,
        "compared": one.compared,
        "release": one.release_version,
        "wrong_release": is_wrong,
        "failure_reason": one.failure_reason,
        "last_used": one.last_used.isoformat().replace("+00:00", "Z") if one.last_used else None,
        "expires": one.expires.isoformat().replace("+00:00", "Z") if one.expires else None,
        "expiring": one.expiring,
    }
