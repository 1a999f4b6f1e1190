"""Undo of a change: only if it is known, has an inverse, and the object is still as the change left it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_errortracking.catalog import CATALOG, Endpoint, Outcome
from mcp_errortracking.catalog.endpoint import call_of
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.journal.change import NOT_RECORDED, Call, Change
from mcp_errortracking.journal.store import AlreadyUndoneError
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender, project_of
from mcp_errortracking.safe_text.escaping import break_tags
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.changes.journal import change_of, changes_of, recording_of, time_of
from mcp_errortracking.workflows.problems import WorkflowError

if TYPE_CHECKING:
    from mcp_errortracking.workflows.changes.tools import UndoChange

_LIST = "error-tracking-changes-list"
_MOST_SHOWN = 10
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class _Undo:
    """The call that undoes a change. `loss`: a sentence on what it does not restore; "" if nothing."""

    change: Change
    call: Endpoint
    original: Endpoint | None
    loss: str


async def run(call: "UndoChange", context: Context) -> Outcome:
    """Say what an undo would do, or do it.

    Raises:
        WorkflowError: the change cannot be undone; nothing was sent but reads.
    """
    undo = _undo_of(await _find(call.id, context), context)
    is_gone, differences = await _compare(undo, context.sender)
    problem = _problem(undo, is_gone=is_gone, differences=differences)
    plan = _plan(undo, differences, checked=differences is not None or is_gone)
    if call.dry_run is not False:
        notes = [problem] if problem else []
        if not is_gone:
            force = " and force" if problem else ""
            notes.append(f"To undo it, call again with id {undo.change.id}, dry_run false{force}.")
        return Outcome(plan, ["Nothing was changed.", *notes])
    if is_gone or (problem and not call.force):
        way_on = "" if is_gone else "Give force to undo it anyway."
        raise WorkflowError("changed_since", "Nothing was undone.", problem, way_on)
    recording, project = recording_of(context), project_of(context.sender) or ""
    context.writes.becomes(
        f"Change {undo.change.id} may be undone or not: {_LIST} has the undo as unknown if it was under way. "
        f"{_look(undo)}"
    )
    try:
        outcome = await recording.record(context.sender, undo.call, project, _sending(undo.call), undoes=undo.change.id)
    except AlreadyUndoneError as other:
        raise _refuse(
            "already_undone",
            f"Change {undo.change.id} is undone by change {other.by}, or is being undone.",
            f"See {_LIST}.",
        ) from None
    done = "was not undone." if outcome.failed else "was undone."
    notes = [f"Change {undo.change.id} {done}", *([undo.loss] if undo.loss else []), *outcome.notes]
    shown = outcome.data if outcome.display is None else outcome.display
    number = {"undone": undo.change.id}
    return Outcome({**number, **outcome.data}, notes, outcome.failed, {**number, **shown})


def _look(undo: _Undo) -> str:
    arguments = undo.call.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return f"Read the object, and compare it with what the undo was to set: {_json(arguments)}."


def _sending(call: Endpoint) -> Callable[[Sender], Awaitable[Outcome]]:
    return lambda sender: send_steps(sender, call.steps(), read_only=call.read_only)


async def _find(wanted: int | None, context: Context) -> Change:
    """Return the change with an id, or the latest one that an undo can be meant for."""
    if wanted is None:
        found, _ = await changes_of(context, 100)
        for change in found:
            is_failed = change.state == "failed" and not (change.end and change.end.maybe_applied)
            if not change.undone_by and change.write.undoes is None and not is_failed:
                return change
        raise _refuse("no_change", "There is no change to undo in this project.")
    change = await change_of(context, wanted)
    if change is None:
        what = f"The journal has no change {wanted} of this project."
        raise _refuse("unknown_change", what, f"List them with {_LIST}.")
    return change


def _undo_of(change: Change, context: Context) -> _Undo:
    """Return the call that undoes a change.

    Raises:
        WorkflowError: there is none, or it may not be made here.
    """
    what, end = f"Change {change.id} ({change.write.call.tool}, {time_of(change)})", change.end
    look = f"Read the object, and compare it with what the change was to set: {_json(change.write.call.arguments)}."
    if change.undone_by:
        raise _refuse("already_undone", f"{what} is undone already, by change {change.undone_by[-1]}.")
    if end is None:
        raise _refuse("unknown_end", f"{what} has no recorded end: PostHog may have applied it or not.", look)
    if change.state == "failed":
        if end.maybe_applied:
            raise _refuse("unknown_end", f"{what} failed, but PostHog may have applied it.", look)
        raise _refuse("not_applied", f"{what} failed and changed nothing: there is nothing to undo.")
    original = _call(change.write.call)
    inverse = None if end.inverse is None else _call(end.inverse)
    if inverse is None or inverse.read_only:
        raise _refuse("no_undo", f"{what} cannot be undone by a call.", _by_hand(change, original))
    if inverse.tool not in context.tools:
        what = f"Undoing change {change.id} takes {inverse.tool}, which this server does not offer."
        raise _refuse("not_offered", what)
    return _Undo(change, inverse, original, end.loss or (original.undo_loss if original is not None else ""))


def _by_hand(change: Change, original: Endpoint | None) -> str:
    if original is not None and set(change.write.call.arguments) & set(original.unrecorded):
        return f"The old values of {', '.join(original.unrecorded)} are not recorded, as they may hold secrets."
    before = change.write.before
    return f"The object as it was: {_json(before)}" if before else ""


async def _compare(undo: _Undo, sender: Sender) -> tuple[bool, Mapping[str, tuple[Any, Any]] | None]:
    """Return True if the object is gone, and the values that are not as the change left them; None: not comparable."""
    try:
        current = await send_steps(sender, undo.call.snapshot(), read_only=True)
    except PostHogError as error:
        if error.status != 404:
            raise
        return True, None
    end = undo.change.end
    if undo.original is None or end is None or end.after is None or not current:
        return False, None
    return False, undo.original.differences(end.after, current)


def _problem(undo: _Undo, *, is_gone: bool, differences: Mapping[str, tuple[Any, Any]] | None) -> str:
    """Return the reason not to undo a change; "" if there is none."""
    if is_gone:
        return "The object no longer exists: there is nothing to undo."
    if not differences:
        return ""
    first = list(differences.items())[:_MOST_SHOWN]
    listed = "; ".join(f"{name} was set to {_json(left)} and is {_json(now)}" for name, (left, now) in first)
    return f"The object was changed since: {listed}."


def _plan(undo: _Undo, differences: Mapping[str, tuple[Any, Any]] | None, *, checked: bool) -> dict[str, Any]:
    change, request = undo.change, undo.call.request()
    arguments = undo.call.model_dump(mode="json", by_alias=True, exclude_unset=True)
    sent = {"method": request.method, "path": request.path, "json": request.json}
    state = "changed since" if differences else "as the change left it" if checked else "not compared"
    return {
        "change": change.id,
        "made": time_of(change),
        "made_by": {"called": change.write.call.tool, "arguments": dict(change.write.call.arguments)},
        "undo_by": {"call": undo.call.tool, "arguments": arguments},
        "request": {name: value for name, value in sent.items() if value is not None},
        "restores": f"part of the state. {undo.loss}" if undo.loss else "the state, but not its side effects",
        "object": state,
    }


def _call(recorded: Call) -> Endpoint | None:
    """Return a recorded call; None if this version has no such tool, or does not accept it."""
    endpoint = CATALOG.get(recorded.tool)
    if endpoint is None:
        return None
    return call_of(endpoint, {name: value for name, value in recorded.arguments.items() if value != NOT_RECORDED})


def _json(value: Any) -> str:
    text = break_tags(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _refuse(code: str, what: str, next_step: str = "") -> WorkflowError:
    return WorkflowError(code, what, next_step=next_step)
