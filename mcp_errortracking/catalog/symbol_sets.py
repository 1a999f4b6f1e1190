"""Symbol sets: the source maps and debug files that turn minified frames into readable ones (contract 2).

The documented upload is three calls: start hands out URLs, the files go straight to object storage, finish confirms.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.declaration import AtMost, FormattedText, refuse_boolean
from mcp_errortracking.catalog.endpoint import (
    PAGE,
    Endpoint,
    Outcome,
    Request,
    Snapshot,
    Steps,
    as_object,
    as_objects,
    call_of,
)
from mcp_errortracking.catalog.identifiers import RealUUID, SymbolSetId
from mcp_errortracking.catalog.meanings import Means, Shown
from mcp_errortracking.catalog.paging import PagedEndpoint, note_on_filters, note_on_offset, read_page
from mcp_errortracking.catalog.pairs import pairs_schema, reads_pairs

MAX_FILE = 100 * 1024 * 1024
"""Bytes that object storage takes per symbol set (contract 5.4)."""

_MOST_LOOKUPS = 20
"""Chunks of a start whose sets are looked up before it."""

_EXAMPLE_ID = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"


_BY_REF: Mapping[str, str] = dict.fromkeys(
    ("ref", "chunk_id"), "find the id with error-tracking-symbol-sets-list and ref"
)
_STATUSES = {
    **dict.fromkeys(("failed", "missing", "error", "broken", "pending", "unresolved"), "invalid"),
    **dict.fromkeys(("uploaded", "complete", "ok", "ready"), "valid"),
}


class ListSymbolSets(
    PagedEndpoint,
    tool="error-tracking-symbol-sets-list",
    request="GET symbol_sets/",
):
    """Show uploaded symbol sets (source maps, dSYMs, ProGuard mappings), newest first, also those missing or failed.
    status invalid: nothing usable uploaded, stack traces stay minified."""

    limit: Annotated[int, Field(ge=1, examples=[20]), AtMost(100)] | None = None
    status: Annotated[Literal["all", "valid", "invalid"], Means(_STATUSES)] | None = None
    search: str | None = Field(default=None, min_length=1, description="In ref, release or commit.")
    ref: str | None = Field(default=None, min_length=1, description="Exact chunk id or URL.")
    order_by: Literal["created_at", "-created_at", "ref", "-ref", "last_used", "-last_used"] | None = None
    include_count: bool | None = None

    meant = {
        **dict.fromkeys(("chunk_id", "chunk", "symbol_set_ref"), "ref"),
        **dict.fromkeys(("release", "version", "query", "text", "commit", "name", "release_id"), "search"),
        **dict.fromkeys(("sort", "sort_by", "ordering"), "order_by"),
    }

    def steps(self) -> Steps:
        page = read_page((yield self.request()))
        wanted = dict[str, Callable[[dict[str, Any]], bool]]()
        if ref := self.ref:
            wanted["ref"] = lambda row: row.get("ref") == ref
        if search := self.search:
            wanted["search"] = lambda row: any(search.lower() in text.lower() for text in _searched(row))
        return Outcome(page, note_on_filters(page, wanted) + note_on_offset(page, self.offset), page=PAGE)


def _searched(symbol_set: dict[str, Any]) -> Iterator[str]:
    """The texts of a symbol set that PostHog searches, and a few more of its release."""
    for value in (symbol_set.get("ref"), *as_object(symbol_set.get("release")).values()):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _searched({"release": value})


class RetrieveSymbolSet(
    Endpoint,
    tool="error-tracking-symbol-sets-retrieve",
    request="GET symbol_sets/{id}/",
):
    """Get one symbol set by id: its release, and why it failed if it did."""

    id: SymbolSetId

    meant = _BY_REF


class DeleteSymbolSet(
    Endpoint,
    tool="error-tracking-symbol-sets-destroy",
    request="DELETE symbol_sets/{id}/",
):
    """Delete (remove) one wrong or outdated symbol set (source map, dSYM), its file and the frames it failed to
    resolve, for good. Returns it as it was."""

    id: SymbolSetId

    meant = _BY_REF

    def steps(self) -> Steps:
        sent = self.request()
        symbol_set = as_object((yield Request("GET", sent.path)))
        yield sent
        return Outcome({"deleted": symbol_set})


class DownloadSymbolSet(
    Endpoint,
    tool="error-tracking-symbol-sets-download-retrieve",
    request="GET symbol_sets/{id}/download/",
    since="2026-04-22",
):
    """Download (export) a symbol set (source map, dSYM) from PostHog: returns a URL, a secret, valid one hour. The file
    is PostHog's container."""

    id: SymbolSetId

    meant = _BY_REF
    advice = {
        "no_file": "Nothing was ever uploaded for it: upload the source map of that build.",
    }

    def steps(self) -> Steps:
        answer = as_object((yield self.request()))
        return Outcome(
            answer,
            ["Fetch it without an Authorization header. 404 NoSuchKey there means the upload was started, never done."],
        )


