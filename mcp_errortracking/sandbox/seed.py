"""The state a sandbox starts from, as JSON: what `--seed` takes. docs/sandbox.md shows it to users.

Ids and times that are given are the ones served; those left out are made up, always the same ones.
"""

import base64
import json
import sqlite3
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcp_errortracking.sandbox.access import key_id
from mcp_errortracking.sandbox.clock import derived_id
from mcp_errortracking.sandbox.features import AGES, Features
from mcp_errortracking.sandbox.history import EVENT, EXCEPTION, History, events_of, exception_of, moment
from mcp_errortracking.sandbox.objects import Objects
from mcp_errortracking.sandbox.store import Document, Store

EPOCH = "2026-08-01T09:00:00.000000Z"


class SeedError(Exception):
    """The description makes no sense; the text names the place."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Server(_Model):
    """How old the server is; `features` overrides single flags of that age (sandbox/features.py)."""

    age: Literal["new", "2026-06", "2025"] = "new"
    features: dict[str, bool | str] = {}


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
    current_project: int | None = Field(default=None, description="Default: the first of its projects.")
    projects: list[int] | None = Field(default=None, description="Those it is a member of; default: all.")


class Role(_Model):
    id: str | None = None
    name: str = "On call"


class Key(_Model):
    value: str = Field(min_length=1, description="The key itself, as sent in Authorization: Bearer.")
    label: str = "key"
    user: int | None = Field(default=None, description="Default: the first user.")
    scopes: list[str] = ["*"]
    scoped_teams: list[int] = Field(default=[], description="The only projects it may use; empty: all.")
    scoped_organizations: list[str] = []


class _OfProject(_Model):
    project: int | None = Field(default=None, description="Default: the first project.")
    id: str | None = None
    created_at: str | None = None


class AssignmentRule(_OfProject):
    filters: dict[str, Any] = {"type": "AND", "values": []}
    assignee: dict[str, Any] | None = None
    order_key: int = 0
    disabled_data: dict[str, Any] | None = Field(default=None, description="Set: ingestion switched the rule off.")
    updated_at: str | None = None


class Fingerprint(_Model):
    fingerprint: str
    id: str | None = None
    created_at: str | None = None
    first_seen: str | None = None


class Issue(_OfProject):
    name: str | None = None
    description: str | None = None
    status: Literal["active", "resolved", "suppressed", "archived", "pending_release"] = "active"
    severity: Literal["low", "medium", "high", "critical"] | None = None
    first_seen: str | None = None
    assignee: dict[str, Any] | None = None
    fingerprints: list[Fingerprint | str] = []
    events: History | None = Field(default=None, description="What happened, see sandbox/history.py.")


class _Rule(_OfProject):
    filters: dict[str, Any] = {"type": "AND", "values": []}
    order_key: int = 0
    disabled_data: dict[str, Any] | None = None


class GroupingRule(_Rule):
    assignee: dict[str, Any] | None = None
    description: str | None = None


class SuppressionRule(_Rule):
    sampling_rate: float = Field(default=1.0, ge=0, le=1)


class BypassRule(_Rule):
    pass


class SeverityRule(_Rule):
    severity: Literal["low", "medium", "high", "critical"]


class Integration(_Model):
    id: int
    kind: Literal["github", "gitlab", "linear", "jira"]
    display_name: str = "Acme"


class HogFunction(_OfProject):
    name: str
    type: str = "internal_destination"
    enabled: bool = True
    description: str = ""
    template_id: str | None = None
    inputs: dict[str, Any] = {}
    filters: dict[str, Any] = {}


class Recommendation(_OfProject):
    type: str
    meta: dict[str, Any] = {}
    completed: bool = False


class Spike(_OfProject):
    issue: int = Field(description="Place in `issues`.")
    detected_at: str = "-1d"
    computed_baseline: float = 1.0
    current_bucket_value: int = 500


class Release(_OfProject):
    version: str
    product: str = Field(default="web", description="What PostHog calls the release's project.")
    hash_id: str | None = None
    metadata: dict[str, Any] | None = None


class StackFrame(_OfProject):
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


class SymbolSet(_OfProject):
    ref: str
    state: Literal["pending", "complete", "missing"] = "complete"
    content: Annotated[str | SourceAndMap | Base64 | Size | None, Field(description="What lies in storage.")] = None
    content_hash: str | None = None
    failure_reason: str | None = None
    last_used: str | None = None
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


def read_seed(text: str) -> Seed:
    """A description in JSON.

    Raises:
        SeedError: it is no JSON, or no description.
    """
    try:
        return Seed.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        raise SeedError(f"{place}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise SeedError(f"it is no JSON: {error}") from None


def features_of(seed: Seed) -> Features:
    """The features of the server that a description asks for.

    Raises:
        SeedError: there is no such feature.
    """
    known = {name: getattr(AGES[seed.server.age], name) for name in Features.__slots__}
    for name in seed.server.features:
        if name not in known:
            raise SeedError(f"server.features.{name}: there is no such feature; there are {', '.join(known)}")
    return Features(**{**known, **seed.server.features})  # pyright: ignore[reportArgumentType] checked by name above


def plant(seed: Seed, store: Store, objects: Objects) -> None:
    """Fills an empty store.

    Raises:
        SeedError: something refers to what is not there.
    """
    try:
        with store.transaction():
            _Planter(seed, store, objects).plant()
    except sqlite3.IntegrityError:
        raise SeedError("an id is given twice") from None


class _Planter:
    def __init__(self, seed: Seed, store: Store, objects: Objects) -> None:
        self._seed = seed
        self._store = store
        self._objects = objects
        self._projects = [project.id for project in seed.projects]
        self._now = datetime.now(UTC)

    def plant(self) -> None:
        seed, add = self._seed, self._store.add
        organizations = [
            {
                "id": one.id or derived_id("organization", number),
                "name": one.name,
                "allows_api_keys": one.allows_api_keys,
            }
            for number, one in enumerate(seed.organizations or [Organization()])
        ]
        for organization in organizations:
            add("organization", None, organization)
        known = [organization["id"] for organization in organizations]
        for number, project in enumerate(seed.projects):
            chosen = project.organization or known[0]
            self._check(chosen in known, f"projects[{number}].organization", chosen)
            token = f"phc_sandbox_{project.id}"
            add("project", None, {"id": project.id, "name": project.name, "organization": chosen, "api_token": token})
        self._plant_people()
        for number, rule in enumerate(seed.assignment_rules):
            created = rule.created_at or EPOCH
            body = rule.model_dump(include={"filters", "assignee", "order_key", "disabled_data"})
            self._add(
                "assignment_rule",
                number,
                rule,
                {**body, "created_at": created, "updated_at": rule.updated_at or created},
            )
        for number, release in enumerate(seed.releases):
            release_id = self._id("release", number, release)
            body = {"version": release.version, "project": release.product, "metadata": release.metadata}
            self._add("release", number, release, {"hash_id": release.hash_id or release_id, **body}, team=True)
        for number, issue in enumerate(seed.issues):
            self._plant_issue(number, issue)
        for number, frame in enumerate(seed.stack_frames):
            self._check_release(frame.release, f"stack_frames[{number}].release")
            raw_id = frame.raw_id if "/" in frame.raw_id else f"{frame.raw_id}/0"
            body = frame.model_dump(include={"contents", "resolved", "context", "symbol_set_ref", "release"})
            self._add("stack_frame", number, frame, {"raw_id": raw_id, **body})
        for number, symbol_set in enumerate(seed.symbol_sets):
            self._plant_symbol_set(number, symbol_set)
        self._plant_rules()
        self._plant_others()

    def _plant_rules(self) -> None:
        seed = self._seed
        kinds: dict[str, Sequence[_Rule]] = {
            "grouping_rule": seed.grouping_rules,
            "suppression_rule": seed.suppression_rules,
            "bypass_rule": seed.bypass_rules,
            "severity_rule": seed.severity_rules,
        }
        for kind, rules in kinds.items():
            for number, rule in enumerate(rules):
                body = rule.model_dump(exclude={"project", "id", "created_at"})
                own = {"issue": None} if kind == "grouping_rule" else {}
                self._add(kind, number, rule, {**body, **own, "updated_at": rule.created_at or EPOCH})

    def _plant_others(self) -> None:
        seed = self._seed
        for integration in seed.integrations:
            self._store.add("integration", self._projects[0], integration.model_dump())
        for number, function in enumerate(seed.hog_functions):
            body = function.model_dump(exclude={"project", "id", "created_at"})
            own = {"execution_order": None, "deleted": False, "updated_at": function.created_at or EPOCH}
            self._add("hog_function", number, function, {**body, **own})
        for number, recommendation in enumerate(seed.recommendations):
            body = recommendation.model_dump(exclude={"project", "id", "created_at"})
            state = {"status": "ready", "computed_at": EPOCH, "dismissed_at": None, "updated_at": EPOCH}
            self._add("recommendation", number, recommendation, {**body, **state})
        for number, spike in enumerate(seed.spikes):
            place = f"spikes[{number}].issue"
            self._check(spike.issue < len(seed.issues), place, spike.issue)
            issue = self._store.get("issue", None, self._id("issue", spike.issue, seed.issues[spike.issue])) or {}
            body = spike.model_dump(include={"computed_baseline", "current_bucket_value"})
            of = {name: issue[name] for name in ("id", "name", "description")}
            self._add(
                "spike", number, spike, {"issue": of, "detected_at": moment(spike.detected_at, self._now), **body}
            )

    def _plant_people(self) -> None:
        seed = self._seed
        users = seed.users or [User(id=1)]
        for number, user in enumerate(users):
            projects = self._projects if user.projects is None else user.projects
            for project in [*projects, *([user.current_project] if user.current_project else [])]:
                self._check(project in self._projects, f"users[{number}].projects", project)
            self._store.add(
                "user",
                None,
                {
                    "id": user.id,
                    "email": user.email or f"user{user.id}@example.com",
                    "first_name": user.first_name,
                    "projects": projects,
                    "current_project": user.current_project or (projects[0] if projects else None),
                },
            )
        for number, role in enumerate(seed.roles):
            self._store.add("role", None, {"id": role.id or derived_id("role", number), "name": role.name})
        for number, key in enumerate(seed.keys or [Key(value="phx_sandbox_full_access_key", label="full access")]):
            user = users[0].id if key.user is None else key.user
            self._check(user in [one.id for one in users], f"keys[{number}].user", user)
            for project in key.scoped_teams:
                self._check(project in self._projects, f"keys[{number}].scoped_teams", project)
            shared = key.model_dump(include={"label", "scopes", "scoped_teams", "scoped_organizations"})
            masked = f"{key.value[:4]}...{key.value[-4:]}"
            own = {"id": key_id(key.value), "mask_value": masked, "user": user, "created_at": EPOCH}
            self._store.add("key", None, {**own, **shared})

    def _plant_issue(self, number: int, issue: Issue) -> None:
        issue_id = self._id("issue", number, issue)
        project = self._project(issue, f"issues[{number}].project")
        created = moment(issue.created_at or EPOCH, self._now)
        body = issue.model_dump(include={"name", "description", "status", "severity", "assignee"})
        first_seen = moment(issue.first_seen, self._now) if issue.first_seen else created
        more: Document = {"first_seen": first_seen, "external_issues": [], "cohort": None}
        planted = {"id": issue_id, **body, **more}
        self._store.add("issue", project, planted)
        if issue.events is not None:
            texts = [one if isinstance(one, str) else one.fingerprint for one in issue.fingerprints]
            self._check(bool(texts), f"issues[{number}].events", "fingerprint for them")
            self._store.add(EXCEPTION, project, exception_of(planted, issue.events))
            self._store.add_all(EVENT, project, events_of(planted, texts, issue.events, self._now))
        for place, given in enumerate(issue.fingerprints):
            record = Fingerprint(fingerprint=given) if isinstance(given, str) else given
            self._store.add(
                "fingerprint",
                project,
                {
                    "id": record.id or derived_id("fingerprint", issue_id, place),
                    "fingerprint": record.fingerprint,
                    "issue_id": issue_id,
                    "created_at": record.created_at or created,
                    "first_seen": record.first_seen or record.created_at or created,
                },
            )

    def _plant_symbol_set(self, number: int, symbol_set: SymbolSet) -> None:
        place = f"symbol_sets[{number}]"
        self._check_release(symbol_set.release, f"{place}.release")
        symbol_set_id = self._id("symbol_set", number, symbol_set)
        missing = symbol_set.state == "missing"
        if missing and symbol_set.content is not None:
            raise SeedError(f"{place}.content: a missing symbol set has none")
        pointer = None if missing else f"symbolsets/{derived_id('object', symbol_set_id)}"
        content_hash = symbol_set.content_hash
        if symbol_set.state == "complete":
            content_hash = content_hash or derived_id("hash", symbol_set_id).replace("-", "") * 4
        elif content_hash is not None:
            raise SeedError(f"{place}.content_hash: only a complete symbol set has one")
        if pointer is not None:
            self._store_content(pointer, symbol_set)
        reason = symbol_set.failure_reason or ("no source map found" if missing else None)
        body = symbol_set.model_dump(include={"ref", "last_used", "release"})
        own = {"storage_ptr": pointer, "content_hash": content_hash, "failure_reason": reason}
        self._add("symbol_set", number, symbol_set, {**body, **own})

    def _store_content(self, pointer: str, symbol_set: SymbolSet) -> None:
        content = symbol_set.content
        if isinstance(content, Size):
            self._objects.put_sparse(pointer, content.size)
        elif isinstance(content, str):
            self._objects.put(pointer, content.encode())
        elif isinstance(content, Base64):
            self._objects.put(pointer, base64.b64decode(content.base64))
        elif isinstance(content, SourceAndMap):
            source_map = content.map if isinstance(content.map, str) else json.dumps(content.map)
            self._objects.put(pointer, pack(content.source, source_map))
        elif symbol_set.state == "complete":
            self._objects.put(pointer, pack("", json.dumps({"version": 3, "sources": [], "mappings": ""})))

    def _add(self, kind: str, number: int, entry: _OfProject, body: Document, *, team: bool = False) -> None:
        project = self._project(entry, f"{kind}s[{number}].project")
        own = {"team_id": project} if team else {}
        created = entry.created_at or EPOCH
        self._store.add(kind, project, {"id": self._id(kind, number, entry), **own, **body, "created_at": created})

    def _id(self, kind: str, number: int, entry: _OfProject) -> str:
        return (entry.id or derived_id(kind, number)).lower()

    def _project(self, entry: _OfProject, place: str) -> int:
        project = self._projects[0] if entry.project is None else entry.project
        self._check(project in self._projects, place, project)
        return project

    def _check_release(self, release: str | None, place: str) -> None:
        self._check(release is None or self._store.get("release", None, release) is not None, place, release)

    def _check(self, good: bool, place: str, value: object) -> None:
        if not good:
            raise SeedError(f"{place}: there is no {value} in this description")


def pack(source: str, source_map: str) -> bytes:
    """A source and its map in PostHog's container: version 1, type 2 (contract 5.1)."""
    parts = b"".join(struct.pack("<Q", len(part.encode())) + part.encode() for part in (source, source_map))
    return b"posthog_error_tracking" + struct.pack("<II", 1, 2) + parts
