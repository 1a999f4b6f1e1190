"""The text of a deploy report, in a bounded number of rows."""

from collections.abc import Mapping
from typing import Any

from mcp_errortracking.safe_text.escaping import cut_bytes
from mcp_errortracking.workflows.deploys.changes import KINDS, Change, Comparison, Kind
from mcp_errortracking.workflows.deploys.commits import ReleaseCommits
from mcp_errortracking.workflows.deploys.counts import RangeCounts
from mcp_errortracking.workflows.deploys.poisson import Certainty

_MOST_ROWS = 12
_LEAST_OF: Mapping[Kind, int] = {"new": 4, "reopened": 2, "rose": 3, "fell": 1, "gone": 1}
"""Rows that each kind may take before the others share what is left."""
_LONGEST_NAME, _LONGEST_AUTHOR, _LONGEST_SUBJECT = 40, 16, 40
"""Bytes: a character of some scripts takes a token or two."""
_SHORT_ID = 8
_MANY_ROWS, _FEW_COMMITS = 6, 4


def rows_of(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the rows of the table: the largest changes of each kind."""
    changes = comparison.changes
    room = {kind: min(len(changes[kind]), _LEAST_OF[kind]) for kind in KINDS}
    for kind in KINDS:
        room[kind] = min(len(changes[kind]), room[kind] + _MOST_ROWS - sum(room.values()))
    return [_row(one) for kind in KINDS for one in changes[kind][: room[kind]]]


def totals_of(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the counts of both ranges, and their rates an hour and a user."""
    return [
        {"range": "window", **_counts(comparison.window)},
        {"range": "before", **_counts(comparison.baseline)},
    ]


def commit_lines(commits: ReleaseCommits, rows: int) -> tuple[str, ...]:
    """Return a line for each commit, and one for those that are left out; fewer below a long table.

    Args:
        rows: of the table.
    """
    shown = commits.shown[:_FEW_COMMITS] if rows > _MANY_ROWS else commits.shown
    lines = [
        f"{one.id[:_SHORT_ID]} {cut_bytes(one.author, _LONGEST_AUTHOR)}: {cut_bytes(one.subject, _LONGEST_SUBJECT)}"
        for one in shown
    ]
    left = commits.count - len(shown)
    return (*lines, *([f"and {left} older ones"] if left else []))


def _row(change: Change) -> dict[str, Any]:
    """Return a row; only a rise or a fall can be unsure, the other kinds are facts."""
    is_unsure = change.kind in ("rose", "fell") and change.certainty is Certainty.MAYBE
    return {
        "change": f"maybe {change.kind}" if is_unsure else change.kind,
        "id": change.id,
        "name": cut_bytes(change.name, _LONGEST_NAME),
        "users": change.users,
        "before": change.users_before,
        "occurrences": change.occurrences,
        "times": change.as_json()["times"],
    }


def _counts(counts: RangeCounts) -> dict[str, Any]:
    hours = counts.time.hours
    return {
        "issues": len(counts.issues),
        "users": counts.users,
        "users_per_hour": _rate(counts.users / hours),
        "occurrences": counts.occurrences,
        "occurrences_per_hour": _rate(counts.occurrences / hours),
        "occurrences_per_user": _rate(counts.occurrences / counts.users) if counts.users else None,
    }


def _rate(value: float) -> float:
    return round(value, 2)
