"""Compare a build with PostHog."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError, quoted
from mcp_errortracking.workflows.source_maps.bundles.discovery import DeployedBundle
from mcp_errortracking.workflows.source_maps.bundles.preparation import read_injected_line
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.jobs.build import (
    MANY,
    NOTED,
    nothing_found,
    prepare_build,
    release_of,
    some,
)
from mcp_errortracking.workflows.source_maps.jobs.coverage import Coverage, coverage_of
from mcp_errortracking.workflows.source_maps.jobs.stale_records import (
    note_on_copies,
    note_on_stale,
    stale_copies,
    stale_records,
)
from mcp_errortracking.workflows.source_maps.remote.releases import Release, find_release_by_name
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import StorageError
from mcp_errortracking.workflows.source_maps.remote.stored import State, StoredChunk, check
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, fingerprint
from mcp_errortracking.workflows.source_maps.upload.map_check import check_map

if TYPE_CHECKING:
    from mcp_errortracking.workflows.source_maps.tools import CheckSourceMaps

_GOOD = (State.UPLOADED,)
_NOTED = ("release_is_missing", "files_without_chunk_id", *NOTED)
"""The fields that are shown as notes instead."""


async def run(call: "CheckSourceMaps", context: Context) -> Outcome:
    """Compare the build with PostHog, chunk by chunk."""
    named = await to_thread.run_sync(release_of, call, context)
    build = await prepare_build(call, context, dry_run=True)
    if not build.chunks and not build.deployed:
        nothing = nothing_found(call, build)
        none = Coverage(len(build.problems), 0)
        return replace(nothing, data={**nothing.data, "symbolication": none.as_data()})
    release = None if named is None else await find_release_by_name(context.sender, named)
    bundles, hashes, unreadable = dict[str, Chunk | DeployedBundle](), dict[str, str | None](), list[Problem]()
    for number, chunk in enumerate(build.chunks, 1):
        if chunk.chunk_id in bundles:  # an upload takes the first of several
            continue
        bundles[chunk.chunk_id] = chunk
        try:
            await to_thread.run_sync(check_map, chunk)
            hashes[chunk.chunk_id] = (await to_thread.run_sync(fingerprint, chunk)).content_hash
        except ContentError as error:
            unreadable.append(Problem(chunk.label, error.explanation))
        await context.progress((len(build.chunks) + number) / 2, len(build.chunks), f"read {chunk.label}")
    for one in build.deployed:
        bundles.setdefault(one.chunk_id, one)
        hashes.setdefault(one.chunk_id, None)
    async with Storage(context.environment.host, http_proxy=context.environment.http_proxy) as storage:
        try:
            stored = await check(context.sender, storage, hashes, release_id=release.id if release else None)
        except StorageError as error:
            raise WorkflowError("storage", error.what, next_step=error.next_step) from None
    stored = await to_thread.run_sync(_without_foreign_conflicts, Roots(context.environment.roots), bundles, stored)
    uploaded = {one.chunk_id for one in stored if one.state in _GOOD}
    coverage = await to_thread.run_sync(coverage_of, Roots(context.environment.roots), build, hashes, uploaded)
    stale = await to_thread.run_sync(stale_records, Roots(context.environment.roots), build)
    copies = await to_thread.run_sync(stale_copies, Roots(context.environment.roots), build)
    rows = [_row(bundles[one.chunk_id], one, release) for one in stored]
    counts = Counter(str(one.state) for one in stored)
    data: dict[str, Any] = {
        **{name: counts[name] for name in counts},
        "release": None if release is None else {"id": release.id, "version": release.version},
        "release_is_missing": named is not None and release is None,
        "files_without_chunk_id": len(build.written),
        **replace(build, problems=(*build.problems, *unreadable)).as_data(),
        "results": rows,
        "stale_records": stale,
        "stale_copies": copies,
        "symbolication": coverage.as_data(),
    }
    notes = [*build.notes, *coverage.notes()]
    notes += [note_on_stale(stale)] if stale else []
    notes += [note_on_copies(copies)] if copies else []
    if named is not None and release is None:
        wanted = f"{quoted(named.version)} of {quoted(named.project)}"
        notes.append(f"PostHog has no release {wanted}: an upload with this version creates it.")
    if build.written:
        notes.append(
            f"{len(build.written)} files hold no chunk id yet: source-maps-upload writes it into them. Until these are "
            "deployed, events stay minified, even after an upload."
        )
    wrong = [row for row in rows if row["wrong_release"]]
    bytecode = [row["path"] for row in wrong if _is_bytecode(bundles[row["chunk_id"]])]
    if bytecode:
        names = some(bytecode)
        notes.append(
            f"Bytecode of Hermes names no release. Events of {names} get theirs from the app's version, or from "
            "their map after an upload with release_mode symbol-set."
        )
    others = [row["path"] for row in wrong if row["path"] not in bytecode]
    if others:
        notes.append(
            f"Events of {some(others)} name another release, or none: an unchanged bundle keeps the release of its "
            "first upload. Upload with release_mode event to make events name the deployed release."
        )
    if any(one.state not in _GOOD for one in stored):
        notes.append("Upload missing chunks with source-maps-upload; replace different ones with force.")
    if any(one.expiring for one in stored):
        notes.append("PostHog deletes sets 30 days after their last use by an event or an upload.")
    shown = {name: value for name, value in data.items() if value and name not in _NOTED}
    if len(rows) > MANY:
        left = [row for row in rows if row["state"] not in _GOOD or row["expiring"]]
        shown["results"] = left
        if len(left) < len(rows):
            notes.append(f"{len(rows) - len(left)} chunks that need no action are left out.")
        if len(left) > MANY:
            shown["results"] = left[:MANY]
            notes.append(f"{len(left) - MANY} more that need action are left out too; the counts include them.")
        if not left:
            del shown["results"]
    shown["symbolication"] = str(coverage)
    return Outcome(data, notes, display=shown)


def _without_foreign_conflicts(
    roots: Roots, bundles: Mapping[str, Chunk | DeployedBundle], stored: Sequence[StoredChunk]
) -> list[StoredChunk]:
    """Return the chunks, without the state `different` for bundles that another tool prepared.

    Such a tool most likely uploaded them too, and computes other hashes.
    """
    return [
        replace(one, state=State.UPLOADED, compared=False)
        if one.state is State.DIFFERENT and _is_foreign(roots, bundles[one.chunk_id])
        else one
        for one in stored
    ]


def _is_foreign(roots: Roots, chunk: Chunk | DeployedBundle) -> bool:
    if isinstance(chunk, DeployedBundle) or not isinstance(chunk.source, LocalFile):
        return False
    try:
        return read_injected_line(roots, chunk.source.path, chunk.chunk_id) is None
    except WorkflowError:
        return False


def _is_bytecode(chunk: Chunk | DeployedBundle) -> bool:
    return isinstance(chunk, Chunk) and chunk.kind is DataType.HERMES_MAP


def _row(chunk: Chunk | DeployedBundle, one: StoredChunk, release: Release | None) -> dict[str, Any]:
    is_wrong = one.wrong_release
    if (
        release is not None and chunk.release is not None
    ):  # the release in the bundle takes precedence over that of its set
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
