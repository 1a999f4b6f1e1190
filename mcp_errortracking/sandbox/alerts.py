"""Alerts of error tracking as resources of their own (contract 6.14). PostHog has them behind a feature flag."""

from collections.abc import Callable
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer, no_content
from mcp_errortracking.sandbox.clock import new_id, now
from mcp_errortracking.sandbox.errors import forbidden, invalid, null, required
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.rules import integer
from mcp_errortracking.sandbox.store import Document

KIND = "alert"
_TRIGGERS = ("issue_created", "issue_reopened", "issue_spiking", "issue_assigned")
_MAX_NAME = 400
_MAX_THROTTLE = 2**31 - 1


def list_alerts(call: Call) -> Response:
    return json_answer(page(call.store.all(KIND, call.project_id), call.query, call.url, lambda one: one))


def retrieve(call: Call) -> Response:
    return json_answer(find(call, KIND))


def create(call: Call) -> Response:
    fields = call.fields()
    for name in ("name", "triggers", "destinations"):
        if name not in fields:
            raise required(name)
    stamp = now()
    defaults: Document = {"enabled": True, "filters": {}, "throttle_seconds": 0}
    own = {"id": new_id(), "created_at": stamp, "updated_at": stamp}
    alert = _ordered({**defaults, **_read(fields), **own})
    call.store.add(KIND, call.project_id, alert)
    return json_answer(alert, 201)


def update(call: Call) -> Response:
    changed = _read(call.fields())
    alert = _ordered({**find(call, KIND), **changed, "updated_at": now()})
    call.store.put(KIND, alert)
    return json_answer(alert)


def destroy(call: Call) -> Response:
    call.store.remove(KIND, call.project_id, find(call, KIND)["id"])
    return no_content()


def _ordered(alert: Document) -> Document:
    names = ("id", "name", "enabled", "triggers", "filters", "throttle_seconds", "destinations")
    return {name: alert[name] for name in (*names, "created_at", "updated_at")}


def _read(fields: Document) -> Document:
    read: Document = {}
    for name in ("name", "enabled", "triggers", "filters", "throttle_seconds", "destinations"):
        if name not in fields:
            continue
        value: Any = fields[name]
        if value is None:
            raise null(name)
        read[name] = _FIELDS[name](value)
    return read


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid("invalid_input", "Not a valid string.", "name")
    if not value.strip():
        raise invalid("blank", "This field may not be blank.", "name")
    if len(value) > _MAX_NAME:
        raise invalid("max_length", f"Ensure this field has no more than {_MAX_NAME} characters.", "name")
    return value


def _enabled(value: Any) -> bool:
    if not isinstance(value, bool):
        raise invalid("invalid_input", "Must be a valid boolean.", "enabled")
    return value


def _triggers(value: Any) -> list[str]:
    given = _list(value, "triggers")
    for index, one in enumerate(given):
        if one not in _TRIGGERS:
            raise invalid("invalid_choice", f'"{one}" is not a valid choice.', f"triggers__{index}")
    return given


def _filters(value: Any) -> Document:
    if not isinstance(value, dict):
        raise invalid("invalid_input", "Expected a JSON object.", "filters")
    return cast("Document", value)


def _throttle(value: Any) -> int:
    seconds = integer(value, "throttle_seconds", least=0)
    if seconds > _MAX_THROTTLE:
        detail = f"Ensure this value is less than or equal to {_MAX_THROTTLE}."
        raise invalid("max_value", detail, "throttle_seconds")
    return seconds


def _destinations(value: Any) -> list[Document]:
    read = list[Document]()
    for index, one in enumerate(_list(value, "destinations")):
        given = cast("Document", one) if isinstance(one, dict) else {}
        if given.get("channel_type") != "slack":
            detail = f'"{given.get("channel_type")}" is not a valid choice.'
            raise invalid("invalid_choice", detail, f"destinations__{index}__channel_type")
        config: Any = given.get("config") or {}
        own: Document = {"channel_type": "slack", "integration_id": given.get("integration_id"), "config": config}
        read.append({"id": new_id(), **own})
    return read


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise invalid("not_a_list", f'Expected a list of items but got type "{type(value).__name__}".', name)
    if not value:
        raise invalid("empty", "This list may not be empty.", name)
    return cast("list[Any]", value)


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "enabled": _enabled,
    "triggers": _triggers,
    "filters": _filters,
    "throttle_seconds": _throttle,
    "destinations": _destinations,
}


def _gated(view: Callable[[Call], Response]) -> Callable[[Call], Response]:
    def gated(call: Call) -> Response:
        if not call.features.alerts:
            raise forbidden("This feature is not available.")
        return view(call)

    return gated


ROUTES = [
    Route("alerts", {"GET": Action(_gated(list_alerts)), "POST": Action(_gated(create), (WRITE,))}, "alert_paths"),
    Route(
        "alerts/{id}",
        {
            "GET": Action(_gated(retrieve)),
            "PATCH": Action(_gated(update), (WRITE,)),
            "PUT": Action(_gated(update), (WRITE,)),
            "DELETE": Action(_gated(destroy), (WRITE,)),
        },
        "alert_paths",
    ),
]
