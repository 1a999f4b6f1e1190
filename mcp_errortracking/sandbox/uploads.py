"""The upload of symbol sets: start, files to object storage, finish (contract 2.3, 2.4, 6.1)."""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox import symbol_sets
from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id, now
from mcp_errortracking.sandbox.errors import BareError, ErrorAnswer, invalid, null, server_error
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.objects import MAX_BYTES
from mcp_errortracking.sandbox.store import Document

KIND = symbol_sets.KIND
_MAX_CHECKED = 1000


@dataclass(frozen=True, slots=True)
class Upload:
    """One chunk that a client wants to upload."""

    chunk_id: str
    release_id: str | None = None
    content_hash: str | None = None
    content_length: int | None = None


def bulk_start(call: Call) -> Response:
    fields = call.fields()
    uploads = _read_uploads(call, fields)
    force, skip = _boolean(fields, "force"), _boolean(fields, "skip_on_conflict")
    if not call.features.conflict_flags:
        force = skip = False
    _check_request(call, uploads, force=force, skip=skip)
    started = dict[str, Any]()
    for upload in uploads:
        symbol_set = _wanted(call, upload, force=force, skip=skip)
        if symbol_set is not None:
            started[upload.chunk_id] = _presigned(call, symbol_set, upload)
    return json_answer({"id_map": started}, 201)


def bulk_check(call: Call) -> Response:
    fields = call.fields()
    if "symbol_sets" not in fields:
        raise invalid("required", "This field is required.", "symbol_sets")
    uploads = _read_uploads(call, {"symbol_sets": fields["symbol_sets"]})
    if len(uploads) > _MAX_CHECKED:
        detail = f"Ensure this field has no more than {_MAX_CHECKED} elements."
        raise invalid("max_length", detail, "symbol_sets")
    force, skip = _boolean(fields, "force"), _boolean(fields, "skip_on_conflict")
    _check_request(call, uploads, force=force, skip=skip, storage_needed=False)
    wanted = list[str]()
    for upload in uploads:
        stored, needed = _decide(call, upload, force=force, skip=skip)
        joins_release = stored is not None and stored["release"] is None and upload.release_id is not None
        if needed or joins_release:
            wanted.append(upload.chunk_id)
        elif stored is not None:
            call.store.put(KIND, {**stored, "last_used": now()})
    return json_answer({"chunk_ids_to_upload": wanted})


def bulk_finish(call: Call) -> Response:
    fields = call.fields()
    if "content_hashes" in fields and fields["content_hashes"] is None:
        raise BareError(400, "content_hashes are required")
    hashes: Any = fields.get("content_hashes") or {}
    if not isinstance(hashes, dict):
        raise server_error()
    named = cast("dict[str, Any]", hashes)
    if not all(is_uuid(one) for one in named):
        raise server_error()
    if named:
        symbol_sets.check_storage(call)
    by_id = {str(uuid.UUID(one)): value for one, value in named.items()}
    found = [one for one_id in by_id if (one := call.store.get(KIND, call.project_id, one_id))]
    try:
        _finish(call, by_id, found)
    except ErrorAnswer as refusal:
        if not call.features.finish_keeps_rows:
            refusal.aftermath = lambda: [_delete(call, one) for one in found]
        raise
    return json_answer({"success": True}, 201)


def _finish(call: Call, hashes: Mapping[str, Any], found: list[Document]) -> None:
    unknown = sorted(set(hashes) - {one["id"] for one in found})
    if unknown and call.features.finish_keeps_rows:
        raise invalid("symbol_set_not_found", f"Unknown symbol set IDs: {', '.join(unknown)}")
    for symbol_set in found:
        _check_stored(call, symbol_set)
    for symbol_set in found:
        call.store.put(KIND, {**symbol_set, "content_hash": hashes[symbol_set["id"]], "failure_reason": None})


