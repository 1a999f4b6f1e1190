"""The verdict on a deploy, with its reasons."""

from dataclasses import dataclass
from enum import StrEnum

from mcp_errortracking.workflows.deploys.changes import Change, Comparison
from mcp_errortracking.workflows.deploys.poisson import Certainty, certainty

_LEAST_USERS = 5
"""Affected users from which on a new issue counts as a regression."""
_LEAST_RISE = 1.5
"""Times from which on a sure rise of an issue counts as a regression: smaller ones come with the day's traffic."""
_LEAST_TOTAL_RISE = 1.2
"""The same of all issues together. With many users a rise of a few percent is sure, too."""
_DETECTABLE = 3
"""A baseline so small that not even this many times its rate would be sure is too little data."""


class Judgement(StrEnum):
    """The outcome of a comparison."""

    REGRESSION = "regression"
    TOO_LITTLE_DATA = "too little data"
    NO_REGRESSION = "no regression found"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement and its reasons, a sentence each."""

    judgement: Judgement
    reasons: tuple[str, ...]


def judge(comparison: Comparison) -> Verdict:
    """Return the verdict on the window of a comparison."""
    reasons = tuple(filter(None, _regressions(comparison)))
    if reasons:
        return Verdict(Judgement.REGRESSION, reasons)
    window, baseline = comparison.window, comparison.baseline
    if not window.issues and not baseline.issues:
        return Verdict(Judgement.TOO_LITTLE_DATA, ("No exception came in either range.",))
    if not _would_show(baseline.users, window.time.hours, baseline.time.hours):
        few = f"Only {_users(baseline.users)} before: not even {_DETECTABLE} times that rate would be a sure rise."
        return Verdict(Judgement.TOO_LITTLE_DATA, (few,))
    reopened = "none reopened" if comparison.knows_reopened else "reopened ones not known"
    none = f"No new issue with {_LEAST_USERS} affected users, {reopened}, no sure rise to {_LEAST_RISE} times."
    return Verdict(Judgement.NO_REGRESSION, (none,))


def _regressions(comparison: Comparison) -> list[str]:
    """Return a reason for each kind of regression; an empty text for those that are not there."""
    changes = comparison.changes
    new = [one for one in changes["new"] if (one.users or 0) >= _LEAST_USERS]
    rose = [one for one in changes["rose"] if _is_steep(one)]
    return [
        f"{_issues(len(new), 'new issue')} with {_LEAST_USERS} or more affected users." if new else "",
        f"{_issues(len(changes['reopened']), 'issue')} reopened." if changes["reopened"] else "",
        f"{_issues(len(rose), 'issue')} surely rose to {_LEAST_RISE} times or more." if rose else "",
        f"Affected users of all issues together surely rose{_factor(comparison.total_times)}."
        if _all_rose(comparison)
        else "",
    ]


def _all_rose(comparison: Comparison) -> bool:
    """True if all users together rose surely and enough. Of an incomplete baseline the total is too low to compare."""
    if comparison.total is not Certainty.SURE or not comparison.baseline.is_whole:
        return False
    return comparison.total_times is None or comparison.total_times >= _LEAST_TOTAL_RISE


def _is_steep(change: Change) -> bool:
    """True if a rise counts as a regression."""
    return change.certainty is Certainty.SURE and (change.times is None or change.times >= _LEAST_RISE)


def _would_show(users: int, hours: float, hours_before: float) -> bool:
    """True if a rate of several times that of the baseline would be a sure rise."""
    risen = round(_DETECTABLE * users * hours / hours_before)
    return certainty(risen, hours, users, hours_before) is Certainty.SURE


def _factor(times: float | None) -> str:
    return "" if times is None else f" to {times:.2f} times"


def _issues(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _users(count: int) -> str:
    return f"{count} affected user{'' if count == 1 else 's'}"
