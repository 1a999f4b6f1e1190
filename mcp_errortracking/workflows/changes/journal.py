"""The journal of a call: its changes in the project that the call works in."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from anyio import to_thread

from mcp_errortracking.journal.change import Change
from mcp_errortracking.journal.database import JournalError
from mcp_errortracking.proxy.sender import project_of
from mcp_errortracking.workflows.base import Context, Recording
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.times import in_seconds

_T = TypeVar("_T")
_PAGE = 100
_MOST_READ = 1_000


def recording_of(context: Context) -> Recording:
    """Return what records the changes.

    Raises:
        WorkflowError: this server keeps no journal.
    """
    if context.recording is None:
        raise WorkflowError(
            "no_journal",
            "This server records no changes.",
            next_step="Its operator can start it with --journal PATH, or MCP_JOURNAL.",
        )
    return context.recording


async def changes_of(context: Context, limit: int, *, before: int | None = None) -> tuple[list[Change], bool]:
    """Return the latest changes of the project, newest first, and True if there may be more.

    Raises:
        WorkflowError: the journal cannot be read, or is not kept.
    """
    journal = recording_of(context).journal_of(context.sender)
    found, read = list[Change](), 0
    while len(found) <= limit and read < _MOST_READ:
        page = await _read(partial(journal.latest, _PAGE, before=before))
        found += [change for change in page if _is_of_project(change, context)]
        read += len(page)
        if len(page) < _PAGE:
            break
        before = page[-1].id
    return found[:limit], len(found) > limit


async def change_of(context: Context, identity: int) -> Change | None:
    """Return one change of the project; None if the journal does not hold it.

    Raises:
        WorkflowError: as for `changes_of`.
    """
    journal = recording_of(context).journal_of(context.sender)
    found = await _read(partial(journal.find, identity))
    return found if found is not None and _is_of_project(found, context) else None


async def _read(read: Callable[[], _T]) -> _T:
    try:
        return await to_thread.run_sync(read)
    except JournalError as error:
        why = f"{str(error)[:1].upper()}{str(error)[1:]}."
        raise WorkflowError("journal_unreadable", "The journal cannot be read.", why) from None


def _is_of_project(change: Change, context: Context) -> bool:
    """True if a change was made in the project, and at the host, that the call works in."""
    return (change.write.host, change.write.project) == (
        recording_of(context).host,
        project_of(context.sender) or "",
    )


def time_of(change: Change) -> str:
    """Return when a change began, ISO 8601 in UTC."""
    return in_seconds(datetime.fromtimestamp(change.began, UTC))