def finish(call: Call) -> Response:
    symbol_set, fields = find(call, KIND), call.fields()
    content_hash = fields.get("content_hash")
    if not content_hash:
        detail = "A content hash must be provided to complete symbol set upload."
        raise invalid("content_hash_required", detail)
    symbol_sets.check_storage(call)
    _check_stored(call, symbol_set)
    if symbol_set["content_hash"] is None:
        call.store.put(KIND, {**symbol_set, "content_hash": content_hash})
    return json_answer({"success": True})


def start(call: Call) -> Response:
    """Deprecated: one chunk, named in the query."""
    symbol_set = _by_query(call)
    url = call.objects.presigned_post(call.base, symbol_set["storage_ptr"])
    return json_answer({"presigned_url": url, "symbol_set_id": symbol_set["id"]}, 201)


def upload_directly(call: Call) -> Response:
    """Deprecated: one file, through the API itself."""
    content = call.upload or b""
    if len(content) > MAX_BYTES:
        raise invalid("file_too_large", "The uploaded symbol set file was too large.")
    symbol_set = _by_query(call)
    call.objects.put(symbol_set["storage_ptr"], content)
    return json_answer({"ok": True}, 201)


def _by_query(call: Call) -> Document:
    chunk_id, release_id = call.query.get("chunk_id"), call.query.get("release_id")
    if not chunk_id:
        raise BareError(400, "chunk_id query parameter is required")
    if release_id and _release(call, release_id) is None:
        raise server_error()
    upload = Upload(chunk_id, release_id)
    stored = _stored(call, chunk_id)
    if stored is not None:
        _bind_release(call, stored, upload)
    return _point_anew(call, stored, upload, last_used=None)


def _read_uploads(call: Call, fields: Mapping[str, Any]) -> list[Upload]:
    """Return the chunks of both lists, symbol_sets first; the checks are in the order of the serializer's fields."""
    uploads = list[Upload]()
    if "symbol_sets" in fields:
        uploads += _read_symbol_sets(fields["symbol_sets"])
    chunk_ids = _read_chunk_ids(fields["chunk_ids"]) if "chunk_ids" in fields else []
    release_id = fields.get("release_id")
    if release_id == "":
        raise invalid("blank", "This field may not be blank.", "release_id")
    uploads += [Upload(chunk_id, release_id) for chunk_id in chunk_ids]
    if not call.features.content_length:
        uploads = [Upload(upload.chunk_id, upload.release_id, upload.content_hash) for upload in uploads]
    return uploads


def _read_symbol_sets(value: Any) -> list[Upload]:
    if value is None:
        raise null("symbol_sets")
    if not isinstance(value, list):
        detail = f'Expected a list of items but got type "{type(value).__name__}".'
        raise invalid("not_a_list", detail, "symbol_sets__non_field_errors")
    elements = cast("list[Any]", value)
    problems = [_element_problem(element) for element in elements]
    if any(problems):
        # The error handler shows only the first element's errors, as the text of a Python object.
        name, message, code = problems[0] or ("", "", "")
        if not name:
            raise invalid("{}", "{}", "symbol_sets")
        detail = f"{{'{name}': [ErrorDetail(string='{message}', code='{code}')]}}"
        raise invalid(f"{{'{name}': ['{code}']}}", detail, "symbol_sets")
    return [
        Upload(
            str(element["chunk_id"]),
            element.get("release_id"),
            element.get("content_hash"),
            element.get("content_length"),
        )
        for element in elements
    ]


