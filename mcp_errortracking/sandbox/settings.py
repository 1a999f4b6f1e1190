"""Settings of a project: rate limits and spike detection (contract 6.10, 6.11); and the spikes seen."""

import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import invalid
from mcp_errortracking.sandbox.history import iso
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.rules import integer
from mcp_errortracking.sandbox.store import Document

_RATE_LIMITS: Document = {
    "project_rate_limit_value": None,
    "project_rate_limit_bucket_size_minutes": None,
    "per_issue_rate_limit_value": None,
    "per_issue_rate_limit_bucket_size_minutes": None,
}
_SPIKES: Document = {"snooze_duration_minutes": 10, "multiplier": 10, "threshold": 500}
_AUTO_RESOLVE, _MAX_DAYS = "auto_resolve_after_days", 365
_SPIKE = ("id", "issue", "detected_at", "computed_baseline", "current_bucket_value")
_ORDERS = ("detected_at", "computed_baseline", "current_bucket_value")


def _held(call: Call, name: str, defaults: Document) -> Document:
    found = call.store.get("project_setting", call.project_id, f"{name}-{call.project_id}")
    return {**defaults, **(found["values"] if found else {})}


def _hold(call: Call, name: str, values: Document) -> None:
    document = {"id": f"{name}-{call.project_id}", "values": values}
    if call.store.get("project_setting", call.project_id, document["id"]) is None:
        call.store.add("project_setting", call.project_id, document)
    else:
        call.store.put("project_setting", document)


def _changed(call: Call, held: Document, *, null_allowed: bool) -> Document:
    changed = dict(held)
    for name, value in call.fields().items():
        if name not in held:
            continue
        changed[name] = None if value is None and null_allowed else integer(value, name, least=1)
        if name == _AUTO_RESOLVE and (changed[name] or 0) > _MAX_DAYS:
            raise invalid("max_value", f"Ensure this value is less than or equal to {_MAX_DAYS}.", name)
    return changed


def _rate_limits(call: Call) -> Document:
    defaults = {**_RATE_LIMITS, _AUTO_RESOLVE: None} if call.features.auto_resolve else _RATE_LIMITS
    held = _held(call, "settings", defaults)
    return {name: held[name] for name in defaults}


def retrieve_settings(call: Call) -> Response:
    return json_answer(_rate_limits(call))


def update_settings(call: Call) -> Response:
    changed = _changed(call, _rate_limits(call), null_allowed=True)
    _hold(call, "settings", changed)
    return json_answer(changed)


def retrieve_spikes(call: Call) -> Response:
    return json_answer(_held(call, "spikes", _SPIKES))


def update_spikes(call: Call) -> Response:
    changed = _changed(call, _held(call, "spikes", _SPIKES), null_allowed=False)
    _hold(call, "spikes", changed)
    return json_answer(changed)


def list_spikes(call: Call) -> Response:
    query = call.query
    order = query.get("order_by", "").strip() or "-detected_at"
    if order.removeprefix("-") not in _ORDERS:
        raise invalid("invalid_choice", f'"{order}" is not a valid choice.', "order_by")
    spikes = call.store.all("spike", call.project_id)
    ids = [one.strip() for one in query.get("issue_ids", "").split(",") if one.strip()]
    if not all(map(is_uuid, ids)):
        raise invalid("invalid_input", "Must be a valid UUID.", "issue_ids")
    if ids:
        wanted = [str(uuid.UUID(one)) for one in ids]
        spikes = [one for one in spikes if one["issue"]["id"] in wanted]
    if since := query.get("date_from"):
        begin = _time(since, "date_from")
        spikes = [one for one in spikes if one["detected_at"] >= begin]
    if until := query.get("date_to"):
        end = _time(until, "date_to")
        spikes = [one for one in spikes if one["detected_at"] <= end]

    def key(one: Document) -> Any:
        return one[order.removeprefix("-")]

    spikes.sort(key=key, reverse=order.startswith("-"))
    return json_answer(page(spikes, query, call.url, lambda one: {name: one[name] for name in _SPIKE}))


def _time(text: str, name: str) -> str:
    """Return a time in ISO 8601 as PostHog writes it; relative ones are refused here."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("invalid_input", f"Invalid date: {text}", name) from None
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


ROUTES = [
    Route("settings/retrieve_settings", {"GET": Action(retrieve_settings)}, "issue_queries"),
    Route("settings/update_settings", {"PATCH": Action(update_settings, (WRITE,))}, "issue_queries"),
    Route("spike_detection_config", {"GET": Action(retrieve_spikes)}, "issue_queries"),
    Route("spike_detection_config/update_config", {"PATCH": Action(update_spikes, (WRITE,))}, "issue_queries"),
    Route("spike_events", {"GET": Action(list_spikes)}, "issue_queries"),
]
