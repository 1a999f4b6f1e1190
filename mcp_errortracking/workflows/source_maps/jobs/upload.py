"""From a build folder to finished symbol sets."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender, delay_of
from mcp_errortracking.workflows.base import Desk
from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.retries import RetryingSender
from mcp_errortracking.workflows.source_maps.jobs.build import (
    MANY,
    NOTED,
    Found,
    nothing_in,
    release_of,
    searched,
    some,
)
from mcp_errortracking.workflows.source_maps.remote.releases import (
    Release,
    ReleaseName,
    find_or_create_release,
    find_release_by_name,
)
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import MAX_CHECKED, MAX_STARTED
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, fingerprint
from mcp_errortracking.workflows.source_maps.upload.results import (
    Choice,
    ChunkResult,
    ChunkStatus,
    ConflictRules,
    UploadResult,
)
from mcp_errortracking.workflows.source_maps.upload.session import Options, upload

if TYPE_CHECKING:
    from mcp_errortracking.workflows.source_maps.tools import UploadSourceMaps

_PATH = "error_tracking/symbol_sets/"
_FOR_THE_RELEASE = 3
_NO_RELEASE = "00000000-0000-0000-0000-000000000000"
_CHOICES = {
    Choice.FORCE: "force",
    Choice.SKIP_ON_CONFLICT: "skip_on_conflict",
    Choice.WITHOUT_RELEASE: "leave version out, or release_mode event",
}
"""How each choice is asked for in another call."""

_COUNTED = {
    "uploaded": ChunkStatus.UPLOADED,
    "unchanged": ChunkStatus.UNCHANGED,
    "kept_other_content": ChunkStatus.SKIPPED_CONFLICT,
    "duplicates": ChunkStatus.DUPLICATE,
    "failed": ChunkStatus.FAILED,
}
_FINAL = ("content_hash_mismatch", "content_hash_required", "release_id_mismatch")
"""The codes of failures that would only come again."""
_THERE = (ChunkStatus.UPLOADED, ChunkStatus.UNCHANGED)


async def run(call: "UploadSourceMaps", desk: Desk) -> Outcome:
    """Prepares the build, and uploads what PostHog lacks."""
    name = await to_thread.run_sync(release_of, call, desk)
    sender = RetryingSender(desk.sender)
    if not call.dry_run:  # before files are written: is PostHog there, and does it know the key?
        await sender.send("GET", _PATH, query={"limit": 1})
    told = await _told(name, sender, dry_run=bool(call.dry_run)) if call.release_mode == "event" else None
    found = await searched(call, desk, dry_run=bool(call.dry_run), release_id=told and told.id)
    if not found.chunks:
        left = UploadResult((), 0, None)
        return _report(found, left, None) if found.deployed and not found.problems else nothing_in(call, found)
    wait = _wait(desk, len(found.chunks))
    if call.dry_run:
        return _plan(call, found, wait)
    total = len(found.chunks)
    if wait:
        await desk.progress(total / 2, total, wait)

    async def progress(done: int, of: int, doing: str) -> None:
        await desk.progress((total + total * done / of) / 2, total, doing)

    # Under an id that is not of the content, another tool's, a newer map replaces the old one: no release needs that.
    force = bool(call.force) or (told is not None and not call.skip_on_conflict)
    rules = ConflictRules(force=force, skip_on_conflict=bool(call.skip_on_conflict))
    async with Storage(desk.workshop.host, http_proxy=desk.workshop.http_proxy) as storage:
        bound, options = None if told else name, Options(rules=rules)
        try:
            uploaded = await upload(
                desk.sender, storage, found.chunks, release=bound, options=options, progress=progress
            )
        except PostHogError as error:
            if found.written:
                error.why = f"{error.why} {len(found.written)} local files have their chunk ids all the same.".lstrip()
            raise
    deleted = await to_thread.run_sync(_delete_maps, desk, found, uploaded) if call.delete_after else None
    return _report(found, uploaded, told or uploaded.release, deleted)


async def _told(name: ReleaseName | None, sender: Sender, *, dry_run: bool) -> Release | None:
    """The release that the bundles are to tell; it is created, but in a dry run, where one without an id stands in."""
    if name is None:
        return None
    if not dry_run:
        return await find_or_create_release(sender, name)
    return await find_release_by_name(sender, name) or Release(_NO_RELEASE, name.version, name.project)


def _wait(desk: Desk, chunks: int) -> str | None:
    """How long PostHog's limits will make an upload wait, if they do."""
    requests = 2 * ceil(chunks / MAX_STARTED) + 2 * ceil(chunks / MAX_CHECKED) + _FOR_THE_RELEASE
    seconds = delay_of(desk.sender, _PATH, requests)
    return f"About {requests} requests: PostHog's limits make them wait {seconds:.0f} s." if seconds >= 1 else None


