"""From a build folder to finished symbol sets."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import as_object
from mcp_errortracking.catalog.symbol_sets import ListSymbolSets
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender, delay_of
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.changes.job_record import JobRecord
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.retries import RetryingSender
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.jobs.build import (
    MANY,
    NOTED,
    PreparedBuild,
    nothing_found,
    prepare_build,
    release_of,
    some,
)
from mcp_errortracking.workflows.source_maps.jobs.coverage import note_on_silent, silent_bundles
from mcp_errortracking.workflows.source_maps.jobs.deletion import Deletion, delete_maps
from mcp_errortracking.workflows.source_maps.jobs.steps import injection_report, only_injected
from mcp_errortracking.workflows.source_maps.jobs.upload_record import UploadRecord, creating, newest_first
from mcp_errortracking.workflows.source_maps.remote.releases import (
    Create,
    Release,
    ReleaseName,
    find_or_create_release,
    find_release_by_name,
)
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import MAX_CHECKED, MAX_STARTED
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

_FOR_THE_RELEASE = 3
_ALWAYS_BOUND = frozenset({DataType.PROGUARD_MAPPING, DataType.APPLE_DSYM, DataType.ELF_DEBUG_INFO})
"""Symbol data that is bound to its release in release mode `event` too: each release has its own."""
_NO_RELEASE = "00000000-0000-0000-0000-000000000000"
_CHOICES = {
    Choice.FORCE: "force",
    Choice.SKIP_ON_CONFLICT: "skip_on_conflict",
    Choice.WITHOUT_RELEASE: "leave version out, or release_mode event",
}
"""The argument of another call for each choice."""

_COUNTED = {
    "uploaded": ChunkStatus.UPLOADED,
    "unchanged": ChunkStatus.UNCHANGED,
    "kept_other_content": ChunkStatus.SKIPPED_CONFLICT,
    "duplicates": ChunkStatus.DUPLICATE,
    "failed": ChunkStatus.FAILED,
}
_FINAL = ("content_hash_mismatch", "content_hash_required", "release_id_mismatch")
"""The codes of failures that a repeated call does not fix."""


async def run(call: "UploadSourceMaps", context: Context) -> Outcome:
    """Prepare the build, and upload the chunks that PostHog does not have."""
    name = await to_thread.run_sync(release_of, call, context)
    sender = RetryingSender(context.sender)
    if not call.dry_run:
        context.writes.becomes("Call it again: it goes on where it stopped.")
    newest: Any = None
    if not (
        call.dry_run or call.step == "inject"
    ):  # before files are written: check that PostHog answers and knows the key
        newest = await send_endpoint(sender, newest_first(1))
    mode = call.release_mode or context.environment.release_mode
    injects = mode == "event" and call.step != "upload"
    create = creating(context)
    injected = await _release_to_inject(name, sender, create, dry_run=bool(call.dry_run)) if injects else None
    dry_run = bool(call.dry_run) or call.step == "upload"
    build = await prepare_build(call, context, dry_run=dry_run, release_id=injected and injected.id)
    if call.step == "upload":
        build = only_injected(build)
    if not build.chunks:
        left = UploadResult((), 0, None)
        return _report(build, left, None) if build.deployed and not build.problems else nothing_found(call, build)
    wait = _wait_note(context, len(build.chunks))
    if call.dry_run:
        return _plan(call, build, wait)
    if call.step == "inject":
        return injection_report(build, injected)
    total = len(build.chunks)
    if wait:
        await context.progress(total / 2, total, wait)

    async def progress(done: int, of: int, doing: str) -> None:
        await context.progress((total + total * done / of) / 2, total, doing)

    # Another tool's chunk id does not depend on the content, so force replaces the old map, which no release needs.
    of_events = mode == "event" and name is not None
    force = bool(call.force) or (of_events and not call.skip_on_conflict)
    rules = ConflictRules(force=force, skip_on_conflict=bool(call.skip_on_conflict))
    async with Storage(context.environment.host, http_proxy=context.environment.http_proxy) as storage:
        bound = _ALWAYS_BOUND if of_events else frozenset(DataType)
        options = Options(rules=rules, bound=bound, create_release=create)
        record = JobRecord(context, call)
        await record.begin()
        entry = UploadRecord(record, sender, as_object(newest))
        try:
            uploaded = await upload(
                context.sender, storage, build.chunks, release=injected or name, options=options, progress=progress
            )
            await entry.done(uploaded)
        except PostHogError as error:
            await entry.failed(error)
            if build.written:
                why = f"{error.why} {len(build.written)} local files already have their chunk ids.".lstrip()
                error.explanation = replace(error.explanation, why=why)
            raise
    roots, deleted = Roots(context.environment.roots), None
    silent = await to_thread.run_sync(silent_bundles, roots, build)
    if call.delete_after:
        deleted = await to_thread.run_sync(delete_maps, roots, build, uploaded)
    outcome = _report(build, uploaded, injected or uploaded.release, deleted, silent)
    return replace(outcome, notes=[*outcome.notes, *record.notes])


async def _release_to_inject(
    name: ReleaseName | None, sender: Sender, create: Create | None, *, dry_run: bool
) -> Release | None:
    """Return the release to inject into the bundles. Create it, except in a dry run, which uses a placeholder."""
    if name is None:
        return None
    if not dry_run:
        return await find_or_create_release(sender, name, create)
    found = None
    with suppress(PostHogError):
        found = await find_release_by_name(sender, name)
    return found or Release(_NO_RELEASE, name.version, name.project)


def _wait_note(context: Context, chunks: int) -> str | None:
    """Return a note on the time that PostHog's limits will make an upload wait; None if they do not."""
    requests = 2 * ceil(chunks / MAX_STARTED) + 2 * ceil(chunks / MAX_CHECKED) + _FOR_THE_RELEASE
    seconds = delay_of(context.sender, ListSymbolSets.path, requests)
    return f"About {requests} requests: PostHog's rate limits make them wait {seconds:.0f} s." if seconds >= 1 else None


