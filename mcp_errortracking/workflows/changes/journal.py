"""The journal of a call: its changes in the project that the call works in."""

from datetime import UTC, datetime

from anyio import to_thread

from mcp_errortracking.journal.change import Change
from mcp_errortracking.journal.store import JournalError
from mcp_errortracking.proxy.sender import project_of
from mcp_errortracking.workflows.base import Context, Recording
from mcp_errortracking.workflows.problems import WorkflowError

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
    recording = recording_of(context)
    found, read = list[Change](), 0
    while len(found) <= limit and read < _MOST_READ:
        try:
            page = await to_thread.run_sync(
                lambda: recording.journal_of(context.sender).latest(_PAGE, before=before)  # noqa: B023
            )
        except JournalError as error:
            raise WorkflowError(
                "journal_unreadable", "The journal cannot be read.", f"{str(error)[:1].upper()}{str(error)[1:]}."
            ) from None
        found += [change for change in page if is_of_project(change, context)]
        read += len(page)
        if len(page) < _PAGE:
            break
        before = page[-1].id
    return found[:limit], len(found) > limit


def is_of_project(change: Change, context: Context) -> bool:
    """True if a change was made in the project, and at the host, that the call works in."""
    return (change.write.host, change.write.project) == (
        recording_of(context).host,
        project_of(context.sender) or "",
    )


def time_of(change: Change) -> str:
    """Return when a change began, ISO 8601 in UTC."""
    return datetime.fromtimestamp(change.began, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