def _element_problem(element: Any) -> tuple[str, str, str] | None:
    if not isinstance(element, dict):
        message = f"Invalid data. Expected a dictionary, but got {type(element).__name__}."
        return "non_field_errors", message, "invalid"
    fields = cast("dict[str, Any]", element)
    if "chunk_id" not in fields:
        return "chunk_id", "This field is required.", "required"
    if fields["chunk_id"] is None:
        return "chunk_id", "This field may not be null.", "null"
    if not str(fields["chunk_id"]).strip():
        return "chunk_id", "This field may not be blank.", "blank"
    for name in ("release_id", "content_hash"):
        if fields.get(name) == "":
            return name, "This field may not be blank.", "blank"
    length = fields.get("content_length")
    if length is not None and (isinstance(length, bool) or not isinstance(length, int)):
        return "content_length", "A valid integer is required.", "invalid"
    if length is not None and length < 0:
        return "content_length", "Ensure this value is greater than or equal to 0.", "min_value"
    return None


def _read_chunk_ids(value: Any) -> list[str]:
    if value is None:
        raise null("chunk_ids")
    if not isinstance(value, list):
        detail = f'Expected a list of items but got type "{type(value).__name__}".'
        raise invalid("not_a_list", detail, "chunk_ids")
    chunk_ids = cast("list[Any]", value)
    for index, chunk_id in enumerate(chunk_ids):
        if not str(chunk_id).strip():
            raise invalid("blank", "This field may not be blank.", f"chunk_ids__{index}")
    return [str(chunk_id) for chunk_id in chunk_ids]


