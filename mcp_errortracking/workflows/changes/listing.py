"""The list of changes."""

import json
from typing import TYPE_CHECKING, Any

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.journal.change import Change
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.changes.journal import changes_of, time_of

if TYPE_CHECKING:
    from mcp_errortracking.workflows.changes.tools import ListChanges

_DEFAULT = 20
_LONGEST_ARGUMENTS = 300
_UNKNOWN = (
    "Of an unknown change no end was recorded: it is under way, or its process ended. Read the object to find out if "
    "PostHog applied it, before you repeat it."
)


async def run(call: "ListChanges", context: Context) -> Outcome:
    """Return the latest changes of the project."""
    found, has_more = await changes_of(context, call.limit or _DEFAULT, before=call.before)
    rows = [_row(change) for change in found]
    notes = [_UNKNOWN] if any(change.state == "unknown" for change in found) else []
    if has_more:
        notes.append(f"There are older changes: before {found[-1].id}.")
    shown = [{**row, "arguments": _short(row["arguments"])} for row in rows]
    return Outcome({"results": rows}, notes, display={"results": shown})


def _row(change: Change) -> dict[str, Any]:
    write, end = change.write, change.end
    state: str = change.state
    if state == "failed" and end is not None and end.maybe_applied:
        state = "failed, maybe applied"
    undone = ", ".join(f"undone by {number}" for number in change.undone_by)
    row: dict[str, Any] = {
        "id": change.id,
        "time": time_of(change),
        "called": write.call.tool,
        "arguments": dict(write.call.arguments),
        "state": undone or state,
        "undo": "none" if change.undone_by or change.state == "failed" else (end.undo if end else "unknown"),
    }
    if write.undoes is not None:
        row["undoes"] = write.undoes
    if end is not None and end.error:
        row["error"] = end.error
    return row


def _short(arguments: dict[str, Any]) -> str:
    text = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST_ARGUMENTS else f"{text[:_LONGEST_ARGUMENTS]}..."
