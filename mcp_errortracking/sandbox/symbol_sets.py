"""Symbol sets other than their upload (contract 2.1, 2.2, 6.1).

A document holds: id, ref, storage_ptr, content_hash, failure_reason, last_used, created_at, release (an id). A set is
missing without `storage_ptr`, pending without `content_hash`, else complete.
"""

import uuid
from collections.abc import Mapping
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer, no_content
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import BareError, ErrorAnswer, invalid, server_error
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "symbol_set"
_MAX_LIMIT = 100
_STATUSES = ("all", "valid", "invalid")
_ORDERS = ("created_at", "-created_at", "ref", "-ref", "last_used", "-last_used")


def show(call: Call, symbol_set: Document) -> Document:
    """Return a symbol set as this server shows it."""
    release = symbol_set["release"] and call.store.get("release", call.project_id, symbol_set["release"])
    head = {"id": symbol_set["id"], "ref": symbol_set["ref"], "team_id": call.project_id}
    head["created_at"] = symbol_set["created_at"]
    pointer, reason = symbol_set["storage_ptr"], symbol_set["failure_reason"]
    if not call.features.has_uploaded_file:
        return {**head, "storage_ptr": pointer, "failure_reason": reason}
    state = {"last_used": symbol_set["last_used"], "failure_reason": reason, "has_uploaded_file": pointer is not None}
    return {**head, **state, "release": release}


def list_symbol_sets(call: Call) -> Response:
    sets = call.store.all(KIND, call.project_id)
    query = call.query if call.features.has_uploaded_file else _old_query(call.query)
    for name in ("ref", "search"):
        if query.get(name) == "":
            raise invalid("blank", "This field may not be blank.", name)
    status, order = query.get("status", "all"), query.get("order_by", "-created_at")
    for name, value, known in (("status", status, _STATUSES), ("order_by", order, _ORDERS)):
        if value not in known:
            raise invalid("invalid_choice", f'"{value}" is not a valid choice.', name)
    if status != "all":
        sets = [one for one in sets if (one["storage_ptr"] is not None) == (status == "valid")]
    if ref := query.get("ref"):
        sets = [one for one in sets if one["ref"] == ref]
    if search := query.get("search"):
        sets = [one for one in sets if search.lower() in _searchable(call, one)]
    field = order.removeprefix("-")
    sets.sort(key=lambda one: one["id"])
    sets.sort(key=lambda one: one[field] or "", reverse=order.startswith("-"))
    answer = page(sets, query, call.url, lambda one: show(call, one), max_limit=_MAX_LIMIT)
    if call.features.optional_count and query.get("include_count", "true").lower() in ("false", "0"):
        answer["count"] = None
    return json_answer(answer)


def _old_query(query: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of a query that older servers read: page, status and order."""
    known = {"status": _STATUSES, "order_by": ("created_at", "-created_at", "ref", "-ref")}
    return {name: value for name, value in query.items() if name in ("limit", "offset") or value in known.get(name, ())}


def _searchable(call: Call, symbol_set: Document) -> str:
    release = call.store.get("release", call.project_id, symbol_set["release"]) if symbol_set["release"] else None
    words: list[str] = [symbol_set["ref"]]
    if release is not None:
        metadata: dict[str, Any] = release["metadata"] or {}
        git: dict[str, Any] = metadata.get("git") or {}
        words += [release["version"], release["project"], str(git.get("commit_id", ""))]
    return "\n".join(words).lower()


def retrieve(call: Call) -> Response:
    return json_answer(show(call, find(call, KIND)))


def destroy(call: Call) -> Response:
    symbol_set = find(call, KIND)
    try:
        check_storage(call)
    except ErrorAnswer as refusal:  # it finds out after the row is gone
        refusal.aftermath = lambda: call.store.remove(KIND, call.project_id, symbol_set["id"])
        raise
    call.store.remove(KIND, call.project_id, symbol_set["id"])
    for frame in call.store.all("stack_frame", call.project_id):
        if frame["symbol_set_ref"] == symbol_set["ref"] and not frame["resolved"]:
            call.store.remove("stack_frame", call.project_id, frame["id"])
    if symbol_set["storage_ptr"]:
        call.objects.delete(symbol_set["storage_ptr"])
    return no_content()


def check_storage(call: Call) -> None:
    """Refuse an action that needs object storage, if the server has none."""
    if not call.features.object_storage:
        detail = "Object storage must be available to allow source map uploads."
        raise invalid("object_storage_required", detail)


def download(call: Call) -> Response:
    symbol_set = find(call, KIND)
    if symbol_set["storage_ptr"] is None:
        raise BareError(404, "Symbol set has no uploaded file.")
    if not call.features.object_storage:
        raise BareError(500, "Could not generate download URL.")
    return json_answer({"url": call.objects.presigned_get(call.base, symbol_set["storage_ptr"])})


def bulk_delete(call: Call) -> Response:
    if call.body is not None and not isinstance(call.body, dict):
        raise server_error()
    ids: Any = call.fields().get("ids")
    if not ids:
        raise BareError(400, "ids is required")
    if not isinstance(ids, list):
        raise BareError(400, "ids must be a list")
    wanted = cast("list[Any]", ids)
    if not all(is_uuid(one) for one in wanted):
        raise server_error()
    # The stored objects and the frames stay: only the single delete takes them along.
    deleted = sum(call.store.remove(KIND, call.project_id, one) for one in {uuid.UUID(str(one)) for one in wanted})
    return json_answer({"deleted": deleted})


EXTRA_ROUTES = [
    Route("symbol_sets/bulk_delete", {"POST": Action(bulk_delete, (WRITE,), json_only=True)}, "symbol_set_extras"),
    Route("symbol_sets/{id}/download", {"GET": Action(download)}, "symbol_set_extras"),
]