def _boolean(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if value is None:
        raise null(name)
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0", "yes", "no"):
        return value.lower() in ("true", "1", "yes")
    if value in (0, 1):
        return bool(value)
    raise invalid("invalid_input", "Must be a valid boolean.", name)


def _check_request(call: Call, uploads: list[Upload], *, force: bool, skip: bool, storage_needed: bool = True) -> None:
    if force and skip:
        raise invalid("invalid_conflict_handling", "Use either force or skip_on_conflict, not both.")
    if storage_needed:
        symbol_sets.check_storage(call)
    repeated = sorted(chunk for chunk, times in Counter(upload.chunk_id for upload in uploads).items() if times > 1)
    if repeated:
        raise invalid("invalid_chunk_ids", f"Duplicate chunk IDs provided: {', '.join(repeated)}")
    for upload in uploads:
        if upload.release_id is not None and not is_uuid(upload.release_id):
            raise invalid("invalid_release_id", f"Invalid release ID provided: {upload.release_id}")
        if upload.release_id is not None and _release(call, upload.release_id) is None:
            raise invalid("invalid_release_id", f"Unknown release ID provided: {upload.release_id}")
    large = [upload.chunk_id for upload in uploads if (upload.content_length or 0) > MAX_BYTES]
    if large:
        raise invalid("file_too_large", f"Symbol sets larger than 100MB cannot be uploaded: {', '.join(large)}")


def _wanted(call: Call, upload: Upload, *, force: bool, skip: bool) -> Document | None:
    """Return the row to upload to, created or moved to a new object; None if no upload is needed."""
    stored, needed = _decide(call, upload, force=force, skip=skip)
    if stored is not None:
        stored = {**_bind_release(call, stored, upload), "last_used": now()}
        call.store.put(KIND, stored)
    return _point_anew(call, stored, upload, last_used=now()) if needed else None


def _decide(call: Call, upload: Upload, *, force: bool, skip: bool) -> tuple[Document | None, bool]:
    """Return the stored set of a chunk, and True if it needs an upload (the table of contract 2.3)."""
    stored = _stored(call, upload.chunk_id)
    if stored is None:
        return None, True
    _bind_release(call, stored, upload)
    if stored["content_hash"] is None:
        return stored, True
    if upload.content_hash is None:
        detail = f"Symbol set {upload.chunk_id} already has content; provide a content_hash to update it."
        raise invalid("content_hash_required" if call.features.conflict_flags else "content_hash_mismatch", detail)
    if upload.content_hash == stored["content_hash"]:
        return stored, False
    if force or skip:
        return stored, force
    comma = "" if call.features.conflict_flags else ","
    detail = f"Symbol set {upload.chunk_id} already exists{comma} with different content."
    raise invalid("content_hash_mismatch", detail)


def _bind_release(call: Call, stored: Document, upload: Upload) -> Document:
    wanted = upload.release_id and str(uuid.UUID(upload.release_id))
    if wanted and stored["release"] not in (None, wanted):
        raise invalid("release_id_mismatch", f"Symbol set {upload.chunk_id} already has a release ID")
    return {**stored, "release": wanted or stored["release"]}


def _point_anew(call: Call, stored: Document | None, upload: Upload, *, last_used: str | None) -> Document:
    place = {"storage_ptr": f"symbolsets/{new_id()}", "content_hash": None}
    if stored is not None:
        symbol_set = {**_bind_release(call, stored, upload), **place}
        call.store.put(KIND, symbol_set)
        return symbol_set
    symbol_set: Document = {
        "id": new_id(),
        "ref": upload.chunk_id,
        "failure_reason": None,
        "last_used": last_used,
        "created_at": now(),
        "release": upload.release_id and str(uuid.UUID(upload.release_id)),
        **place,
    }
    call.store.add(KIND, call.project_id, symbol_set)
    return symbol_set


def _presigned(call: Call, symbol_set: Document, upload: Upload) -> dict[str, Any]:
    key = symbol_set["storage_ptr"]
    answer = {"presigned_url": call.objects.presigned_post(call.base, key), "symbol_set_id": symbol_set["id"]}
    if upload.content_length is not None:
        answer["presigned_put_url"] = call.objects.presigned_put(call.base, key, upload.content_length)
    return answer


def _check_stored(call: Call, symbol_set: Document) -> None:
    size = call.objects.size(symbol_set["storage_ptr"]) if symbol_set["storage_ptr"] else None
    if size is None:
        raise invalid("file_not_found", "No file has been uploaded for the symbol set.")
    if not 0 < size <= MAX_BYTES:
        # Its row and object go, even though the request fails.
        refusal = invalid("file_too_large", "The uploaded symbol set file was too large.")
        refusal.aftermath = lambda: _delete(call, symbol_set)
        raise refusal


def _delete(call: Call, symbol_set: Document) -> None:
    call.store.remove(KIND, call.project_id, symbol_set["id"])
    if symbol_set["storage_ptr"]:
        call.objects.delete(symbol_set["storage_ptr"])


def _stored(call: Call, chunk_id: str) -> Document | None:
    return call.store.find(KIND, call.project_id, chunk_id)


def _release(call: Call, release_id: str) -> Document | None:
    return call.store.get("release", call.project_id, uuid.UUID(release_id)) if is_uuid(release_id) else None


def touch(call: Call) -> Response:
    """PUT and PATCH of a symbol set: nothing changes."""
    return symbol_sets.retrieve(call)


ROUTES = [
    Route(
        "symbol_sets",
        {"GET": Action(symbol_sets.list_symbol_sets), "POST": Action(upload_directly, (WRITE,))},
    ),
    Route("symbol_sets/bulk_check_upload", {"POST": Action(bulk_check, (WRITE,), json_only=True)}, "bulk_check"),
    Route("symbol_sets/start_upload", {"POST": Action(start, (WRITE,))}),
    Route("symbol_sets/bulk_start_upload", {"POST": Action(bulk_start, (WRITE,), json_only=True)}),
    Route("symbol_sets/bulk_finish_upload", {"POST": Action(bulk_finish, (WRITE,), json_only=True)}),
    Route(
        "symbol_sets/{id}",
        {
            "GET": Action(symbol_sets.retrieve),
            "PUT": Action(touch, (WRITE,), since="symbol_set_updates"),
            "PATCH": Action(touch, (WRITE,), since="symbol_set_updates"),
            "DELETE": Action(symbol_sets.destroy, (WRITE,)),
        },
    ),
    Route("symbol_sets/{id}/finish_upload", {"PUT": Action(finish, (WRITE,))}),
]
