"""The record of a job in the journal: one entry, however many requests the job makes."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import anyio
from anyio import to_thread

from mcp_errortracking.catalog import Endpoint
from mcp_errortracking.journal.change import Call, End, Undo, Write
from mcp_errortracking.journal.database import JournalError
from mcp_errortracking.proxy.sender import project_of
from mcp_errortracking.workflows.base import Context, Workflow

_T = TypeVar("_T")


class JobRecord:
    """The entry of a job: begun before its first write, ended after its last.

    A job that is cancelled, or whose process ends, stays in the journal as unknown. A journal that cannot be written
    never fails the job: `notes` says so. Without a journal all of this does nothing.
    """

    def __init__(self, context: Context, call: Workflow) -> None:
        self._context = context
        self._call = call
        self._journal = None if context.recording is None else context.recording.journal_of(context.sender)
        self._change: int | None = None
        self.notes: list[str] = []

    @property
    def is_kept(self) -> bool:
        """True if the job is in the journal."""
        return self._change is not None

    async def begin(self) -> None:
        """Record that the job is about to write."""
        recording, journal = self._context.recording, self._journal
        if recording is None or journal is None:
            return
        arguments = self._call.model_dump(mode="json", by_alias=True, exclude_unset=True)
        project = project_of(self._context.sender) or ""
        write = Write(Call(self._call.tool, arguments), recording.host, project)
        self._change = await self._try(lambda: journal.begin(write), "This job is not in the journal")

    async def done(
        self, after: Mapping[str, Any], *, inverse: Endpoint | None = None, undo: Undo = "none", loss: str = ""
    ) -> None:
        """Record the result of the job, the call that undoes it, and what that does not restore."""
        call = inverse and Call(inverse.tool, inverse.model_dump(mode="json", by_alias=True, exclude_unset=True))
        await self._end(End("done", after=after, inverse=call, undo=undo, loss=loss))

    async def failed(self, error: Exception, *, maybe_applied: bool) -> None:
        """Record the failure of the job."""
        await self._end(End("failed", error=str(error), maybe_applied=maybe_applied))

    async def _end(self, end: End) -> None:
        journal, change = self._journal, self._change
        if journal is None or change is None:
            return
        with anyio.CancelScope(shield=True):
            await self._try(lambda: journal.end(change, end), f"The journal holds change {change} without its result")

    async def _try(self, write: Callable[[], _T], problem: str) -> _T | None:
        try:
            return await to_thread.run_sync(write)
        except JournalError as error:
            self.notes.append(f"{problem}: {error}.")
            return None