def _plan(call: "UploadSourceMaps", found: Found, wait: str | None) -> Outcome:
    data = {
        "chunks": [{"path": chunk.label, "chunk_id": chunk.chunk_id} for chunk in found.chunks],
        "would_write": list(found.written),
        **found.as_data(),
    }
    notes = [
        *found.notes,
        "Nothing was written and nothing uploaded: this was a dry run.",
        *(["After an upload, the maps of what PostHog has would be deleted."] if call.delete_after else []),
        *([wait] if wait else []),
    ]
    shown = {name: value for name, value in data.items() if value and name not in NOTED}
    if len(found.chunks) > MANY:
        shown |= {"chunks": len(found.chunks), "would_write": len(found.written)}
    return Outcome(data, notes, display=shown)


def _report(
    found: Found, uploaded: UploadResult, release: Release | None, deleted: "_Deleted | None" = None
) -> Outcome:
    data: dict[str, Any] = {
        "release": None
        if release is None
        else {"id": release.id, "version": release.version, "project": release.project, "is_new": release.is_new},
        **{name: uploaded.count(status) for name, status in _COUNTED.items()},
        "bytes_sent": uploaded.bytes_sent,
        "files_written": list(found.written),
        "maps_deleted": None if deleted is None else deleted.count,
        "failures": [_failure(one) for one in uploaded.failed],
        **found.as_data(),
        "chunks": [
            {"path": one.chunk.label, "chunk_id": one.chunk.chunk_id, "outcome": str(one.status)}
            for one in uploaded.chunks
        ],
    }
    notes = list(found.notes)
    if found.written and len(uploaded.failed) < len(uploaded.chunks):
        notes.append("Deploy the files as they are now: chunk ids were written into them.")
    if found.foreign:
        notes.append(f"Without the release id, because another tool put in their chunk id: {some(found.foreign)}.")
    others = [one.chunk.label for one in uploaded.chunks if one.status is ChunkStatus.DUPLICATE and one.next_step]
    if others:
        notes.append(f"Not uploaded, for another bundle has the same chunk id and another map: {some(others)}.")
    if deleted is not None and deleted.kept:
        notes.append(f"Maps that were kept, because they changed meanwhile, or others need them: {some(deleted.kept)}.")
    told = [chunk.label for chunk in found.chunks if chunk.release and release and chunk.release.id != release.id]
    if told:
        notes.append(
            f"They tell PostHog's SDK another release, put in with release_mode event: {some(told)}. Use it again."
        )
    elif uploaded.of_other_releases:
        notes.append(
            f"{uploaded.of_other_releases} unchanged chunks keep the release that they were first uploaded for, which "
            "source-maps-check names; with release_mode event bundles tell it themselves."
        )
    if any(one.code not in _FINAL for one in uploaded.failed):
        notes.append("Call it again to go on with what failed; what is uploaded is not sent again.")
    shown = {name: value for name, value in data.items() if value not in ([], None) and name not in ("chunks", *NOTED)}
    shown |= {"files_written": len(found.written)} if found.written else {}
    if len(uploaded.failed) > MANY:
        shown["failures"] = _alike(data["failures"])
    return Outcome(data, notes, failed=bool(uploaded.failed or others), display=shown)


@dataclass(frozen=True, slots=True)
class _Deleted:
    """How many maps were deleted, and the bundles whose maps were not though PostHog has them."""

    count: int
    kept: Sequence[str]


def _delete_maps(desk: Desk, found: Found, uploaded: UploadResult) -> _Deleted:
    """Deletes the maps beside bundles that PostHog has now, as they are there."""
    roots, build = Roots(desk.workshop.roots), found.build
    deleted, kept = 0, list[str]()
    for one in uploaded.chunks:
        source_map = one.chunk.map
        is_there = one.status in _THERE or (one.status is ChunkStatus.DUPLICATE and not one.next_step)
        if not is_there or one.chunk.source is None or not isinstance(source_map, LocalFile):
            continue
        try:
            path = source_map.path
            if path.is_relative_to(build.folder) and path not in build.shared and _is_as_sent(one):
                roots.delete(path)
                deleted += 1
                continue
        except WorkflowError:
            pass
        kept.append(one.chunk.label)
    return _Deleted(deleted, kept)


def _is_as_sent(one: ChunkResult) -> bool:
    """Whether the files of a chunk are still those that PostHog has: a bundler may have been at work meanwhile."""
    try:
        return fingerprint(one.chunk).content_hash == one.content_hash
    except ContentError:
        return False


def _alike(failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Failures for the same reason as one, with how many there are."""
    first, counts = dict[tuple[str, str], dict[str, Any]](), Counter[tuple[str, str]]()
    for one in failures:
        kind = (str(one["code"]), one["reason"])
        counts[kind] += 1
        first.setdefault(kind, one)
    return [{"files": counts[kind], **one} for kind, one in first.items()]


def _failure(one: ChunkResult) -> dict[str, Any]:
    return {
        "path": one.chunk.label,
        "chunk_id": one.chunk.chunk_id,
        "code": one.code,
        "reason": one.reason,
        "next_step": one.next_step,
        "choices": [_CHOICES[choice] for choice in one.choices],
    }
