"""The difference between two ranges, issue by issue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcp_errortracking.workflows.deploys.counts import IssueCounts, RangeCounts
from mcp_errortracking.workflows.deploys.poisson import Certainty, certainty

Kind = Literal["new", "reopened", "rose", "fell", "gone"]
KINDS: tuple[Kind, ...] = ("new", "reopened", "rose", "fell", "gone")


@dataclass(frozen=True, slots=True)
class Change:
    """An issue whose errors changed. The counts are of the window, and of the baseline (`_before`).

    A count is None if it is not known: the issue is beyond the listed ones. `times`: the rate of affected users in
    multiples of the rate before, at least; None if there were none before.
    """

    kind: Kind
    id: str
    name: str
    users: int | None
    users_before: int | None
    occurrences: int | None
    occurrences_before: int | None
    times: float | None
    certainty: Certainty

    def as_json(self) -> dict[str, Any]:
        """Return the change as data."""
        return {
            "change": self.kind,
            "id": self.id,
            "name": self.name,
            "users": self.users,
            "users_before": self.users_before,
            "occurrences": self.occurrences,
            "occurrences_before": self.occurrences_before,
            "times": None if self.times is None else round(self.times, 2),
            "certainty": str(self.certainty),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ranges compared: the changes of each kind, the largest first, and the number of issues that are in no kind.

    `total` and `total_times` are those of all affected users together. `knows_reopened`: the activity log was read.
    """

    window: RangeCounts
    baseline: RangeCounts
    changes: Mapping[Kind, list[Change]]
    too_few: int
    knows_reopened: bool
    total: Certainty
    total_times: float | None


def compare(window: RangeCounts, baseline: RangeCounts, reopened: Mapping[str, str] | None) -> Comparison:
    """Compare two ranges by affected users: the occurrences of one user come in bursts, and are not independent.

    An issue that is missing in an incomplete range may have as many users there as the least of the listed ones: its
    change is measured from that number, so that nothing rises or goes only because it was not listed.

    Args:
        reopened: names by id; None if they are not known.
    """
    changes: dict[Kind, list[Change]] = {kind: [] for kind in KINDS}
    too_few, back = 0, reopened or {}
    names = {**back, **{one.id: one.name for one in (*baseline.issues.values(), *window.issues.values())}}
    for issue_id, name in names.items():
        now, then = window.issues.get(issue_id), baseline.issues.get(issue_id)
        users = now.users if now else window.most_users_of_others()
        is_new = now is not None and window.time.holds(now.first_seen)
        users_before = then.users if then else 0 if is_new else baseline.most_users_of_others()
        sure = certainty(users, window.time.hours, users_before, baseline.time.hours)
        times = _times(users, window.time.hours, users_before, baseline.time.hours)
        kind = "new" if is_new else _kind(now, then, window, sure, times, is_reopened=issue_id in back)
        if kind is None:
            too_few += 1
            continue
        changes[kind].append(
            Change(
                kind,
                issue_id,
                name,
                now.users if now else window.count_of_others(),
                then.users if then else 0 if is_new else baseline.count_of_others(),
                now.occurrences if now else window.count_of_others(),
                then.occurrences if then else 0 if is_new else baseline.count_of_others(),
                times,
                sure,
            )
        )
    for kind in KINDS:
        changes[kind].sort(key=_weight)
    rates = (window.users, window.time.hours, baseline.users, baseline.time.hours)
    return Comparison(window, baseline, changes, too_few, reopened is not None, certainty(*rates), _times(*rates))


def _kind(
    now: IssueCounts | None,
    then: IssueCounts | None,
    window: RangeCounts,
    sure: Certainty,
    times: float | None,
    *,
    is_reopened: bool,
) -> Kind | None:
    """Return the kind of a change of an older issue; None if there is none, or the counts are too small to say."""
    if is_reopened:
        return "reopened"
    if sure is Certainty.TOO_FEW:
        return None
    if times is None or times > 1:
        return "rose" if now is not None else None
    if now is not None:
        return "fell"
    return "gone" if then is not None and sure is Certainty.SURE and window.is_whole else None


def _weight(change: Change) -> tuple[bool, int, int, str]:
    """Sort sure changes first, then those of most users."""
    is_unsure = change.kind in ("rose", "fell") and change.certainty is not Certainty.SURE
    return is_unsure, -abs((change.users or 0) - (change.users_before or 0)), -(change.occurrences or 0), change.id


def _times(users: int, hours: float, users_before: int, hours_before: float) -> float | None:
    """Return a rate in multiples of another; None if that one is 0."""
    return (users / hours) / (users_before / hours_before) if users_before else None
