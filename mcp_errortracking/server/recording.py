"""Record the writes of a server in a journal: what was before, the requests, the answer, and the call that undoes it.

A journal that cannot be written never fails a write: the result carries a note.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import anyio
from anyio import to_thread

from mcp_errortracking.catalog import Endpoint, Outcome
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.journal.change import Call, End, Undo, Write
from mcp_errortracking.journal.store import Journal, JournalError
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import JsonAnswer, Sender, SendOptions
from mcp_errortracking.server.unexpected_errors import log_unexpected_error

logger = logging.getLogger(__name__)

_NOT_DONE = "PostHog accepted the call, but did not do all that was asked."


@dataclass(slots=True)
class _Writes:
    """A sender that keeps the requests that change something; `is_applied` once PostHog answered one of them."""

    sender: Sender
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    is_applied: bool = False

    async def send(self, method: str, path: str, **options: Unpack[SendOptions]) -> JsonAnswer:
        if method == "GET":
            return await self.sender.send(method, path, **options)
        request = {"method": method, "path": path, "query": options.get("query"), "json": options.get("json")}
        self.requests.append({name: value for name, value in request.items() if value is not None})
        answer = await self.sender.send(method, path, **options)
        self.is_applied = True
        return answer


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records writes to the PostHog at `host` in a journal."""

    journal: Journal
    host: str

    async def record(
        self, sender: Sender, call: Endpoint, project: str, send: Callable[[Sender], Awaitable[Outcome]]
    ) -> Outcome:
        """Make a write by `send`, and record it before and after.

        A call that is cancelled, or whose process ends, stays in the journal as unknown.

        Raises:
            PostHogError: by `send`.
        """
        before = await _read(sender, call)
        undo = _undo_of(call) if before is not None and type(call).inverse is not Endpoint.inverse else "none"
        write = Write(_call(call), self.host, project, before, undo)
        try:
            change = await to_thread.run_sync(self.journal.begin, write)
        except JournalError as error:
            return _noted(await send(sender), "This change is not in the journal", error)
        writes = _Writes(sender)
        try:
            outcome = await send(writes)
        except PostHogError as error:
            maybe_applied = error.maybe_applied or writes.is_applied
            end = End("failed", writes.requests, status=error.status, error=str(error), maybe_applied=maybe_applied)
            if (problem := await self._end(change, end)) is not None:
                logger.warning("the failure of change %d is not in the journal: %s", change, problem)
            raise
        problem = await self._end(change, _end_of(call, before, outcome, writes))
        unknown = f"The journal holds change {change} without its result"
        return outcome if problem is None else _noted(outcome, unknown, problem)

    async def _end(self, change: int, end: End) -> JournalError | None:
        """Record the end of a write, also if the call is cancelled now; return the reason if it was not recorded."""
        with anyio.CancelScope(shield=True):
            try:
                await to_thread.run_sync(self.journal.end, change, end)
            except JournalError as error:
                return error
        return None


async def _read(sender: Sender, call: Endpoint) -> Mapping[str, Any] | None:
    """Return what the inverse takes as the object before; None if it cannot be read."""
    try:
        return await send_steps(sender, call.snapshot(), read_only=True)
    except PostHogError:
        return None  # the write says the same, or works without


def _end_of(call: Endpoint, before: Mapping[str, Any] | None, outcome: Outcome, writes: _Writes) -> End:
    if outcome.failed:
        error = " ".join(outcome.notes) or _NOT_DONE
        return End("failed", writes.requests, outcome.data, error=error, maybe_applied=writes.is_applied)
    inverse = None
    try:
        inverse = None if before is None else call.inverse(before, outcome.data)
    except Exception as error:  # of an answer in an unknown form; the write is done
        log_unexpected_error(call.tool, error)
    undo = "none" if inverse is None else _undo_of(call)
    return End("done", writes.requests, outcome.data, None if inverse is None else _call(inverse), undo)


def _undo_of(call: Endpoint) -> Undo:
    return "approximate" if call.undo_loss else "exact"


def _call(call: Endpoint) -> Call:
    return Call(call.tool, call.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _noted(outcome: Outcome, what: str, why: JournalError) -> Outcome:
    return replace(outcome, notes=[*outcome.notes, f"{what}: {why}. Note the old values if it may have to be undone."])
