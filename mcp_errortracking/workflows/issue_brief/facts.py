"""The facts of a brief, as PostHog answers them."""

from collections.abc import Generator, Set
from dataclasses import dataclass, field
from typing import Any

from mcp_errortracking.catalog import Request
from mcp_errortracking.catalog.endpoint import Endpoint, as_object, as_objects, text_of
from mcp_errortracking.catalog.issues import RetrieveIssue
from mcp_errortracking.catalog.queries import QueryIssue, QueryIssueEvents, QueryIssues
from mcp_errortracking.catalog.releases import ListReleases
from mcp_errortracking.workflows.issue_brief.reading import Reader
from mcp_errortracking.workflows.issue_brief.source import Commits
from mcp_errortracking.workflows.problems import WorkflowError

Object = dict[str, Any]
MOST_EVENTS = 20
MOST_ISSUES = 100
_MOST_RELEASES = 100
_GROUPS = ["exception", "stacktrace", "environment", "release", "navigation", "correlation"]


@dataclass(slots=True)
class Facts:
    """Answers, and by name the reasons why others are missing. `others`: issues of the range, most events first."""

    issue: Object
    record: Object = field(default_factory=dict[str, Any])
    events: list[Object] = field(default_factory=list[Object])
    releases: list[Object] = field(default_factory=list[Object])
    others: list[Object] = field(default_factory=list[Object])
    has_more_others: bool = False
    missing: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def event(self) -> Object:
        """The newest event."""
        return self.events[0] if self.events else {}

    @property
    def properties(self) -> Object:
        """Those of the newest event."""
        return as_object(self.event.get("properties"))


async def read_facts(reader: Reader, issue_id: str, dates: Object, wanted: Set[str]) -> Facts:
    """Read what the wanted sections need.

    Raises:
        WorkflowError: there is no such issue.
        PostHogError: PostHog does not answer.
    """
    asked = {"issueId": issue_id, "dateRange": dates, "includeSparkline": True, "includeBreakdown": True}
    issue, why = await reader.read(_one(QueryIssue.model_validate(asked | {"volumeResolution": 12})))
    facts = Facts(issue or {})
    if issue is None:
        facts.missing["issue"] = why
    if issue is None or issue.get("impact") == {} or "tickets" in wanted:
        facts.record, facts.missing["record"] = _known(await reader.read(_one(RetrieveIssue(id=issue_id))))  # pyright: ignore[reportArgumentType]
    if issue is None and not facts.record:
        refusal = reader.refusal
        if refusal is not None and (refusal.status != 404 or refusal.explanation.code == "endpoint_not_found"):
            raise refusal
        raise WorkflowError(
            "no_issue",
            f"The issue {issue_id} could not be read.",
            "This project has none with this id; a merged issue lives on in the one it went into.",
            "Find issues with query-error-tracking-issues-list (status all, a longer dateRange).",
        )
    if wanted & {"who", "stack", "source", "suspects", "recordings", "releases", "rules"}:
        question = {"issueId": issue_id, "dateRange": dates, "include": _GROUPS}
        question |= {"onlyAppFrames": False, "limit": MOST_EVENTS, "verbosity": "stack"}
        answer, facts.missing["events"] = _known(await reader.read(_one(QueryIssueEvents.model_validate(question))))
        facts.events = as_objects(answer.get("results"))[:MOST_EVENTS]
    if wanted & {"releases", "suspects"}:
        answer, facts.missing["releases"] = _known(await reader.read(_one(ListReleases(limit=_MOST_RELEASES))))
        facts.releases = as_objects(answer.get("results"))[:_MOST_RELEASES]
    if wanted & {"duplicates", "shared"}:
        answer, facts.missing["others"] = _known(await reader.read(issues_in(compared_dates(facts.issue, dates))))
        facts.others = as_objects(answer.get("results"))[:MOST_ISSUES]
        facts.has_more_others = answer.get("hasMore") is True
    return facts


def compared_dates(issue: Object, dates: Object) -> Object:
    """Return the range of an issue's breakdown, which PostHog cuts to 30 days; without one, that of the brief."""
    breakdown = as_object(issue.get("breakdown"))
    known = {name: breakdown[name] for name in ("date_from", "date_to") if text_of(breakdown, name)}
    return known or dates


def issues_in(dates: Object, condition: Object | None = None) -> Generator[Request, Any, Object]:
    """Return the steps that list the issues of a range, of every status, those with most events first."""
    asked: Object = {"dateRange": dates, "status": "all", "orderBy": "occurrences", "limit": MOST_ISSUES}
    if condition:
        asked["filterGroup"] = [condition]
    return _one(QueryIssues.model_validate(asked))


@dataclass(frozen=True, slots=True)
class ReleaseSpan:
    """The release in use when the issue was first seen, and the one before it; {}: not known."""

    first_with: Object
    last_without: Object


def release_span(facts: Facts) -> ReleaseSpan:
    """Return the first release with the error and the last without it, by the times of releases of one product."""
    latest = as_object(facts.issue.get("latest_release"))
    product = text_of(latest, "project") or text_of(event_release(facts), "project")
    first_seen = text_of(facts.issue, "first_seen") or text_of(facts.record, "first_seen")
    known = [one for one in facts.releases if not product or text_of(one, "project") == product]
    known.sort(key=lambda one: text_of(one, "created_at"))
    before = [one for one in known if first_seen and text_of(one, "created_at")[:19] <= first_seen[:19]]
    return ReleaseSpan(before[-1] if before else {}, before[-2] if len(before) > 1 else {})


def event_release(facts: Facts) -> Object:
    """Return the newest release that the newest event names."""
    return newest_release(facts.properties)


def newest_release(properties: Object) -> Object:
    """Return the newest release that an event names in its properties."""
    known = as_object(properties.get("$exception_releases"))
    releases = sorted(map(as_object, known.values()), key=lambda one: text_of(one, "timestamp", "created_at"))
    return releases[-1] if releases else {}


def commit_of(release: Object) -> str:
    """Return the id of a release's commit; "" if it is not a whole one."""
    commit = text_of(as_object(as_object(release.get("metadata")).get("git")), "commit_id") or text_of(
        release, "commit_id"
    )
    is_id = len(commit) in (40, 64) and all(one in "0123456789abcdef" for one in commit.lower())
    return commit.lower() if is_id else ""


def commits_of(facts: Facts) -> Commits:
    """Return the commits that the checkout is asked for."""
    span = release_span(facts)
    release = commit_of(event_release(facts)) or commit_of(as_object(facts.issue.get("latest_release")))
    return Commits(release, commit_of(span.first_with), commit_of(span.last_without))


def _one(call: Endpoint) -> Generator[Request, Any, Object]:
    """Yield the first request of an endpoint alone."""
    answer = yield call.request()
    return as_object(answer)


def _known(read: tuple[Object | None, str]) -> tuple[Object, str]:
    return read[0] or {}, read[1]
