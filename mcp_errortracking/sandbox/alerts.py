"""Alerts of error tracking as resources of their own (contract 6.14). PostHog has them behind a feature flag."""

from collections.abc import Callable
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.alert_parts import UNDELIVERED, check_alert_filters, read_destinations
from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer, no_content
from mcp_errortracking.sandbox.clock import is_uuid, new_id, now
from mcp_errortracking.sandbox.errors import forbidden, invalid, not_found, null, required
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.rules import integer
from mcp_errortracking.sandbox.store import Document

KIND = "alert"
_TRIGGERS = ("issue_created", "issue_reopened", "issue_spiking", "issue_assigned")
_BYTECODE = ["_H", 1, 29]
"""Stands for the compiled filters: a program of PostHog's machine that is always true."""
_MAX_NAME = 400
_MAX_THROTTLE = 30 * 24 * 60 * 60
_OLD_MAX_THROTTLE = 2**31 - 1


def list_alerts(call: Call) -> Response:
    newest_first = sorted(call.store.all(KIND, call.project_id), key=lambda one: one["created_at"])[::-1]
    return json_answer(page(newest_first, call.query, call.url, lambda one: show(call, one)))


def show(call: Call, alert: Document) -> Document:
    """Return an alert as this server shows it."""
    known = ("id", "channel_type", "integration_id", "config")
    if call.features.alert_history:
        known = (*known, *UNDELIVERED, "created_at", "updated_at")
    destinations = [{name: one[name] for name in known} for one in alert["destinations"]]
    filters = {**alert["filters"], "bytecode": _BYTECODE} if alert["filters"] else {}
    return {**alert, "filters": filters, "destinations": destinations}


def retrieve(call: Call) -> Response:
    return json_answer(show(call, _find(call)))


def create(call: Call) -> Response:
    stamp = now()
    own = {"id": new_id(), "created_at": stamp, "updated_at": stamp}
    alert = _ordered({**_whole(call, []), **own})
    call.store.add(KIND, call.project_id, alert)
    return json_answer(show(call, alert), 201)


def update(call: Call) -> Response:
    held = _find(call)
    changed = _read(call, call.fields(), held["destinations"])
    return _changed(call, held, changed)


def replace(call: Call) -> Response:
    held = _find(call)
    return _changed(call, held, _whole(call, held["destinations"]))


def _changed(call: Call, held: Document, changed: Document) -> Response:
    stamp = {"updated_at": now()} if changed else {}
    alert = _ordered({**held, **changed, **stamp})
    call.store.put(KIND, alert)
    return json_answer(show(call, alert))


def destroy(call: Call) -> Response:
    call.store.remove(KIND, call.project_id, _find(call)["id"])
    return no_content()


def _find(call: Call) -> Document:
    """Return the alert of the path. An id that is not a UUID is unknown here."""
    if not is_uuid(call.parameters["id"]):
        raise not_found()
    return find(call, KIND)


def _whole(call: Call, held: list[Document]) -> Document:
    """Return the fields of a whole alert, with its defaults."""
    fields = call.fields()
    for name in ("name", "triggers", "destinations"):
        if name not in fields:
            raise required(name)
    defaults: Document = {"enabled": True, "filters": {}, "throttle_seconds": 0}
    return {**defaults, **_read(call, fields, held)}


def _ordered(alert: Document) -> Document:
    names = ("id", "name", "enabled", "triggers", "filters", "throttle_seconds", "destinations")
    return {name: alert[name] for name in (*names, "created_at", "updated_at")}


def _read(call: Call, fields: Document, held: list[Document]) -> Document:
    read: Document = {}
    for name in ("name", "enabled", "triggers", "filters", "throttle_seconds", "destinations"):
        if name not in fields:
            continue
        value: Any = fields[name]
        if value is None:
            raise null(name)
        read[name] = _FIELDS[name](value)
    most = _MAX_THROTTLE if call.features.alert_history else _OLD_MAX_THROTTLE
    if read.get("throttle_seconds", 0) > most:
        raise invalid("max_value", f"Ensure this value is less than or equal to {most}.", "throttle_seconds")
    # Below the fields, everything else.
    if "destinations" in read:
        read["destinations"] = read_destinations(call, read["destinations"], held)
    if "filters" in read:
        check_alert_filters(read["filters"])
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


def _throttle(value: Any) -> int:
    return integer(value, "throttle_seconds", least=0)


def _destinations(value: Any) -> list[Document]:
    given = _list(value, "destinations")
    for index, one in enumerate(given):
        kind = cast("Document", one).get("channel_type") if isinstance(one, dict) else None
        if kind != "slack":
            raise invalid("invalid_choice", f'"{kind}" is not a valid choice.', f"destinations__{index}__channel_type")
    return given


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
    "filters": lambda value: value,
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
    Route("alerts", {"GET": Action(_gated(list_alerts)), "POST": Action(_gated(create), (WRITE,))}, "newest_paths"),
    Route(
        "alerts/{id}",
        {
            "GET": Action(_gated(retrieve)),
            "PATCH": Action(_gated(update), (WRITE,)),
            "PUT": Action(_gated(replace), (WRITE,)),
            "DELETE": Action(_gated(destroy), (WRITE,)),
        },
        "newest_paths",
    ),
]
