"""Fill a store from a seed."""

import base64
import json
import sqlite3
import struct
from collections.abc import Sequence

from mcp_errortracking.sandbox.access import key_id
from mcp_errortracking.sandbox.activity import log_entry
from mcp_errortracking.sandbox.alerts import UNDELIVERED
from mcp_errortracking.sandbox.clock import derived_id
from mcp_errortracking.sandbox.external_references import reference_to, tracked_issue
from mcp_errortracking.sandbox.history import (
    EVENT,
    EXCEPTION,
    events_of,
    exception_of,
    moment,
    stack_frames_of,
)
from mcp_errortracking.sandbox.objects import Objects
from mcp_errortracking.sandbox.seed import (
    Base64,
    Cohort,
    ExternalReference,
    Fingerprint,
    Integration,
    Issue,
    Key,
    OfProject,
    Organization,
    RateLimits,
    Rule,
    Seed,
    SeedError,
    Size,
    SourceAndMap,
    SpikeDetection,
    SymbolSet,
    TrackedIssue,
    User,
)
from mcp_errortracking.sandbox.single_events import SingleEvent, single_event
from mcp_errortracking.sandbox.store import Document, Store

_OfAnyProject = OfProject | SingleEvent | Cohort | Integration | RateLimits | SpikeDetection
EPOCH = "2026-08-01T09:00:00.000000Z"