class DeleteSymbolSets(
    Endpoint,
    tool="error-tracking-symbol-sets-bulk-delete",
    request="POST symbol_sets/bulk_delete/",
    aliases=("error-tracking-symbol-sets-bulk-delete-create",),
    since="2026-03-26",
    older_status=403,
    destructive=True,
    idempotent=True,
):
    """Delete (clean up, purge, wipe) many symbol sets at once, in bulk, for good: old or broken source maps, dSYMs
    and mappings; new frames of those bundles stay minified. Returns how many were deleted and not found."""

    ids: list[SymbolSetId] = Field(min_length=1, examples=[[_EXAMPLE_ID]])

    meant = {
        **dict.fromkeys(("id", "symbol_set_ids", "symbol_sets"), "ids"),
        **dict.fromkeys(("ref", "refs", "chunk_ids"), "find their ids with error-tracking-symbol-sets-list and ref"),
    }

    # On older servers the path is that of a symbol set named "bulk_delete".
    advice = {"method_not_allowed": "This PostHog is older than March 2026 and cannot delete in bulk: upgrade it."}

    def steps(self) -> Steps:
        ids = list(dict.fromkeys(self.ids))
        answer = as_object((yield DeleteSymbolSets(ids=ids).request()))
        deleted = answer.get("deleted")
        if not isinstance(deleted, int):
            return Outcome(answer, ["PostHog did not say how many were deleted."])
        if deleted > len(ids):  # servers whose stack frames cascade count those too (contract 2.2)
            return Outcome(
                answer, [f"PostHog counted more rows than the {len(ids)} ids given: it counts stack frames too."]
            )
        missing = len(ids) - deleted
        notes = list[str]()
        if missing:
            notes.append(
                f"{missing} of {len(ids)} ids did not exist in this project. A chunk id is not the id of its set: "
                "error-tracking-symbol-sets-list with ref finds that."
            )
        return Outcome({**answer, "not_found": missing}, notes)


class FinishSymbolSetUploads(
    Endpoint,
    tool="error-tracking-symbol-sets-bulk-finish-upload",
    request="POST symbol_sets/bulk_finish_upload/",
    aliases=("error-tracking-symbol-sets-bulk-finish-upload-create",),
    idempotent=True,
):
    """Finish uploads of symbol sets: confirm that the files were uploaded (sent). All or none are confirmed."""

    content_hashes: Annotated[
        dict[SymbolSetId, Annotated[str, Field(min_length=1)]],
        reads_pairs("symbol_set_id", "content_hash"),
        pairs_schema("symbol_set_id", "content_hash", "string"),
        Shown([{"symbol_set_id": "<id of a symbol set>", "content_hash": "<hex SHA-512>"}]),
    ] = Field(
        min_length=1,
        description="content_hash: hex SHA-512 of the uploaded bytes.",
        examples=[[{"symbol_set_id": _EXAMPLE_ID, "content_hash": "cf83e1357eefb8bd..."}]],
    )

    advice = {
        "symbol_set_not_found": "Nothing was confirmed. Use the symbol_set_id values that "
        "error-tracking-symbol-sets-bulk-start-upload returned, not chunk ids.",
        "file_not_found": "Nothing was confirmed. Upload every file to its URL (they last 5 minutes; start again for "
        "new ones), then finish again. PostHog before June 2026 has also deleted the sets named here.",
        "file_too_large": "Nothing was confirmed, and PostHog deleted that set. A file must have 1 byte to 100 MiB: "
        "drop it, or start again with a file of that size.",
    }

    def steps(self) -> Steps:
        answer = as_object((yield self.request()))
        return Outcome({**answer, "confirmed": [str(symbol_set) for symbol_set in self.content_hashes]})


