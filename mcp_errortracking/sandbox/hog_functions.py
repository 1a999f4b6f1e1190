"""Hog functions, as far as alerts of error tracking need them: `/api/projects/:id/hog_functions/` (contract 6.14)."""

import uuid
from typing import Any

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer, no_content
from mcp_errortracking.sandbox.clock import is_uuid, new_id, now
from mcp_errortracking.sandbox.errors import invalid, not_found
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "hog_function"
READ, WRITE = "hog_function:read", "hog_function:write"
_FIELDS = ("type", "name", "description", "enabled", "hog", "inputs_schema", "inputs", "filters", "masking")
_IN_LIST = (
    *("id", "type", "name", "description", "created_at", "created_by", "updated_at", "enabled", "filters"),
    *("icon_url", "template", "status", "execution_order"),
)
_MORE = ("mappings", "icon_url", "template_id", "execution_order")


def list_functions(call: Call) -> Response:
    found = [one for one in call.store.all(KIND, call.project_id) if not one["deleted"]]
    if types := call.query.get("type") or ("" if call.features.every_function else "destination"):
        found = [one for one in found if one["type"] in types.split(",")]
    if enabled := call.query.get("enabled"):
        found = [one for one in found if one["enabled"] == (enabled.lower() == "true")]
    if wanted := call.query.get("id"):
        found = [one for one in found if one["id"] == wanted]
    return json_answer(page(found, call.query, call.url, _show_in_list))


def retrieve(call: Call) -> Response:
    return json_answer(_show(_find(call)))


def create(call: Call) -> Response:
    fields = call.fields()
    stamp = now()
    defaults: Document = {
        "type": "destination",
        "description": "",
        "enabled": False,
        "inputs": {},
        "filters": {},
        "execution_order": None,
    }
    given = {name: fields[name] for name in (*_FIELDS, *_MORE) if name in fields}
    own = {"id": new_id(), "created_at": stamp, "updated_at": stamp, "deleted": False}
    function = {**defaults, **given, **own}
    call.store.add(KIND, call.project_id, function)
    return json_answer(_show(function), 201)


def update(call: Call) -> Response:
    function, fields = _find(call), call.fields()
    if fields.get("base_updated_at") not in (None, function["updated_at"]):
        raise invalid("conflict", "The function was changed by someone else since it was read.", "base_updated_at")
    if fields.get("type", function["type"]) != function["type"]:
        raise invalid("invalid_input", "Cannot modify the type of an existing function", "type")
    changed = {name: fields[name] for name in (*_FIELDS, *_MORE, "deleted") if name in fields and name != "template_id"}
    changed |= {"filters": changed["filters"] or {}} if "filters" in changed else {}
    call.store.put(KIND, {**function, **changed, "updated_at": now()})
    return json_answer(_show(_find(call, deleted=True)))


def destroy(call: Call) -> Response:
    function = _find(call)
    call.store.put(KIND, {**function, "deleted": True})
    return no_content()


def _show(function: Document) -> Document:
    """Return a function as it is read: its template as an object, though it is written as `template_id`."""
    shown = {name: value for name, value in function.items() if name not in ("deleted", "template_id")}
    template = function.get("template_id")
    return {"created_by": None, "icon_url": None, "status": None, **shown, "template": template and {"id": template}}


def _show_in_list(function: Document) -> Document:
    shown = _show(function)
    return {name: shown[name] for name in _IN_LIST if name in shown}


def _find(call: Call, *, deleted: bool = False) -> Document:
    wanted = call.parameters["id"]
    found: Any = call.store.get(KIND, call.project_id, uuid.UUID(wanted)) if is_uuid(wanted) else None
    if found is None or (found["deleted"] and not deleted):
        raise not_found()
    return found


ROUTES = [
    Route("hog_functions", {"GET": Action(list_functions, (READ,)), "POST": Action(create, (WRITE,))}),
    Route(
        "hog_functions/{id}",
        {
            "GET": Action(retrieve, (READ,)),
            "PATCH": Action(update, (WRITE,)),
            "DELETE": Action(destroy, (WRITE,)),
        },
    ),
]