def _plan(call: "UploadSourceMaps", build: PreparedBuild, wait: str | None) -> Outcome:
    data = {
        "chunks": [{"path": chunk.label, "chunk_id": chunk.chunk_id} for chunk in build.chunks],
        "would_write": [*build.written, *build.repaired],
        **build.as_data(),
    }
    notes = [
        *build.notes,
        "Nothing was written and nothing uploaded: this was a dry run.",
        *(
            ["After an upload, the maps of the chunks in PostHog would be deleted, and the comments that name them."]
            if call.delete_after
            else []
        ),
        *([wait] if wait else []),
    ]
    shown = {name: value for name, value in data.items() if value and name not in NOTED}
    if len(build.chunks) > MANY:
        shown |= {"chunks": len(build.chunks), "would_write": len(data["would_write"])}
    return Outcome(data, notes, display=shown)


def _report(
    build: PreparedBuild,
    uploaded: UploadResult,
    release: Release | None,
    deleted: Deletion | None = None,
    silent: Sequence[str] = (),
) -> Outcome:
    data: dict[str, Any] = {
        "release": None
        if release is None
        else {"id": release.id, "version": release.version, "project": release.project, "is_new": release.is_new},
        **{name: uploaded.count(status) for name, status in _COUNTED.items()},
        "bytes_sent": uploaded.bytes_sent,
        "files_written": list(dict.fromkeys([*build.written, *build.repaired, *(deleted.changed if deleted else ())])),
        "maps_deleted": None if deleted is None else deleted.count,
        "failures": [_failure(one) for one in uploaded.failed],
        **build.as_data(),
        "chunks": [
            {"path": one.chunk.label, "chunk_id": one.chunk.chunk_id, "outcome": str(one.status)}
            for one in uploaded.chunks
        ],
    }
    notes = list(dict.fromkeys([*build.notes, *(deleted.notes if deleted else ())]))
    if build.written and len(uploaded.failed) < len(uploaded.chunks):
        notes.append(
            "Deploy the files after you have compressed the changed ones again."
            if build.stale
            else "Deploy the files as they are now: chunk ids were written into them."
        )
    if silent:
        notes.append(note_on_silent(silent))
    if build.foreign:
        notes.append(f"Without the release id, because another tool put in their chunk id: {some(build.foreign)}.")
    others = [one.chunk.label for one in uploaded.chunks if one.status is ChunkStatus.DUPLICATE and one.next_step]
    if others:
        notes.append(f"Not uploaded, because another bundle has the same chunk id and another map: {some(others)}.")
    if deleted is not None and deleted.kept:
        notes.append(
            f"Maps not deleted, because they changed meanwhile or other bundles use them: {some(deleted.kept)}."
        )
    other_release = [
        chunk.label for chunk in build.chunks if chunk.release and release and chunk.release.id != release.id
    ]
    if other_release:
        notes.append(
            f"Bundles with another release, injected earlier with release_mode event: {some(other_release)}. "
            "Upload with release_mode event again."
        )
    elif uploaded.of_other_releases:
        notes.append(
            f"{uploaded.of_other_releases} unchanged chunks keep the release that they were first uploaded for: see "
            "source-maps-check. With release_mode event the bundles name their release themselves."
        )
    if any(one.code not in _FINAL for one in uploaded.failed):
        notes.append("Call this again to retry the failed chunks; uploaded ones are not sent again.")
    shown = {name: value for name, value in data.items() if value not in ([], None) and name not in ("chunks", *NOTED)}
    shown |= {"files_written": len(data["files_written"])} if build.written else {}
    if len(uploaded.failed) > MANY:
        shown["failures"] = _grouped(data["failures"])
    return Outcome(data, notes, failed=bool(uploaded.failed or others or silent), display=shown)


def _grouped(failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the failures grouped by reason, each with the number of its files."""
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
