"""Rate limits, spikes, and when a spike is one (contract 6.10, 6.11)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.declaration import FormattedText
from mcp_errortracking.catalog.endpoint import Endpoint, Request, Snapshot, as_object
from mcp_errortracking.catalog.identifiers import IssueId
from mcp_errortracking.catalog.meanings import Means, Shown
from mcp_errortracking.catalog.paging import PagedEndpoint

_SINCE = "spring 2026"
_SPIKES = "spikes"
AtLeastOne = Annotated[int, Field(ge=1, examples=[100])]
_Exceptions = Annotated[
    AtLeastOne, Shown("<exceptions>"), Means(advice="a whole number of exceptions, at least 1; null removes the limit")
]
_Minutes = Annotated[
    AtLeastOne, Shown("<minutes>"), Means(advice="a whole number of minutes: an hour is 60, a day 1440")
]
_PAIR = "{whose}_rate_limit_value (exceptions) and {whose}_rate_limit_bucket_size_minutes (in so many minutes)"
_LIMITS = {
    **dict.fromkeys(
        ("rate_limit", "limit", "project_rate_limit", "max_per_minute", "per_minute", "per_hour", "value"),
        f"give {_PAIR.format(whose='project')}",
    ),
    **dict.fromkeys(
        ("per_issue_rate_limit", "issue_rate_limit", "per_issue_limit"), f"give {_PAIR.format(whose='per_issue')}"
    ),
    **{
        f"{whose}_rate_limit_{name}": f"{whose}_rate_limit_bucket_size_minutes"
        for whose in ("project", "per_issue")
        for name in ("bucket_size_hours", "bucket_size_seconds", "bucket_size", "period", "window", "interval")
    },
}


def _iso_time(text: str) -> str:
    """Refuse what this list does not take, relative dates among it (contract 6.10)."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError(
            "no_time", "should be a time in ISO 8601, e.g. 2026-06-01T00:00:00Z; only queries read -7d"
        ) from None
    return text


_IsoTime = Annotated[FormattedText, AfterValidator(_iso_time)]
_MAX_IDS = 1000
"""The ids stand in the URL of a request."""


def _apart(value: Any) -> Any:
    """Split a text of ids at commas or blanks; return any other value as it is."""
    return [part for part in re.split(r"[,\s]+", value, maxsplit=_MAX_IDS) if part] if isinstance(value, str) else value


_IssueIds = Annotated[
    list[IssueId],
    BeforeValidator(_apart),
    Field(min_length=1, max_length=_MAX_IDS),
    PlainSerializer(lambda ids: ",".join(map(str, ids)), return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""Sent as PostHog reads them, comma-separated; a list is understood too."""


class _Update(Endpoint):
    read: ClassVar[str]
    """The path that reads these settings."""

    @model_validator(mode="after")
    def something_changes(self) -> "_Update":
        """Refuses an update of nothing."""
        if not self.model_fields_set:
            names = ", ".join(type(self).model_fields)
            raise PydanticCustomError("nothing_to_do", "give at least one of {names}", {"names": names})
        return self

    def snapshot(self) -> Snapshot:
        return as_object((yield Request("GET", f"error_tracking/{self.read}")))

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return self.restore(before)


class GetSettings(
    Endpoint,
    tool="error-tracking-settings-get",
    request="GET settings/retrieve_settings/",
    since=_SINCE,
):
    """Show the settings: what rate limits apply to exceptions; null: none."""


class UpdateSettings(
    _Update,
    tool="error-tracking-settings-update",
    request="PATCH settings/update_settings/",
    nulls=(
        "project_rate_limit_value",
        "project_rate_limit_bucket_size_minutes",
        "per_issue_rate_limit_value",
        "per_issue_rate_limit_bucket_size_minutes",
    ),
    since=_SINCE,
):
    """Limit (cap, throttle; raise) how many exceptions (events) the project takes, and each issue, per bucket of
    minutes (hour), to reduce volume, quota, cost and bill; null removes a rate limit. Exceptions beyond it are lost."""

    project_rate_limit_value: _Exceptions | None = None
    project_rate_limit_bucket_size_minutes: _Minutes | None = None
    per_issue_rate_limit_value: _Exceptions | None = None
    per_issue_rate_limit_bucket_size_minutes: _Minutes | None = None

    meant = _LIMITS
    read = "settings/retrieve_settings/"
    meant_by = {"limit": "", "rate": "", "quota": ""}


class ListSpikeEvents(
    PagedEndpoint,
    tool="error-tracking-spike-events-list",
    request="GET spike_events/",
    since=_SINCE,
    toolset=_SPIKES,
):
    """List recent spikes (surges, bursts, anomalies, sudden increases: which issues suddenly got more frequent), newest
    first: when, how big, with the usual and the observed number of events."""

    issue_ids: _IssueIds | None = Field(default=None, description="Comma-separated.")
    date_from: _IsoTime | None = Field(default=None, description="ISO 8601.")
    date_to: _IsoTime | None = None
    meant = {
        **dict.fromkeys(("issue_id", "issue", "id"), "issue_ids"),
        "date_range": "give date_from and date_to, in ISO 8601",
    }
    advice = {"invalid_input": "Give date_from and date_to in ISO 8601, like 2026-06-01T00:00:00Z: no relative dates."}
    order_by: (
        Literal[
            "detected_at",
            "-detected_at",
            "computed_baseline",
            "-computed_baseline",
            "current_bucket_value",
            "-current_bucket_value",
        ]
        | None
    ) = None


class GetSpikeDetection(
    Endpoint,
    tool="error-tracking-spike-detection-config-retrieve",
    request="GET spike_detection_config/",
    since=_SINCE,
    toolset=_SPIKES,
):
    """Show the spike detection settings, how sensitive it is: how PostHog detects anomalies, when (threshold) a rise in
    an issue's events counts as a spike."""


class UpdateSpikeDetection(
    _Update,
    tool="error-tracking-spike-detection-config-update",
    request="PATCH spike_detection_config/update_config/",
    since=_SINCE,
    toolset=_SPIKES,
):
    """Change how sensitive spike detection is (fewer false alarms, fewer spike notifications): a spike has at least
    threshold events, and multiplier times the usual number (baseline); ignore it below."""

    snooze_duration_minutes: _Minutes | None = None
    multiplier: AtLeastOne | None = None
    threshold: AtLeastOne | None = None

    meant = {
        **dict.fromkeys(
            ("snooze_duration", "snooze", "snooze_minutes", "snooze_duration_hours", "cooldown"),
            "snooze_duration_minutes",
        ),
        **dict.fromkeys(("sensitivity", "factor", "ratio"), "multiplier"),
        **dict.fromkeys(("minimum", "min_events", "min_count"), "threshold"),
    }
    read = "spike_detection_config/"


ENDPOINTS = (
    GetSettings,
    UpdateSettings,
    ListSpikeEvents,
    GetSpikeDetection,
    UpdateSpikeDetection,
)
