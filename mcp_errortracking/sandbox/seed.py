"""The state that a sandbox starts from, as JSON for `--seed`; described in docs/sandbox.md.

Ids and times that are given are served; those left out are generated, always the same.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from mcp_errortracking.sandbox.features import AGES, Features
from mcp_errortracking.sandbox.history import History, Time
from mcp_errortracking.sandbox.single_events import SingleEvent


class SeedError(Exception):
    """The description is not valid; the text names the place."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Server(_Model):
    """The age of the server; `features` overrides single flags of that age (sandbox/features.py)."""

    age: Literal["new", "2026-06", "2025"] = "new"
    features: dict[str, bool | str] = {}
    now: AwareDatetime | None = Field(default=None, description="The time it believes it is; default: what it is.")


class Organization(_Model):
    id: str | None = None
    name: str = "Acme"
    allows_api_keys: bool = True


class Project(_Model):
    id: int = Field(ge=1)
    name: str = "Web shop"
    organization: str | None = Field(default=None, description="Id; default: the first organization.")


class User(_Model):
    id: int = Field(ge=1)
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    current_project: int | None = Field(default=None, description="Default: the first of its projects.")
    projects: list[int] | None = Field(default=None, description="Those it is a member of; default: all.")


class Role(_Model):
    id: str | None = None
    name: str = "On call"
    members: list[int] = Field(default=[], description="Ids of users.")


class Key(_Model):
    value: str = Field(min_length=1, description="The key itself, as sent in Authorization: Bearer.")
    label: str = "key"
    user: int | None = Field(default=None, description="Default: the first user.")
    scopes: list[str] = ["*"]
    scoped_teams: list[int] = Field(default=[], description="The only projects it may use; empty: all.")
    scoped_organizations: list[str] = []


class OfProject(_Model):
    project: int | None = Field(default=None, description="Default: the first project.")
    id: str | None = None
    created_at: Time | None = None


class AssignmentRule(OfProject):
    filters: dict[str, Any] = {"type": "AND", "values": []}
    assignee: dict[str, Any] | None = None
    order_key: int = 0
    disabled_data: dict[str, Any] | None = Field(default=None, description="Set: ingestion switched the rule off.")
    updated_at: Time | None = None


class Fingerprint(_Model):
    fingerprint: str
    id: str | None = None
    created_at: Time | None = None
    first_seen: Time | None = None


class Issue(OfProject):
    name: str | None = None
    description: str | None = None
    status: Literal["active", "resolved", "suppressed", "archived", "pending_release"] = "active"
    severity: Literal["low", "medium", "high", "critical"] | None = None
    first_seen: Time | None = None
    assignee: dict[str, Any] | None = None
    fingerprints: list[Fingerprint | str] = []
    events: History | None = Field(default=None, description="What happened, see sandbox/history.py.")


class Rule(OfProject):
    filters: dict[str, Any] = {"type": "AND", "values": []}
    order_key: int = 0
    disabled_data: dict[str, Any] | None = None


class GroupingRule(Rule):
    assignee: dict[str, Any] | None = None
    description: str | None = None


class SuppressionRule(Rule):
    sampling_rate: float = Field(default=1.0, ge=0, le=1)


class BypassRule(Rule):
    pass


class SeverityRule(Rule):
    severity: Literal["low", "medium", "high", "critical"]


class Target(_Model):
    """A Slack channel, a GitHub repository, a Linear team or a Jira project (id: its key)."""

    id: str
    name: str
    is_member: bool = Field(default=True, description="Of a Slack channel: PostHog's app is in it.")


class Integration(_Model):
    id: int
    kind: Literal["github", "gitlab", "linear", "jira", "slack"]
    display_name: str = "Acme"
    targets: list[Target] = []
    project: int | None = Field(default=None, description="Default: the first project.")


class ExternalReference(OfProject):
    """A link from an issue to an issue of a tracker."""

    issue: int = Field(description="Place in `issues`.")
    integration: int = Field(description="Its id.")
    title: str
    repository: str = Field(default="web", description="Of Jira: the project's key.")
    number: int | None = Field(default=None, ge=1, description="Default: the next one.")


class TrackedIssue(OfProject):
    """An issue of a tracker that is not linked to an issue of PostHog."""

    integration: int = Field(description="Its id.")
    title: str
    repository: str = Field(default="web", description="Of Jira: the project's key.")
    number: int | None = Field(default=None, ge=1, description="Default: the next one.")


class Cohort(_Model):
    id: int
    name: str
    project: int | None = Field(default=None, description="Default: the first project.")


class RateLimits(_Model):
    """Settings of a project; each a positive number, or null for none."""

    project: int | None = Field(default=None, description="Default: the first project.")
    project_rate_limit_value: int | None = Field(default=None, ge=1)
    project_rate_limit_bucket_size_minutes: int | None = Field(default=None, ge=1)
    per_issue_rate_limit_value: int | None = Field(default=None, ge=1)
    per_issue_rate_limit_bucket_size_minutes: int | None = Field(default=None, ge=1)
    auto_resolve_after_days: int | None = Field(default=None, ge=1, le=365)


