"""Record the writes of a server in a journal: what was before, the requests, the answer, and the call that undoes it.

A journal that cannot be written never fails a write: the result carries a note.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack, cast

import anyio
from anyio import to_thread

from mcp_errortracking.catalog import Endpoint, Outcome
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.journal.change import NOT_RECORDED, Call, End, Undo, Write
from mcp_errortracking.journal.database import JournalError
from mcp_errortracking.journal.store import Journal
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import JsonAnswer, Sender, SendOptions, account_of
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
    """Records writes to the PostHog at `host` in a journal; `per_caller`: callers see only what their own key wrote."""

    journal: Journal
    host: str
    per_caller: bool = False

    def journal_of(self, sender: Sender) -> Journal:
        """Return the journal of the key that a sender sends with."""
        return self.journal.of(account_of(sender)) if self.per_caller else self.journal

    async def record(
        self,
        sender: Sender,
        call: Endpoint,
        project: str,
        send: Callable[[Sender], Awaitable[Outcome]],
        *,
        undoes: int | None = None,
    ) -> Outcome:
        """Make a write by `send`, and record it before and after.

        A call that is cancelled, or whose process ends, stays in the journal as unknown.

        Args:
            undoes: the change that the write undoes.

        Raises:
            PostHogError: by `send`.
            AlreadyUndoneError: another write undid the change, or is about to; nothing was sent.
        """
        journal, hidden = self.journal_of(sender), call.unrecorded
        before = await _read(sender, call)
        undo = _undo_of(call) if before is not None and type(call).inverse is not Endpoint.inverse else "none"
        write = Write(_call(call, hidden), self.host, project, _without(before, hidden), undo, undoes)
        try:
            change = await to_thread.run_sync(journal.begin, write)
        except JournalError as error:
            return _noted(await send(sender), "This change is not in the journal", error)
        writes = _Writes(sender)
        try:
            outcome = await send(writes)
        except PostHogError as error:
            maybe_applied = error.maybe_applied or writes.is_applied
            sent = _without(writes.requests, hidden)
            end = End("failed", sent, status=error.status, error=str(error), maybe_applied=maybe_applied)
            if (problem := await _end(journal, change, end)) is not None:
                logger.warning("the failure of change %d is not in the journal: %s", change, problem)
            raise
        problem = await _end(journal, change, _end_of(call, before, outcome, writes))
        unknown = f"The journal holds change {change} without its result"
        return outcome if problem is None else _noted(outcome, unknown, problem)


async def _end(journal: Journal, change: int, end: End) -> JournalError | None:
    """Record the end of a write, even if the call is cancelled now; return the reason if it was not recorded."""
    with anyio.CancelScope(shield=True):
        try:
            await to_thread.run_sync(journal.end, change, end)
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
    hidden = call.unrecorded
    sent, after = _without(writes.requests, hidden), _without(outcome.data, hidden)
    if outcome.failed:
        error = " ".join(outcome.notes) or _NOT_DONE
        return End("failed", sent, after, error=error, maybe_applied=writes.is_applied)
    inverse = None
    try:
        inverse = None if before is None else call.inverse(before, outcome.data)
    except Exception as error:  # of an answer in an unknown form; the write is done
        log_unexpected_error(call.tool, error)
    if inverse is not None and inverse.model_fields_set & set(hidden):
        inverse = None  # it needs what is not recorded
    undo = "none" if inverse is None else _undo_of(call)
    return End("done", sent, after, None if inverse is None else _call(inverse), undo)


def _undo_of(call: Endpoint) -> Undo:
    return "approximate" if call.undo_loss else "exact"


def _call(call: Endpoint, hidden: Sequence[str] = ()) -> Call:
    return Call(call.tool, _without(call.model_dump(mode="json", by_alias=True, exclude_unset=True), hidden))


def _without(value: Any, hidden: Sequence[str]) -> Any:
    """Return a JSON value with a mark in place of each member of these names, wherever it stands."""
    if not hidden:
        return value
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {name: NOT_RECORDED if name in hidden else _without(one, hidden) for name, one in members.items()}
    if isinstance(value, list | tuple):
        return [_without(one, hidden) for one in cast("Sequence[Any]", value)]
    return value


def _noted(outcome: Outcome, what: str, why: JournalError) -> Outcome:
    return replace(outcome, notes=[*outcome.notes, f"{what}: {why}. Note the old values if it may have to be undone."])
