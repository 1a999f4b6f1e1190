"""Find the issues in files: ask PostHog for those that name them, and place their frames in the files of today."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import as_object, as_objects, number_of, text_of, uuid_of
from mcp_errortracking.catalog.queries import QueryIssueEvents, QueryIssues
from mcp_errortracking.catalog.releases import ListReleases
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import ForbiddenError, RefusedError
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.concurrency import for_each
from mcp_errortracking.workflows.file_issues.asked import Asked, AskedFile, changed_on_branch, named_files
from mcp_errortracking.workflows.file_issues.display import rows_of
from mcp_errortracking.workflows.file_issues.places import Place, Sources, open_sources
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.issue_brief import suffixes
from mcp_errortracking.workflows.issue_brief.facts import commit_of
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.times import moment_of

if TYPE_CHECKING:
    from mcp_errortracking.workflows.file_issues.tools import IssuesInFile

MOST_READ = 8
"""Issues whose events are read, a request each; with the releases and the list, ten requests."""
_MOST_RELEASES, _MOST_COMMITS, _MOST_ISSUES, _EVENTS = 20, 5, 100, 5
_AT_ONCE = 3
_NEW = timedelta(days=7)
_DEFAULT_RANGE = {"date_from": "-30d"}
_MOST_NAMED = 5


@dataclass(slots=True)
class _Work:
    """The files of a call, with the names that they have and had."""

    roots: Roots
    asked: Asked
    commits: list[str] = field(default_factory=list[str])
    names: set[str] = field(default_factory=set[str])
    requests: int = 0

    @property
    def notes(self) -> list[str]:
        return self.asked.notes


async def run(call: "IssuesInFile", context: Context) -> Outcome:
    """Return the issues in the files, in at most ten requests."""
    work = await to_thread.run_sync(_ask, call, context)
    if any(one.checkout for one in work.asked.files):
        await _read_commits(work, context)
    await to_thread.run_sync(_follow_renames, work)
    issues, has_more = await _list_issues(work, call, context)
    ranked = sorted(issues, key=lambda one: _rank(one, work))
    events = dict[str, list[dict[str, Any]]]()

    async def read(issue: dict[str, Any]) -> None:
        identity = str(issue["id"])
        work.requests += 1
        events[identity] = await _events(identity, call, context)

    await for_each(ranked[:MOST_READ], read, at_once=_AT_ONCE)
    placed = await to_thread.run_sync(_place, work, events)
    found = [(one, placed[str(one["id"])]) for one in ranked[:MOST_READ] if placed.get(str(one["id"]))]
    rows = rows_of(found)
    unread = len(ranked) - MOST_READ
    if unread > 0:
        many = f"{unread} or more" if has_more else str(unread)
        work.notes.append(
            f"{many} other active issues have frames in files of these names; they were not read, since a call sends "
            "ten requests at most. Give fewer paths or a shorter dateRange."
        )
    elsewhere = min(len(ranked), MOST_READ) - len(found)
    if elsewhere:
        work.notes.append(f"{elsewhere} issues that were read name other files of the same names.")
    without = [one.shown for one in work.asked.files if not any(place.file == one for _, at in found for place in at)]
    if without:
        more = f" and {len(without) - _MOST_NAMED} more" if len(without) > _MOST_NAMED else ""
        work.notes.append(f"No active issue was found in {', '.join(without[:_MOST_NAMED])}{more}.")
    left = len(rows.all) - len(rows.shown)
    if left:
        work.notes.append(f"{left} more rows are left out.")
    data = {
        "files": [one.shown for one in work.asked.files],
        "issues": rows.all,
        "not_read": max(unread, 0),
        "requests": work.requests,
    }
    return Outcome(data, list(dict.fromkeys(work.notes)), display={"issues": rows.shown})


def _ask(call: "IssuesInFile", context: Context) -> _Work:
    """Return the files that a call asks about.

    Raises:
        WorkflowError: there are none that may be read.
    """
    roots = Roots(context.environment.roots)
    try:
        if call.paths is not None:
            return _Work(roots, named_files(roots, call.paths, Budget()))
        return _Work(roots, changed_on_branch(roots, call.base, Budget()))
    except RepositoryError as error:
        raise WorkflowError(
            "broken_repository", "The changed files are not known.", f"The repository: {error}.", "Give paths."
        ) from error


async def _read_commits(work: _Work, context: Context) -> None:
    """Read the commits of the newest releases, at which files may have had other names."""
    work.requests += 1
    try:
        answer = as_object(await send_endpoint(context.sender, ListReleases(limit=_MOST_RELEASES)))
    except (ForbiddenError, RefusedError):
        work.notes.append("The list of releases was refused, so renamed files are known by today's names alone.")
        return
    rows = as_objects(answer.get("results"))[:_MOST_RELEASES]
    rows.sort(key=lambda one: text_of(one, "created_at"), reverse=True)
    work.commits = list(dict.fromkeys(commit for one in rows if (commit := commit_of(one))))[:_MOST_COMMITS]


def _follow_renames(work: _Work) -> None:
    """Replace files that are missing today by what they were renamed to, and find the names of all files."""
    with ExitStack() as stack:
        for sources in open_sources(work.roots, work.asked.files, stack):
            work.notes.extend(sources.notes)
            for file in sources.files:
                if not file.is_there:
                    _replace(work, file, sources)
    work.names = {one.parts[-1] for one in work.asked.files if suffixes.is_text(one.parts[-1])}
    with ExitStack() as stack:
        for sources in open_sources(work.roots, work.asked.files, stack):
            if sources.versions is not None:
                try:
                    work.names |= sources.versions.names(work.commits)
                except RepositoryError as error:
                    work.notes.append(f"Earlier names of the files are not all known: {error}.")


def _replace(work: _Work, file: AskedFile, sources: Sources) -> None:
    """Replace a missing file by the one that it was renamed to, and note it."""
    renamed, commit = None, ""
    if sources.versions is not None:
        try:
            renamed, commit = sources.versions.renamed_since(file, work.commits)
        except (RepositoryError, WorkflowError) as error:
            work.notes.append(f"It is not known if {file.shown} was renamed: {error}.")
    if renamed is not None:
        place = work.asked.files.index(file)
        work.asked.files[place : place + 1] = [] if renamed in work.asked.files else [renamed]
        work.notes.append(f"{file.shown} is called {renamed.shown} today: that file is looked at.")
    elif commit:
        work.notes.append(f"{file.shown} was deleted after the release's commit {commit[:10]}.")
    else:
        work.notes.append(f"There is no file {file.shown} today: frames are compared with its path alone.")


async def _list_issues(work: _Work, call: "IssuesInFile", context: Context) -> tuple[list[dict[str, Any]], bool]:
    """Return the active issues with a frame of the app in files of these names, and True if there are more."""
    work.requests += 1
    asked: dict[str, Any] = {
        "dateRange": _dates(call),
        "orderBy": "occurrences",
        "limit": _MOST_ISSUES,
        "filterGroup": [
            {"type": "event", "key": "$exception_sources", "operator": "icontains", "value": sorted(work.names)}
        ],
    }
    answer = as_object(await send_endpoint(context.sender, QueryIssues.model_validate(asked)))
    rows = [one for one in as_objects(answer.get("results"))[:_MOST_ISSUES] if uuid_of(one.get("id"))]
    return rows, answer.get("hasMore") is True


def _rank(issue: dict[str, Any], work: _Work) -> tuple[bool, bool, int, str]:
    """Sort issues whose newest error lies in the files first, then new ones, then those with most events."""
    path = text_of(issue, "source").replace("\\", "/")
    is_near = any(path.endswith("/".join(file.parts[-2:])) for file in work.asked.files)
    first_seen = moment_of(issue.get("first_seen"))
    is_new = first_seen is not None and datetime.now(UTC) - first_seen < _NEW
    events = number_of(as_object(issue.get("aggregations")), "occurrences") or 0
    return not is_near, not is_new, -events, str(issue["id"])


async def _events(issue: str, call: "IssuesInFile", context: Context) -> list[dict[str, Any]]:
    asked: Any = {"issueId": issue, "dateRange": _dates(call), "include": ["exception", "stacktrace", "release"]}
    asked |= {"onlyAppFrames": True, "limit": _EVENTS, "verbosity": "stack"}
    query = QueryIssueEvents.model_validate(asked)
    return as_objects(as_object(await send_endpoint(context.sender, query)).get("results"))[:_EVENTS]


def _place(work: _Work, events: dict[str, list[dict[str, Any]]]) -> dict[str, list[Place]]:
    """Return the places of each issue, from its newest event that has some."""
    placed = dict[str, list[Place]]()
    with ExitStack() as stack:
        all_sources = open_sources(work.roots, work.asked.files, stack)
        for issue, sampled in events.items():
            for event in sampled:
                if found := _places(event, all_sources):
                    placed[issue] = found
                    break
        work.notes.extend([note for sources in all_sources for note in sources.notes])
    return placed


def _places(event: dict[str, Any], all_sources: Sequence[Sources]) -> list[Place]:
    found = list[Place]()
    for sources in all_sources:
        try:
            found += sources.place(event)
        except RepositoryError as error:
            sources.notes[f"Not all frames were placed: {error}."] = None
    return found


def _dates(call: "IssuesInFile") -> dict[str, Any]:
    return call.dateRange.model_dump(exclude_unset=True) if call.dateRange else _DEFAULT_RANGE