class SpikeDetection(_Model):
    project: int | None = Field(default=None, description="Default: the first project.")
    snooze_duration_minutes: int = Field(default=10, ge=1)
    multiplier: int = Field(default=10, ge=1)
    threshold: int = Field(default=500, ge=1)


class Activity(OfProject):
    """An entry in the log of an issue, see contract 6.6."""

    issue: int = Field(description="Place in `issues`.")
    activity: str
    user: int | None = Field(default=None, description="Id; default: the first user.")
    changes: list[dict[str, Any]] = Field(default=[], description="Each with field, before, after.")


class HogFunction(OfProject):
    name: str
    type: str = "internal_destination"
    enabled: bool = True
    description: str = ""
    template_id: str | None = None
    inputs: dict[str, Any] = {}
    filters: dict[str, Any] = {}


class Recommendation(OfProject):
    type: str
    meta: dict[str, Any] = {}
    completed: bool = False
    status: Literal["ready", "computing"] = "ready"
    computed_at: Time | None = None
    dismissed_at: Time | None = None


class Alert(OfProject):
    """One of `error_tracking/alerts`; see the feature `alerts`."""

    name: str
    enabled: bool = True
    triggers: list[Literal["issue_created", "issue_reopened", "issue_spiking", "issue_assigned"]] = Field(min_length=1)
    filters: dict[str, Any] = {}
    throttle_seconds: int = Field(default=0, ge=0, le=2592000)
    destinations: list[dict[str, Any]] = []


class Spike(OfProject):
    issue: int = Field(description="Place in `issues`.")
    detected_at: Time = "-1d"
    computed_baseline: float = 1.0
    current_bucket_value: int = 500


class Release(OfProject):
    version: str
    product: str = Field(default="web", description="What PostHog calls the release's project.")
    hash_id: str | None = None
    metadata: dict[str, Any] | None = None


class StackFrame(OfProject):
    raw_id: str
    contents: dict[str, Any] = {}
    resolved: bool = False
    context: dict[str, Any] | None = None
    symbol_set_ref: str | None = None
    release: str | None = Field(default=None, description="Id of a release.")


class Size(_Model):
    size: int = Field(ge=0, description="So many zero bytes, which take no room on disk.")


class Base64(_Model):
    base64: str


class SourceAndMap(_Model):
    """Packed into PostHog's container, version 1."""

    source: str
    map: str | dict[str, Any]


class SymbolSet(OfProject):
    ref: str
    state: Literal["pending", "complete", "missing"] = "complete"
    content: Annotated[str | SourceAndMap | Base64 | Size | None, Field(description="What lies in storage.")] = None
    content_hash: str | None = None
    failure_reason: str | None = None
    last_used: Time | None = None
    release: str | None = Field(default=None, description="Id of a release.")


class Seed(_Model):
    """A whole PostHog. Only `projects` must not be empty."""

    server: Server = Server()
    organizations: list[Organization] = []
    projects: list[Project] = Field(min_length=1)
    users: list[User] = []
    roles: list[Role] = []
    keys: list[Key] = []
    assignment_rules: list[AssignmentRule] = []
    issues: list[Issue] = []
    events: list[SingleEvent] = []
    releases: list[Release] = []
    stack_frames: list[StackFrame] = []
    symbol_sets: list[SymbolSet] = []
    grouping_rules: list[GroupingRule] = []
    suppression_rules: list[SuppressionRule] = []
    bypass_rules: list[BypassRule] = []
    severity_rules: list[SeverityRule] = []
    integrations: list[Integration] = []
    hog_functions: list[HogFunction] = []
    recommendations: list[Recommendation] = []
    spikes: list[Spike] = []
    external_references: list[ExternalReference] = []
    tracked_issues: list[TrackedIssue] = []
    cohorts: list[Cohort] = []
    alerts: list[Alert] = []
    settings: list[RateLimits] = []
    spike_detection: list[SpikeDetection] = []
    activity: list[Activity] = []

    def present(self) -> datetime:
        """The time that the server believes it is."""
        return (self.server.now or datetime.now(UTC)).astimezone(UTC)


def read_seed(text: str) -> Seed:
    """Read a description in JSON.

    Raises:
        SeedError: the text is not JSON, or not a valid description.
    """
    try:
        return Seed.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        raise SeedError(f"{place}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise SeedError(f"not JSON: {error}") from None


def features_of(seed: Seed) -> Features:
    """Return the features of the server that a description asks for.

    Raises:
        SeedError: a feature does not exist.
    """
    known = {name: getattr(AGES[seed.server.age], name) for name in Features.__slots__}
    for name in seed.server.features:
        if name not in known:
            raise SeedError(f"server.features.{name}: unknown feature; the known ones are {', '.join(known)}")
    return Features(**{**known, **seed.server.features})  # pyright: ignore[reportArgumentType] checked by name above
