"""The destinations and filters of an alert, which PostHog checks below its fields (contract 6.14)."""

from typing import Any, cast

from mcp_errortracking.sandbox.call import Call
from mcp_errortracking.sandbox.clock import new_id, now
from mcp_errortracking.sandbox.compilation import compiles
from mcp_errortracking.sandbox.errors import invalid
from mcp_errortracking.sandbox.store import Document

UNDELIVERED: Document = {
    "last_delivered_at": None,
    "last_failure_at": None,
    "last_error": "",
    "consecutive_failures": 0,
}
_UNSUPPORTED = ("actions", "filter_test_accounts")


def read_destinations(call: Call, given: list[Document], held: list[Document]) -> list[Document]:
    """Return the destinations of an alert; those that it has already keep their id and history.

    Raises:
        ErrorAnswer: 400.
    """
    known = {_identity(one): one for one in held} if call.features.alert_history else {}
    stamp = now()
    read = list[Document]()
    for one in given:
        config: Any = one.get("config", {})
        _check_destination(call, one.get("integration_id"), config)
        fresh: Document = {"id": new_id(), **UNDELIVERED, "created_at": stamp, "updated_at": stamp}
        own: Document = {"channel_type": "slack", "integration_id": one.get("integration_id"), "config": config}
        read.append({**known.get(_identity(own), fresh), **own})
    if len({_identity(one) for one in read}) < len(read):
        raise invalid("invalid_input", "Duplicate destinations are not allowed.")
    return read


def _identity(destination: Document) -> tuple[Any, ...]:
    return destination["channel_type"], destination["integration_id"], destination["config"].get("channel")


def _check_destination(call: Call, integration_id: Any, config: Any) -> None:
    if not isinstance(config, dict):
        raise invalid("invalid_input", "Destination config must be an object.")
    fields = cast("Document", config)
    if integration_id is None:
        raise invalid("invalid_input", "Slack destinations require an integration.")
    integration = call.store.get("integration", call.project_id, integration_id)
    if integration is None or integration["kind"] != "slack":
        raise invalid("invalid_input", "Slack integration not found for this project.")
    if not isinstance(fields.get("channel"), str) or not fields["channel"]:
        article = "a channel id string" if call.features.alert_history else "a channel"
        raise invalid("invalid_input", f"Slack destinations require {article} in the config.")
    if not isinstance(fields.get("reply_broadcast", False), bool):
        raise invalid("invalid_input", "reply_broadcast must be a boolean.")


def check_alert_filters(filters: Any) -> None:
    """Refuse filters that alerts do not support.

    Raises:
        ErrorAnswer: 400.
    """
    if not isinstance(filters, dict):
        raise invalid("invalid_input", "Alert filters must be an object.")
    fields = cast("Document", filters)
    if present := [name for name in _UNSUPPORTED if name in fields]:
        raise invalid("invalid_input", f"Alert filters do not support {', '.join(present)}.")
    for event in cast("list[Document]", fields.get("events") or []):
        if event.get("type") != "events":
            detail = f"Alert event filters must have type events, got: {event.get('type')}."
            raise invalid("invalid_input", detail)
    properties: Any = fields.get("properties", [])
    if not isinstance(properties, list):
        raise invalid("invalid_input", "Alert property filters must be a list.")
    for one in cast("list[Any]", properties):
        if not isinstance(one, dict) or "key" not in one:
            raise invalid("invalid_input", "Each alert property filter must be an object with a key.")
    for one in cast("list[Document]", properties):
        kind = one.get("type", "event")
        if kind != "event" or not compiles(one):
            why = (
                f"type {kind} is not supported"
                if kind != "event"
                else f"operator {one.get('operator')} with this value"
            )
            raise invalid("invalid_input", f"Invalid filter configuration: {why}")
