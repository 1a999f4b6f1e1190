"""Run a deploy report: the two ranges, their issues, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.concurrency import for_each
from mcp_errortracking.workflows.deploys.changes import compare
from mcp_errortracking.workflows.deploys.commits import ReleaseCommits, commits_of
from mcp_errortracking.workflows.deploys.counts import RangeCounts, count_issues
from mcp_errortracking.workflows.deploys.display import commit_lines, rows_of, totals_of
from mcp_errortracking.workflows.deploys.ranges import TimeRange, before, iso, read_range, refuse_overlap, since
from mcp_errortracking.workflows.deploys.releases import FoundRelease, Release, find_release
from mcp_errortracking.workflows.deploys.reopened import reopened_issues
from mcp_errortracking.workflows.deploys.verdict import judge
from mcp_errortracking.workflows.problems import WorkflowError, quoted

if TYPE_CHECKING:
    from mcp_errortracking.workflows.deploys.tools import DeployReport

_BY_TIME = "Counted by time: errors of older versions that are still in use count too."
_MOST_NAMED = 3
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class _Subject:
    """The ranges of a report, and the release that begins the first."""

    window: TimeRange
    baseline: TimeRange
    found: FoundRelease | None


async def run(call: "DeployReport", context: Context) -> Outcome:
    """Compare the time since a release with the time before, in at most 12 requests."""
    subject = await _subject(call, context)
    await context.progress(1, 4, "counting issues")
    window, baseline = await _counts(subject, context)
    await context.progress(3, 4, "reading the activity log")
    reopened = await reopened_issues(context.sender, subject.window)
    comparison = compare(window, baseline, reopened.names)
    verdict = judge(comparison)
    commits = await _commits(subject, context)
    found = subject.found
    changes = {kind: [one.as_json() for one in changed] for kind, changed in comparison.changes.items()}
    data: dict[str, Any] = {
        "verdict": str(verdict.judgement),
        "reasons": list(verdict.reasons),
        "release": None if found is None else _release(found.release),
        "window": subject.window.as_json(),
        "baseline": subject.baseline.as_json(),
        "totals": totals_of(comparison),
        "users_change": {
            "times": None if comparison.total_times is None else round(comparison.total_times, 2),
            "certainty": str(comparison.total),
        },
        **changes,
        "too_few_to_say": comparison.too_few,
        "complete": window.is_whole and baseline.is_whole,
        "commits": commits.as_json(),
        "commit_count": commits.count,
    }
    notes = [*_notes_on(found, subject.window), _BY_TIME, *_omissions(window, baseline), reopened.note, commits.note]
    rows = rows_of(comparison)
    display = {
        "verdict": f"{verdict.judgement}: {' '.join(verdict.reasons)}",
        "release": None if found is None else _one_line(found.release),
        "window": str(subject.window),
        "before": str(subject.baseline),
        "totals": data["totals"],
        "users_change": data["users_change"],
        "issues": ", ".join(f"{len(changed)} {kind}" for kind, changed in changes.items())
        + f", {comparison.too_few} the same or too few to say",
        "changes": rows,
        "commits": commit_lines(commits, len(rows)),
    }
    left = sum(map(len, changes.values())) - len(rows)
    if left:
        notes.insert(0, f"{left} more changed issues are left out of the table.")
    shown = {name: value for name, value in display.items() if value}
    return Outcome(data, [note for note in notes if note], display=shown)


async def _subject(call: "DeployReport", context: Context) -> _Subject:
    """Return the ranges that a call asks about.

    Raises:
        WorkflowError: the release does not exist, or a range cannot be compared.
        PostHogError: no answer.
    """
    now = datetime.now(UTC)
    found = None
    if call.dateRange is not None:
        window = read_range(call.dateRange, "dateRange", now)
    else:
        found = await find_release(context.sender, call.release)
        created = found.release.created
        if created >= now:
            raise WorkflowError(
                "not_yet",
                f"The release {quoted(found.release.version[:_LONGEST_NAME])} was created at {iso(created)}, "
                "which lies ahead of this machine's clock.",
                next_step="Check the clock, or call again later.",
            )
        window = since(created, now)
    baseline = before(window) if call.compareTo is None else read_range(call.compareTo, "compareTo", now)
    refuse_overlap(window, baseline)
    return _Subject(window, baseline, found)


async def _counts(subject: _Subject, context: Context) -> tuple[RangeCounts, RangeCounts]:
    """Return the issues of both ranges, asked for at the same time."""
    counted = dict[TimeRange, RangeCounts]()

    async def count(time: TimeRange) -> None:
        counted[time] = await count_issues(context.sender, time)

    await for_each((subject.window, subject.baseline), count, at_once=2)
    return counted[subject.window], counted[subject.baseline]


async def _commits(subject: _Subject, context: Context) -> ReleaseCommits:
    roots = context.environment.roots
    if subject.found is None or not roots:
        return ReleaseCommits()
    return await to_thread.run_sync(commits_of, subject.found, roots)


def _release(release: Release) -> dict[str, Any]:
    return {
        "id": release.id,
        "version": release.version,
        "project": release.product,
        "created_at": iso(release.created),
        "commit_id": release.commit or None,
        "branch": release.branch or None,
    }


def _one_line(release: Release) -> str:
    parts = (
        release.version[:_LONGEST_NAME],
        f"of {release.product[:_LONGEST_NAME]}" if release.product else "",
        f"commit {release.commit[:10]}" if release.commit else "",
        f"branch {release.branch[:_LONGEST_NAME]}" if release.branch else "",
    )
    return ", ".join(filter(None, parts))


def _notes_on(found: FoundRelease | None, window: TimeRange) -> list[str]:
    """Return notes on later releases in the window, and on others of the same name."""
    if found is None:
        return []
    notes = list[str]()
    if later := [one for one in found.later if window.holds(one.created)]:
        notes.append(f"The window holds later releases of this product too: {_names(later)}.")
    if found.others:
        count = len(found.others)
        fit = "1 older release fits" if count == 1 else f"{count} older releases fit"
        notes.append(f"{fit} this name too; this is the newest.")
    return notes


def _names(releases: Sequence[Release]) -> str:
    names = [quoted(one.version[:_LONGEST_NAME]) for one in releases[-_MOST_NAMED:]]
    more = len(releases) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _omissions(window: RangeCounts, baseline: RangeCounts) -> list[str]:
    """Return a note on each range with more issues than were read."""
    return [
        f"Only the {len(one.issues)} issues with most users {where} were read: totals are those of these issues, and "
        "any other counts as one with the fewest of their users."
        for one, where in ((window, "in the window"), (baseline, "before"))
        if not one.is_whole
    ]