def plant(seed: Seed, store: Store, objects: Objects) -> None:
    """Fill an empty store.

    Raises:
        SeedError: a reference names an object that does not exist.
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
        self._now = seed.present()

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
            body = rule.model_dump(include={"filters", "assignee", "order_key", "disabled_data"})
            updated = self._moment(rule.updated_at or rule.created_at)
            self._add("assignment_rule", number, rule, {**body, "updated_at": updated})
        for number, release in enumerate(seed.releases):
            release_id = self._id("release", number, release)
            body = {"version": release.version, "project": release.product, "metadata": release.metadata}
            self._add("release", number, release, {"hash_id": release.hash_id or release_id, **body}, team=True)
        for number, issue in enumerate(seed.issues):
            self._plant_issue(number, issue)
        for number, event in enumerate(seed.events):
            self._plant_event(number, event)
        for number, frame in enumerate(seed.stack_frames):
            self._check_release(frame.release, f"stack_frames[{number}].release")
            raw_id = frame.raw_id if "/" in frame.raw_id else f"{frame.raw_id}/0"
            body = frame.model_dump(include={"contents", "resolved", "context", "symbol_set_ref", "release"})
            self._add("stack_frame", number, frame, {"raw_id": raw_id, **body})
        for number, symbol_set in enumerate(seed.symbol_sets):
            self._plant_symbol_set(number, symbol_set)
        self._plant_rules()
        self._plant_trackers()
        self._plant_others()
        self._plant_settings()
        self._plant_activity()

    def _plant_rules(self) -> None:
        seed = self._seed
        kinds: dict[str, Sequence[Rule]] = {
            "grouping_rule": seed.grouping_rules,
            "suppression_rule": seed.suppression_rules,
            "bypass_rule": seed.bypass_rules,
            "severity_rule": seed.severity_rules,
        }
        for kind, rules in kinds.items():
            for number, rule in enumerate(rules):
                body = rule.model_dump(exclude={"project", "id", "created_at"})
                own = {"issue": None} if kind == "grouping_rule" else {}
                updated = self._moment(rule.created_at)
                self._add(kind, number, rule, {**body, **own, "updated_at": updated})

    def _plant_others(self) -> None:
        seed = self._seed
        for function_number, function in enumerate(seed.hog_functions):
            body = function.model_dump(exclude={"project", "id", "created_at"})
            own = {"execution_order": None, "deleted": False, "updated_at": self._moment(function.created_at)}
            self._add("hog_function", function_number, function, {**body, **own})
        for number, recommendation in enumerate(seed.recommendations):
            body = recommendation.model_dump(include={"type", "meta", "completed", "status"})
            computed, dismissed = (
                text and self._moment(text) for text in (recommendation.computed_at, recommendation.dismissed_at)
            )
            state = {"computed_at": computed, "dismissed_at": dismissed}
            updated = {"updated_at": self._moment(recommendation.created_at)}
            self._add("recommendation", number, recommendation, {**body, **state, **updated})
        for number, spike in enumerate(seed.spikes):
            issue = self._issue(f"spikes[{number}].issue", spike.issue)
            body = spike.model_dump(include={"computed_baseline", "current_bucket_value"})
            of = {name: issue[name] for name in ("id", "name", "description")}
            self._add("spike", number, spike, {"issue": of, "detected_at": self._moment(spike.detected_at), **body})
        for number, alert in enumerate(seed.alerts):
            body = alert.model_dump(include={"name", "enabled", "triggers"})
            destinations: list[Document] = [
                {
                    "id": derived_id("destination", number, place),
                    "integration_id": None,
                    "config": {},
                    **UNDELIVERED,
                    "created_at": self._moment(alert.created_at),
                    "updated_at": self._moment(alert.created_at),
                    **one,
                }
                for place, one in enumerate(alert.destinations)
            ]
            more: Document = {
                "filters": alert.filters,
                "throttle_seconds": alert.throttle_seconds,
                "destinations": destinations,
            }
            updated = {"updated_at": self._moment(alert.created_at)}
            self._add("alert", number, alert, {**body, **more, **updated})

    def _plant_trackers(self) -> None:
        """Add issue trackers, their issues, and the links from issues of a project to them."""
        seed = self._seed
        for number, cohort in enumerate(seed.cohorts):
            project = self._project(cohort, f"cohorts[{number}].project")
            self._store.add("cohort", project, cohort.model_dump(exclude={"project"}))
        known = dict[int, Document]()
        for number, integration in enumerate(seed.integrations):
            project = self._project(integration, f"integrations[{number}].project")
            known[integration.id] = integration.model_dump() | {"project": project}
            self._store.add("integration", project, known[integration.id])
        for number, tracked in enumerate(seed.tracked_issues):
            self._tracked(tracked, f"tracked_issues[{number}]", known)
        for number, reference in enumerate(seed.external_references):
            place = f"external_references[{number}]"
            issue = self._issue(f"{place}.issue", reference.issue)
            tracked = self._tracked(reference, place, known)
            integration = known[reference.integration]
            planted = reference_to(self._id("external_reference", number, reference), integration, tracked)
            self._store.add("external_reference", integration["project"], planted)
            self._store.put("issue", {**issue, "external_issues": [*issue["external_issues"], planted]})

    def _tracked(self, entry: ExternalReference | TrackedIssue, place: str, known: dict[int, Document]) -> Document:
        self._check(entry.integration in known, f"{place}.integration", entry.integration)
        integration = known[entry.integration]
        project = self._project(entry, f"{place}.project") if entry.project is not None else integration["project"]
        self._check(
            project == integration["project"], f"{place}.integration", f"{entry.integration} in project {project}"
        )
        number = entry.number or len(self._store.all("tracked_issue", project)) + 1
        tracked = tracked_issue(integration, entry.repository, number, entry.title)
        if self._store.get("tracked_issue", project, tracked["id"]) is not None:
            raise SeedError(f"{place}.number: {entry.repository} has {number} already")
        self._store.add("tracked_issue", project, tracked)
        return tracked

    def _plant_settings(self) -> None:
        for kind, entries in (("settings", self._seed.settings), ("spike_detection", self._seed.spike_detection)):
            for number, entry in enumerate(entries):
                project = self._project(entry, f"{kind}[{number}].project")
                values = entry.model_dump(exclude={"project"}, exclude_unset=True)
                name = "spikes" if kind == "spike_detection" else kind
                self._store.add("project_setting", project, {"id": f"{name}-{project}", "values": values})

    def _plant_activity(self) -> None:
        users = {user["id"]: user for user in self._store.all("user")}
        for number, entry in enumerate(self._seed.activity):
            place = f"activity[{number}]"
            issue = self._issue(f"{place}.issue", entry.issue)
            user = next(iter(users.values())) if entry.user is None else users.get(entry.user)
            if user is None:
                raise SeedError(f"{place}.user: {entry.user} does not exist in this description")
            planted = log_entry(self._id("activity", number, entry), issue, user, entry.activity, entry.changes)
            planted["created_at"] = self._moment(entry.created_at)
            self._store.add("activity", self._project(entry, f"{place}.project"), planted)

    def _issue(self, place: str, number: int) -> Document:
        self._check(0 <= number < len(self._seed.issues), place, number)
        return self._store.get("issue", None, self._id("issue", number, self._seed.issues[number])) or {}

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
                    "last_name": user.last_name,
                    "joined_at": EPOCH,
                    "projects": projects,
                    "current_project": user.current_project or (projects[0] if projects else None),
                },
            )
        for number, role in enumerate(seed.roles):
            for member in role.members:
                self._check(member in [one.id for one in users], f"roles[{number}].members", member)
            held = {"id": role.id or derived_id("role", number), "name": role.name, "members": role.members}
            self._store.add("role", None, held)
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
        created = self._moment(issue.created_at)
        body = issue.model_dump(include={"name", "description", "status", "severity", "assignee"})
        first_seen = self._moment(issue.first_seen) if issue.first_seen else created
        more: Document = {"first_seen": first_seen, "external_issues": [], "cohort": None}
        planted = {"id": issue_id, **body, **more}
        self._store.add("issue", project, planted)
        if issue.events is not None:
            texts = [one if isinstance(one, str) else one.fingerprint for one in issue.fingerprints]
            self._check(bool(texts), f"issues[{number}].events", "fingerprint for them")
            releases = {one["version"]: one for one in self._store.all("release", project)}
            for version in issue.events.releases:
                self._check(version in releases, f"issues[{number}].events.releases", f"release {version}")
            exception = exception_of(planted, issue.events)
            self._store.add(EXCEPTION, project, exception)
            self._store.add_all(EVENT, project, events_of(planted, texts, issue.events, releases, self._now))
            self._store.add_all("stack_frame", project, stack_frames_of(exception, issue.events, created))
        for place, given in enumerate(issue.fingerprints):
            record = Fingerprint(fingerprint=given) if isinstance(given, str) else given
            self._store.add(
                "fingerprint",
                project,
                {
                    "id": record.id or derived_id("fingerprint", issue_id, place),
                    "fingerprint": record.fingerprint,
                    "issue_id": issue_id,
                    "created_at": self._moment(record.created_at or created),
                    "first_seen": self._moment(record.first_seen or record.created_at or created),
                },
            )

    def _plant_event(self, number: int, event: SingleEvent) -> None:
        place = f"events[{number}]"
        project = self._project(event, f"{place}.project")
        owned = self._store.find("fingerprint", project, event.fingerprint) is not None
        self._check(owned, f"{place}.fingerprint", f"fingerprint {event.fingerprint}")
        known = {one["version"]: one for one in self._store.all("release", project)}
        for version in event.releases:
            self._check(version in known, f"{place}.releases", f"release {version}")
        releases = [known[version] for version in event.releases]
        planted, exception = single_event(event, number, releases, self._now)
        self._store.add(EXCEPTION, project, exception)
        self._store.add(EVENT, project, planted)

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
        body = symbol_set.model_dump(include={"ref", "release"})
        body["last_used"] = symbol_set.last_used and self._moment(symbol_set.last_used)
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

    def _add(self, kind: str, number: int, entry: OfProject, body: Document, *, team: bool = False) -> None:
        """Store an entry; its times come last, in PostHog's order."""
        project = self._project(entry, f"{kind}s[{number}].project")
        own = {"team_id": project} if team else {}
        times = {"created_at": self._moment(entry.created_at)}
        if "updated_at" in body:
            times["updated_at"] = body.pop("updated_at")
        self._store.add(kind, project, {"id": self._id(kind, number, entry), **own, **body, **times})

    def _moment(self, text: str | None) -> str:
        return moment(text or EPOCH, self._now)

    def _id(self, kind: str, number: int, entry: OfProject) -> str:
        return (entry.id or derived_id(kind, number)).lower()

    def _project(self, entry: _OfAnyProject, place: str) -> int:
        project = self._projects[0] if entry.project is None else entry.project
        self._check(project in self._projects, place, project)
        return project

    def _check_release(self, release: str | None, place: str) -> None:
        self._check(release is None or self._store.get("release", None, release) is not None, place, release)

    def _check(self, good: bool, place: str, value: object) -> None:
        if not good:
            raise SeedError(f"{place}: {value} does not exist in this description")


def pack(source: str, source_map: str) -> bytes:
    """Return a source and its map in PostHog's container: version 1, type 2 (contract 5.1)."""
    parts = b"".join(struct.pack("<Q", len(part.encode())) + part.encode() for part in (source, source_map))
    return b"posthog_error_tracking" + struct.pack("<II", 1, 2) + parts
