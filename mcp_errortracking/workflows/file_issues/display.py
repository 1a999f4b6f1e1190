"""The rows of issues in files, by file and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, number_of, text_of
from mcp_errortracking.safe_text.escaping import cut_bytes
from mcp_errortracking.workflows.file_issues.places import Place

_MOST_ROWS = 12
_LONGEST_NAME, _LONGEST_FUNCTION, _LONGEST_RELEASE, _LONGEST_PATH = 40, 24, 24, 80
"""Bytes: a character of some scripts takes a token or two."""


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows as data, and those of the table."""

    all: list[dict[str, Any]]
    shown: list[dict[str, Any]]


def rows_of(found: Sequence[tuple[dict[str, Any], list[Place]]]) -> Rows:
    """Return the rows by file and line; on a line, and where the table has no room, the first issues come first."""
    rows = [_row(issue, place) for issue, places in found for place in places]

    def by_line(row: dict[str, Any]) -> tuple[str, int]:
        return str(row["file"]), row["line"] or 0

    shown = [
        {
            **row,
            "file": _end(row["file"]),
            "name": cut_bytes(row["name"], _LONGEST_NAME),
            "function": cut_bytes(row["function"], _LONGEST_FUNCTION),
            "release": cut_bytes(row["release"], _LONGEST_RELEASE),
            "first_seen": row["first_seen"][:10],
        }
        for row in sorted(rows[:_MOST_ROWS], key=by_line)
    ]
    if not any(row["line_note"] for row in shown):
        shown = [{name: value for name, value in row.items() if name != "line_note"} for row in shown]
    return Rows(sorted(rows, key=by_line), shown)


def _row(issue: dict[str, Any], place: Place) -> dict[str, Any]:
    counts = as_object(issue.get("aggregations"))
    return {
        "file": place.file.shown,
        "line": place.line,
        "function": place.frame.function,
        "id": issue["id"],
        "name": ": ".join(filter(None, (text_of(issue, "name"), text_of(issue, "description")))) or "without a name",
        "occurrences": number_of(counts, "occurrences"),
        "users": number_of(counts, "users"),
        "first_seen": text_of(issue, "first_seen"),
        "release": place.release,
        "line_note": place.note,
    }


def _end(path: str) -> str:
    """Return a path, or the end of one that is long."""
    return path if len(path) <= _LONGEST_PATH else f"…{path[-_LONGEST_PATH:]}"
