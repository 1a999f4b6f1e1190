"""The journal's entry of an upload, and the symbol sets that are new: those can be deleted again.

PostHog does not say which sets of an upload are new. A set is, if it is newer than the newest one before the upload.
"""

from collections.abc import Collection, Mapping
from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects, call_of, text_of, uuid_of
from mcp_errortracking.catalog.releases import CreateRelease
from mcp_errortracking.catalog.symbol_sets import DeleteSymbolSets, ListSymbolSets
from mcp_errortracking.endpoint_calls import send_endpoint, send_steps
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender, project_of
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.changes.job_record import JobRecord
from mcp_errortracking.workflows.retries import RetryingSender
from mcp_errortracking.workflows.source_maps.remote.releases import Create
from mcp_errortracking.workflows.source_maps.upload.results import ChunkStatus, UploadResult
from mcp_errortracking.workflows.times import moment_of

_PAGE = 100
_MOST_PAGES = 50
_SENT = (ChunkStatus.UPLOADED, ChunkStatus.FAILED)
_REPLACED = "The old content of {} symbol sets that were there before."


def newest_first(limit: int, offset: int | None = None) -> ListSymbolSets:
    """Return the call that lists the newest symbol sets."""
    page = {"limit": limit, "order_by": "-created_at"}
    return ListSymbolSets.model_validate(page if offset is None else page | {"offset": offset})


class UploadRecord:
    """The entry of one upload.

    Args:
        newest: the page of the newest symbol set before the upload.
    """

    def __init__(self, record: JobRecord, sender: Sender, newest: Mapping[str, Any]) -> None:
        self._record = record
        self._sender = sender
        rows = as_objects(newest.get("results"))
        self._last = moment_of(rows[0].get("created_at")) if rows else None
        self._is_comparable = bool(rows) == (self._last is not None) and isinstance(newest.get("results"), list)

    async def done(self, uploaded: UploadResult) -> None:
        """Record the result. The undo deletes the new sets, also those that were begun and not finished."""
        if not self._record.is_kept:
            return
        refs = {one.chunk.chunk_id for one in uploaded.chunks if one.status in _SENT}
        sent = {one.chunk.chunk_id for one in uploaded.chunks if one.status is ChunkStatus.UPLOADED}
        new = await self._new(refs) if refs else {}
        facts = {
            "release": uploaded.release and uploaded.release.id,
            **{str(status): uploaded.count(status) for status in ChunkStatus},
        }
        if new is None:
            await self._record.done(facts)
            return
        replaced = len(sent - set(new))
        inverse = call_of(DeleteSymbolSets, {"ids": sorted(new.values())}) if new else None
        loss = _REPLACED.format(replaced) if replaced else ""
        counts = {"new_symbol_sets": len(new), "replaced_symbol_sets": replaced}
        await self._record.done(
            facts | counts, inverse=inverse, undo="approximate" if loss else "exact" if inverse else "none", loss=loss
        )

    async def failed(self, error: Exception) -> None:
        """Record that nothing was uploaded; a start or a release may have been."""
        await self._record.failed(error, maybe_applied=isinstance(error, PostHogError) and error.maybe_applied)

    async def _new(self, refs: Collection[str]) -> dict[str, str] | None:
        """Return the ids of the new sets by their ref; None if that cannot be known."""
        found = dict[str, str]()
        if not self._is_comparable:
            return None
        try:
            for number in range(_MOST_PAGES):
                answer = as_object(await send_endpoint(self._sender, newest_first(_PAGE, number * _PAGE)))
                rows = as_objects(answer.get("results"))
                for row in rows:
                    made, identity = moment_of(row.get("created_at")), uuid_of(row.get("id"))
                    if made is None or identity is None:
                        return None
                    if self._last is not None and made <= self._last:
                        return found
                    if (ref := text_of(row, "ref")) in refs:
                        found[ref] = identity
                if not rows or not answer.get("next"):
                    return found
        except PostHogError:
            return None
        return None


def creating(context: Context) -> Create | None:
    """Return what creates a release and records that; None if there is no journal."""
    recording = context.recording
    if recording is None:
        return None

    async def create(call: CreateRelease) -> Any:
        project = project_of(context.sender) or ""
        outcome = await recording.record(
            context.sender, call, project, lambda sender: send_steps(RetryingSender(sender), call.steps())
        )
        return outcome.data

    return create