class FinishSymbolSetUpload(
    Endpoint,
    tool="error-tracking-symbol-sets-finish-upload-update",
    request="PUT symbol_sets/{id}/finish_upload/",
    destructive=False,
):
    """Complete (finalize) one single symbol set upload: confirm its file. A hash that PostHog already holds is kept."""

    id: SymbolSetId
    content_hash: Annotated[str, Shown("<hex SHA-512>")] = Field(
        min_length=1, description="Hex SHA-512.", examples=["cf83e1357eefb8bd..."]
    )

    advice = {**FinishSymbolSetUploads.advice}


class SymbolSetUpload(BaseModel):
    """One bundle whose symbols are to be uploaded."""

    model_config = ConfigDict(extra="forbid", defer_build=True, hide_input_in_errors=True)

    chunk_id: str = Field(min_length=1, description="The //# chunkId of the bundle.")
    release_id: RealUUID | None = None
    content_hash: FormattedText | None = Field(default=None, description="Hex SHA-512.")
    content_length: Annotated[int, Field(ge=0, le=MAX_FILE), BeforeValidator(refuse_boolean)] | None = Field(
        default=None, description="Bytes."
    )


_SHOWN_UPLOADS = Shown([{"chunk_id": "<chunk id>", "content_hash": "<hex SHA-512>"}])


