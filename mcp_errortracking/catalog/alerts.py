"""Alerts: hog functions that an error-tracking event triggers (contract 6.14).

PostHog keeps alerts among all other hog functions, and its endpoints act on whichever id they get. Here each call looks
first: only hog functions with an error-tracking trigger are listed, changed or deleted.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Field, WithJsonSchema, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.declaration import FormattedText
from mcp_errortracking.catalog.endpoint import (
    PAGE,
    Endpoint,
    Outcome,
    Request,
    Steps,
    Verbatim,
    as_object,
    as_objects,
    call_of,
)
from mcp_errortracking.catalog.identifiers import AlertId
from mcp_errortracking.catalog.meanings import FIND_INTEGRATIONS, Means, Shown
from mcp_errortracking.catalog.paging import PAGES, Limit, Offset, note_on_offset, read_page

_READ = "hog_function:read"
_WRITE = "hog_function:write"
_PREFIX = "$error_tracking_issue_"
_UNKNOWN = "Find alerts with error-tracking-alerts-list."
_ALERT = "internal_destination"
_EXAMPLE: dict[str, Any] = {
    "source": "internal-events",
    "events": [{"id": "$error_tracking_issue_spiking", "type": "events"}],
}
_EVENT = {"type": "object", "properties": {"id": {"type": "string"}, "type": {"type": "string"}}, "required": ["id"]}
Filters = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "properties": {"events": {"type": "array", "items": _EVENT}}}),
]
"""Any object with a trigger (contract 6.14); the schema names the trigger alone."""
_BY_TRIGGER = {"events": [{"id": "$error_tracking_issue_created"}]}
_BY_ID = {"type": "object", "properties": {"id": {"type": "string"}}}
_Trigger = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "properties": {"events": {"type": "array", "items": _BY_ID}}}),
]
"""Any part of the filters of alerts, as PostHog compares them (contract 6.14); the schema names a trigger alone."""
_INPUTS = {"slack_workspace": "integer", "channel": "string", "url": "string"}
Inputs = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                name: {"type": "object", "properties": {"value": {"type": kind}}} for name, kind in _INPUTS.items()
            },
        }
    ),
]
"""The inputs of any template; the schema names those of Slack and of webhooks."""
Type = Literal[
    "destination",
    "site_destination",
    "internal_destination",
    "source_webhook",
    "warehouse_source_webhook",
    "site_app",
    "transformation",
    "transformation_log",
    "legacy_destination",
]
TemplateId = Annotated[str, Field(min_length=1, max_length=400), Shown("template-slack")]
_NEEDED = {"template-slack": ("slack_workspace", "channel"), "template-webhook": ("url",)}
"""The inputs without which a template reaches nobody."""
_TEMPLATES = (*_NEEDED, *(f"template-{name}" for name in ("discord", "microsoft-teams", "linear", "github", "gitlab")))
_EVENTS = 'give filters: {"events": [{"id": "$error_tracking_issue_created", "type": "events"}]}'
_SLACK = (
    'give template_id template-slack and inputs: {"slack_workspace": {"value": <number of the Slack integration>}, '
    '"channel": {"value": <channel>}}'
)
_WEBHOOK = 'give template_id template-webhook and inputs: {"url": {"value": <address>}}'
_NAMES = {
    **dict.fromkeys(("trigger", "triggers", "event", "events", "event_type", "when", "condition"), _EVENTS),
    **dict.fromkeys(("channel", "slack_channel", "slack_workspace", "slack", "destination", "integration_id"), _SLACK),
    **dict.fromkeys(("webhook_url", "webhook", "url", "address"), _WEBHOOK),
    **dict.fromkeys(("template", "kind"), "template_id"),
    **dict.fromkeys(("disabled", "active", "paused", "is_enabled"), "give enabled: true or false"),
}
_SHOWN = Shown({"events": [{"id": "$error_tracking_issue_created", "type": "events"}]})
_SHOWN_INPUTS = Shown(
    {"slack_workspace": {"value": "<number of the Slack integration>"}, "channel": {"value": "<channel>"}}
)


def triggers(function: dict[str, Any]) -> list[str]:
    """Return the error-tracking events that trigger a hog function; empty if it is not an alert."""
    filters = as_object(function.get("filters"))
    events: Any = filters.get("events")
    found = cast("list[Any]", events) if isinstance(events, list) else []
    ids = [str(as_object(event).get("id")) for event in found]
    return [name.removeprefix("$error_tracking_") for name in ids if name.startswith(_PREFIX)]


class ListAlerts(Endpoint, tool="error-tracking-alerts-list", request="GET /hog_functions/", scope=_READ):
    """Show the alerts set up: who gets notifications of issues created, reopened, assigned or spiking."""

    limit: Limit | None = None
    offset: Offset | None = None
    enabled: bool | None = None
    filters: Annotated[_Trigger, _SHOWN] | None = Field(default=None, examples=[_BY_TRIGGER])
    # Understood, as PostHog's own client sends them, but not worth an agent's tokens.
    type: SkipJsonSchema[list[Type] | Type | None] = None
    id: SkipJsonSchema[str | None] = None
    created_at: SkipJsonSchema[FormattedText | None] = None
    created_by: SkipJsonSchema[int | None] = None
    updated_at: SkipJsonSchema[FormattedText | None] = None

    meant = {
        **PAGES,
        **dict.fromkeys(("search", "query", "name"), "this list has no such filter; read its rows"),
        **dict.fromkeys(("trigger", "triggers", "event", "events"), _EVENTS),
    }

    def request(self) -> Request:
        sent = super().request()
        # Without a type, older servers list destinations only, and newer ones all other hog functions too.
        query = {"type": _ALERT, **(sent.query or {})}
        if "enabled" in query:
            query["enabled"] = str(query["enabled"]).lower()
        if filters := query.pop("filters", None):
            query["filters"] = json.dumps(filters)
        if isinstance(query.get("type"), list):
            query["type"] = ",".join(query["type"]) or _ALERT
        return Request(sent.method, sent.path, query=query)

    def steps(self) -> Steps:
        page = read_page((yield self.request()))
        functions = as_objects(page.get("results"))
        alerts = [one for one in functions if triggers(one)]
        others = len(functions) - len(alerts)
        notes = [f"Hog functions on this page that are not error-tracking alerts: {others}."] if others else []
        notes += note_on_offset(page, self.offset)
        shown = [
            {
                **{name: one.get(name) for name in ("id", "name", "enabled", "type")},
                "template_id": as_object(one.get("template")).get("id") or one.get("template_id"),
                "triggers": ", ".join(triggers(one)),
                **{name: one[name] for name in ("status", "description") if one.get(name) not in (None, "")},
                **_other_filters(one),
                "created_at": one.get("created_at"),
                "updated_at": _verbatim(one.get("updated_at")),
            }
            for one in alerts
        ]
        is_whole = not self.offset and page.get("next_offset") is None
        answer = {**page, "count": len(alerts) if is_whole else None, "results": alerts}
        return Outcome(answer, notes, display={**answer, "results": shown}, page=PAGE)


_TYPES = {
    "slack": _SLACK,
    "webhook": _WEBHOOK,
    **dict.fromkeys(("email", "discord", "teams"), "leave type out, and give template_id and inputs"),
}


_SECRETS = ("inputs", "mappings", "hog")
"""Members that may hold addresses of webhooks and tokens of other services."""


class CreateAlert(Endpoint, tool="error-tracking-alerts-create", request="POST /hog_functions/", scope=_WRITE):
    """Create an alert: notify Slack or post to a webhook (Discord, PagerDuty ...) about issues. filters.events names
    the trigger: $error_tracking_issue_created (new), _reopened, _spiking or _assigned. First confirm the channel with
    the user. template_id: template-slack (inputs slack_workspace {value: integration id}, channel {value}) or
    template-webhook (inputs url {value})."""

    name: Annotated[str, Shown("<name>")] | None = Field(default=None, max_length=400)
    filters: Annotated[Filters | None, _SHOWN] = Field(default=None, examples=[_EXAMPLE])
    inputs: Annotated[Inputs | None, _SHOWN_INPUTS] = None
    template_id: TemplateId | None = None
    enabled: bool | None = None
    type: SkipJsonSchema[Annotated[Literal["internal_destination"], Means(_TYPES)] | None] = None
    description: str | None = None
    hog: SkipJsonSchema[str | None] = None
    inputs_schema: SkipJsonSchema[list[dict[str, Any]] | None] = None
    masking: SkipJsonSchema[dict[str, Any] | None] = None
    mappings: SkipJsonSchema[list[dict[str, Any]] | None] = None
    icon_url: SkipJsonSchema[str | None] = None
    execution_order: SkipJsonSchema[int | None] = Field(default=None, ge=0, le=32767)

    example_fields = ("name", "filters", "template_id", "inputs")
    meant = _NAMES
    unrecorded = _SECRETS

    @model_validator(mode="after")
    def is_an_alert(self) -> "CreateAlert":
        """Refuse a hog function without an error-tracking trigger: it would not be an alert."""
        _need_trigger(self.filters)
        _need_template(self.template_id)
        return self

    def steps(self) -> Steps:
        alert = as_object((yield self.request()))
        needed = () if self.hog else _NEEDED.get(self.template_id or "", ())
        lacking = [name for name in needed if "value" not in as_object((self.inputs or {}).get(name))]
        outcome = _shown(alert)
        if not lacking:
            return outcome
        names = " and ".join(f'{name}: {{"value": ...}}' for name in lacking)
        note = (
            f"The alert reaches nobody before inputs has {names}: add that with error-tracking-alerts-partial-update."
        )
        outcome.notes.append(note if self.template_id != "template-slack" else f"{note} {FIND_INTEGRATIONS}.")
        return outcome

    def request(self) -> Request:
        # PostHog takes a function for a destination where no type is sent, and leaves it off where nothing turns it on.
        sent = super().request()
        return Request(sent.method, sent.path, json={"type": _ALERT, "enabled": True, **(sent.json or {})})

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return call_of(DeleteAlert, {"id": after.get("id")})


class UpdateAlert(
    Endpoint,
    tool="error-tracking-alerts-partial-update",
    request="PATCH /hog_functions/{id}/",
    scope=_WRITE,
    destructive=False,
    nulls=("masking", "mappings", "icon_url", "execution_order"),
):
    """Change an alert: pause (disable), resume it, send (move) notifications to a different Slack channel; omitted
    fields stay."""

    id: AlertId
    name: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    filters: Filters | None = None
    inputs: Inputs | None = None
    template_id: TemplateId | None = None
    enabled: bool | None = Field(default=None, examples=[False])
    type: SkipJsonSchema[Type | None] = None
    description: str | None = None
    hog: SkipJsonSchema[str | None] = None
    inputs_schema: SkipJsonSchema[list[dict[str, Any]] | None] = None
    masking: SkipJsonSchema[dict[str, Any] | None] = None
    mappings: SkipJsonSchema[list[dict[str, Any]] | None] = None
    icon_url: SkipJsonSchema[str | None] = None
    execution_order: SkipJsonSchema[int | None] = Field(default=None, ge=0, le=32767)
    base_updated_at: str | None = Field(default=None, min_length=1, description="Refuse if changed since.")

    example_fields = ("enabled",)
    meant = {**_NAMES, "alert_id": "id"}
    unrecorded = _SECRETS
    meant_by = dict.fromkeys(("enable", "disable", "pause"), "enabled")

    @model_validator(mode="after")
    def stays_an_alert(self) -> "UpdateAlert":
        """Refuse to remove what an alert needs: no tool here could restore it."""
        if self.filters is not None:
            _need_trigger(self.filters)
        _need_template(self.template_id)
        given = self.model_fields_set & {"name", "template_id"}
        if emptied := sorted(name for name in given if not getattr(self, name)):
            names = ", ".join(emptied)
            raise PydanticCustomError("emptied", "{names}: may not be emptied; leave out to keep", {"names": names})
        return self

    def steps(self) -> Steps:
        sent = self.request()
        function = as_object((yield Request("GET", sent.path)))
        if not triggers(function):
            return _no_alert(function)
        return _shown(as_object((yield sent)))

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        is_secret = any("secret" in as_object(value) for value in as_object(before.get("inputs")).values())
        if is_secret and "inputs" in self.model_fields_set:
            return None  # PostHog does not show the old secret
        return self.restore(before, skip=frozenset({"base_updated_at"}))


class DeleteAlert(Endpoint, tool="error-tracking-alerts-delete", request="PATCH /hog_functions/{id}/", scope=_WRITE):
    """Delete (remove) an alert for good; its notifications stop at once."""

    id: AlertId

    unrecorded = _SECRETS

    def request(self) -> Request:
        return Request("PATCH", super().request().path, json={"deleted": True})

    def steps(self) -> Steps:
        sent = self.request()
        function = as_object((yield Request("GET", sent.path)))
        if not triggers(function):
            return _no_alert(function)
        yield sent
        return Outcome({"deleted": function})


def _shown(function: dict[str, Any]) -> Outcome:
    """Return an alert with its updated_at in full: an update takes it as base_updated_at."""
    is_guard = "updated_at" in function
    return Outcome(
        function, display={**function, "updated_at": _verbatim(function["updated_at"])} if is_guard else None
    )


def _verbatim(value: Any) -> Any:
    return Verbatim(value) if isinstance(value, str) else value


def _other_filters(function: dict[str, Any]) -> dict[str, Any]:
    """Return the filters of an alert as a field, without its triggers, which have one of their own, and its code."""
    filters = as_object(function.get("filters"))
    others = {name: value for name, value in filters.items() if name not in ("source", "events", "bytecode")}
    return {"filters": others} if any(others.values()) else {}


def _need_trigger(filters: dict[str, Any] | None) -> None:
    if not triggers({"filters": filters}):
        raise PydanticCustomError(
            "no_trigger",
            "filters.events: name the trigger ($error_tracking_issue_created, $error_tracking_issue_reopened, "
            "$error_tracking_issue_spiking or $error_tracking_issue_assigned); without one it is not an alert",
        )


def _need_template(template: str | None) -> None:
    if template and f"template-{template.lower()}" in _TEMPLATES:
        raise PydanticCustomError(
            "no_template", "template_id: did you mean {name}?", {"name": f"template-{template.lower()}"}
        )


def _no_alert(function: dict[str, Any]) -> Outcome:
    name, kind = function.get("name"), function.get("type")
    return Outcome(
        {"id": function.get("id"), "name": name, "type": kind},
        [f"Nothing was changed: this hog function is not an error-tracking alert. {_UNKNOWN}"],
        failed=True,
    )


ENDPOINTS = (
    ListAlerts,
    CreateAlert,
    UpdateAlert,
    DeleteAlert,
)
