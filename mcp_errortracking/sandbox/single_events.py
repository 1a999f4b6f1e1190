"""Single `$exception` events of the seed: each with its own time, person, properties and frames."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mcp_errortracking.sandbox.clock import derived_id
from mcp_errortracking.sandbox.history import Time, iso, moment, properties_of, releases_of
from mcp_errortracking.sandbox.stacks import frames_of
from mcp_errortracking.sandbox.store import Document


class SingleException(BaseModel):
    """An element of `$exception_list`, as ingestion writes it; other keys are kept."""

    model_config = ConfigDict(extra="allow")

    type: str | None = None
    value: str | None = None
    stacktrace: dict[str, Any] | None = Field(
        default=None, description="Frames as ingestion writes them, outermost first."
    )


class SingleEvent(BaseModel):
    """An event of the issue that owns its fingerprint."""

    model_config = ConfigDict(extra="forbid")

    project: int | None = Field(default=None, description="Default: the first project.")
    id: str | None = None
    fingerprint: str = Field(description="One that an issue of the project has.")
    timestamp: Time = "-1d"
    distinct_id: str = "customer@mail.example"
    person_id: str | None = Field(default=None, description="Default: made from distinct_id.")
    person: dict[str, Any] | None = Field(
        default=None, description="Properties of the person; default: an email, distinct_id."
    )
    session: str | None = Field(default=None, description="$session_id.")
    exceptions: list[SingleException] = Field(default=[], description="$exception_list.")
    releases: list[str] = Field(default=[], description="Versions; for $exception_releases.")
    properties: dict[str, Any] = Field(
        default={}, description="All others; they win over those made from the exceptions."
    )


def single_event(event: SingleEvent, number: int, releases: list[Document], now: datetime) -> tuple[Document, Document]:
    """Return an event and its exception, as the store holds them."""
    event_id = (event.id or derived_id("single_event", number)).lower()
    listed = [one.model_dump(exclude_unset=True) for one in event.exceptions]
    failures = [frame.get("resolve_failure") for one in listed for frame in frames_of(one.get("stacktrace"))]
    properties: Document = {**properties_of(listed), "$exception_level": "error", "$lib": "web"}
    if any(failures):
        properties["$cymbal_errors"] = list(dict.fromkeys(filter(None, failures)))
    own: Document = {"$exception_fingerprint": event.fingerprint}
    if event.session is not None:
        own["$session_id"] = event.session
    if releases:
        own["$exception_releases"] = releases_of(releases)
    planted: Document = {
        "id": event_id,
        "origin": event_id,
        "timestamp": iso(datetime.fromisoformat(moment(event.timestamp, now))),
        "distinct_id": event.distinct_id,
        "person_id": event.person_id or derived_id("person", event.distinct_id),
        "person": event.person,
        "properties": {**own, **event.properties},
    }
    return planted, {"id": event_id, "list": listed, "properties": properties}