class StartSymbolSetUploads(
    Endpoint,
    tool="error-tracking-symbol-sets-bulk-start-upload",
    request="POST symbol_sets/bulk_start_upload/",
    aliases=("error-tracking-symbol-sets-bulk-start-upload-create",),
    destructive=True,
    idempotent=False,
):
    """Begin (start) uploads of symbol sets: get a presigned URL and symbol_set_id per chunk, valid 5
    minutes; stored chunks are skipped. Then send the files; error-tracking-symbol-sets-bulk-finish-upload confirms
    them."""

    symbol_sets: Annotated[list[SymbolSetUpload] | None, _SHOWN_UPLOADS] = Field(
        default=None, examples=[[{"chunk_id": _EXAMPLE_ID, "content_hash": "cf83e1357eefb8bd..."}]]
    )
    # The old form: understood, but not worth a place in the schema.
    chunk_ids: SkipJsonSchema[list[Annotated[str, Field(min_length=1)]] | None] = None
    release_id: SkipJsonSchema[RealUUID | None] = None
    force: bool | None = Field(default=None, description="Overwrite differing content.")
    skip_on_conflict: bool | None = Field(default=None, description="Keep it instead.")

    unrecorded = ("presigned_url", "presigned_put_url")
    snapshot_is_object = False

    advice = {
        "content_hash_mismatch": "Nothing was started. Repeat with force: true to overwrite, or skip_on_conflict: true "
        "to keep what is stored.",
        "content_hash_required": "Nothing was started. Give the content_hash of that chunk in symbol_sets.",
        "release_id_mismatch": "Nothing was started. The stored set belongs to another release and force does not "
        "change that: leave release_id out for that chunk.",
        "invalid_release_id": "Nothing was started. Leave release_id out, or give a release UUID of the project.",
        "object_storage_required": "This PostHog has no object storage, so it takes no source maps: its administrator "
        "can set one up.",
    }

    def advice_on(self, code: str) -> str | None:
        if code == "content_hash_mismatch" and (self.force or self.skip_on_conflict):
            return (
                "Nothing was started. This PostHog is too old for force and skip_on_conflict (May 2026): leave that "
                "chunk out to keep what is stored, or delete its set with error-tracking-symbol-sets-destroy first."
            )
        return super().advice_on(code)

    @model_validator(mode="after")
    def arguments_agree(self) -> "StartSymbolSetUploads":
        """Refuses what would start nothing, or fail as a whole after the fact (contract 2.3)."""
        chunks = self._chunks()
        if not chunks:
            raise PydanticCustomError("nothing_to_start", "give symbol_sets: at least one chunk to upload")
        if self.force and self.skip_on_conflict:
            raise PydanticCustomError("both_flags", "give force or skip_on_conflict, not both")
        repeated = [chunk for chunk, times in Counter(chunks).items() if times > 1]
        if repeated:
            raise PydanticCustomError(
                "repeated_chunk", "chunk ids must differ, repeated: {chunks}", {"chunks": ", ".join(repeated[:5])}
            )
        return self

    def snapshot(self) -> Snapshot:
        """Read the sets of the chunks; not those of many chunks, for which the upload job needs fewer requests."""
        if len(self._chunks()) > _MOST_LOOKUPS:
            return {}
        found = list[Any]()
        for chunk in self._chunks():
            page = as_object((yield ListSymbolSets(ref=chunk, limit=1).request()))
            found += [row for row in as_objects(page.get("results")) if row.get("ref") == chunk]
        return {"results": found}

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        """Return the deletion of the started sets, if all of them are new: overwritten content does not come back."""
        started = as_object(after.get("id_map"))
        if (
            not started
            or "results" not in before
            or {row.get("ref") for row in as_objects(before.get("results"))} & set(started)
        ):
            return None
        return call_of(DeleteSymbolSets, {"ids": [as_object(one).get("symbol_set_id") for one in started.values()]})

    def _chunks(self) -> list[str]:
        return [upload.chunk_id for upload in self.symbol_sets or []] + (self.chunk_ids or [])

    def steps(self) -> Steps:
        answer = as_object((yield self.request()))
        uploads: Any = answer.get("id_map")
        if not isinstance(uploads, dict):
            return Outcome(answer, ["PostHog's answer names no uploads (id_map is missing)."])
        asked = self._chunks()
        skipped = [chunk for chunk in asked if chunk not in uploads]
        notes = list[str]()
        if uploads:
            notes.append(
                "Send each file without an Authorization header: PUT the bytes to presigned_put_url if there is one; "
                "else POST multipart/form-data to presigned_url.url: all its fields, then part file with a filename. "
                "Then call error-tracking-symbol-sets-bulk-finish-upload."
            )
        if skipped:
            notes.append("skipped: PostHog wants no upload for these chunks; it keeps what it has.")
        return Outcome({**answer, "skipped": skipped}, notes)


class CheckSymbolSetUploads(
    Endpoint,
    tool="error-tracking-symbol-sets-bulk-check-upload",
    request="POST symbol_sets/bulk_check_upload/",
    since="2026-09-11",
    older_status=403,
    aliases=("error-tracking-symbol-sets-bulk-check-upload-create",),
    idempotent=True,
):
    """Check before you upload which symbol files (chunks) the server already has, and list those it needs. Starts
    none."""

    symbol_sets: Annotated[list[SymbolSetUpload], _SHOWN_UPLOADS] = Field(
        min_length=1, max_length=1000, examples=[[{"chunk_id": _EXAMPLE_ID, "content_hash": "cf83e1357eefb8bd..."}]]
    )
    force: bool | None = None
    skip_on_conflict: bool | None = None

    advice = StartSymbolSetUploads.advice


ENDPOINTS = (
    ListSymbolSets,
    RetrieveSymbolSet,
    DeleteSymbolSet,
    DownloadSymbolSet,
    DeleteSymbolSets,
    FinishSymbolSetUploads,
    FinishSymbolSetUpload,
    StartSymbolSetUploads,
    CheckSymbolSetUploads,
)
