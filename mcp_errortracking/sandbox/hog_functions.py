"""Hog functions, as far as alerts of error tracking need them: `/api/projects/:id/hog_functions/` (contract 6.14)."""

import json
import math
import uuid
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id, now
from mcp_errortracking.sandbox.errors import HogError, invalid, not_found
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
    query = call.query
    found = [one for one in call.store.all(KIND, call.project_id) if not one["deleted"]]
    if types := query.get("type") or ("" if call.features.every_function else "destination"):
        found = [one for one in found if one["type"] in types.split(",")]
    if enabled := query.get("enabled"):
        wanted = [word.strip().lower() == "true" for word in enabled.split(",")]
        found = [one for one in found if one["enabled"] in wanted]
    if wanted_id := query.get("id"):
        found = [one for one in found if one["id"] == wanted_id]
    if search := query.get("search", "").lower():
        found = [one for one in found if search in f"{one['name']}\n{one['description']}".lower()]
    if filters := _json(query.get("filters"), "filters"):
        found = [one for one in found if _contains(one["filters"], filters)]
    groups = _json(query.get("filter_groups"), "filter_groups")
    if isinstance(groups, list) and groups:
        found = [one for one in found if any(_contains(one["filters"], group) for group in cast("list[Any]", groups))]
    found.sort(key=lambda one: one["updated_at"], reverse=True)
    found.sort(key=lambda one: one["execution_order"] if one["execution_order"] is not None else math.inf)
    show = _show if query.get("full", "").lower() in ("true", "1") else _show_in_list
    return json_answer(page(found, query, call.url, show))


def _json(text: str | None, name: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise invalid("invalid_input", f"Invalid {name}", name) from None


def _contains(held: Any, wanted: Any) -> bool:
    """True if a value contains another as PostgreSQL's JSON does: named keys, and each element of a list somewhere."""
    if isinstance(wanted, dict):
        pairs = cast("Document", wanted).items()
        return isinstance(held, dict) and all(name in held and _contains(held[name], one) for name, one in pairs)
    if isinstance(wanted, list):
        items = cast("list[Any]", held) if isinstance(held, list) else None
        return items is not None and all(
            any(_contains(item, one) for item in items) for one in cast("list[Any]", wanted)
        )
    return held == wanted and isinstance(held, bool) == isinstance(wanted, bool)


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
    fields = call.fields()
    function = _find(call, deleted=fields.get("deleted") is False)
    if fields.get("base_updated_at") not in (None, function["updated_at"]):
        raise HogError(409, "invalid_request", "conflict", "The function was changed since it was read.")
    if fields.get("type", function["type"]) != function["type"]:
        raise invalid("invalid_input", "Cannot modify the type of an existing function", "type")
    changed = {name: fields[name] for name in (*_FIELDS, *_MORE, "deleted") if name in fields and name != "template_id"}
    changed |= {"filters": changed["filters"] or {}} if "filters" in changed else {}
    call.store.put(KIND, {**function, **changed, "updated_at": now()})
    return json_answer(_show(_find(call, deleted=True)))


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
        },
    ),
]
