"""Show what a change of all issues that match would do, or do exactly what was shown, in batches that can be undone."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import ROW_PAGES, Endpoint, Snapshot, Steps, as_object, call_of
from mcp_errortracking.catalog.issues import UpdateIssuesInBulk
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender, project_of
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.bulk.no_match import why_nothing
from mcp_errortracking.workflows.bulk.plan import (
    MOST,
    SECONDS,
    Match,
    Plan,
    Target,
    make_plan,
    moment_of_token,
    target_of,
)
from mcp_errortracking.workflows.problems import WorkflowError

if TYPE_CHECKING:
    from mcp_errortracking.workflows.bulk.tools import UpdateMatching

_EXAMPLES = 5
_REST = "Call again without apply: it shows what still would change, and has a new token."
_BATCH = 20
"""Issues of one request: an undo compares as many before it (`UpdateIssuesInBulk.snapshot`)."""


async def run(call: "UpdateMatching", context: Context) -> Outcome:
    """Show what would change, or change what was shown.

    Raises:
        WorkflowError: the token is not of a plan for this call, or no longer holds.
        PostHogError: PostHog does not answer, and nothing was changed.
    """
    project, target = project_of(context.sender) or "", target_of(call)
    token = call.apply or call.rehearsed
    plan = await make_plan(call, context.sender, project, None if token is None else _moment_of(token))
    if call.apply is None:
        shown = _shown(plan, target)
        is_empty = not plan.changes and not plan.unchanged
        return replace(shown, notes=[*shown.notes, *await why_nothing(call, context.sender)]) if is_empty else shown
    if plan.token != call.apply:
        new = _shown(await make_plan(call, context.sender, project), target)
        why = "Nothing was changed: the token is not of this call, or other issues match than were shown."
        return Outcome(new.data, [why, *new.notes], failed=True, display=new.display, page=new.page)
    return await _apply(plan, target, context, project)


def _moment_of(token: str) -> int:
    """Return the moment of the plan that a token is of.

    Raises:
        WorkflowError: it is not a token of this tool, or no longer holds.
    """
    made = moment_of_token(token)
    if made is None:
        raise _refusal("unknown_token", "apply is not a token of this tool.")
    if not 0 <= time.time() - made <= SECONDS:
        raise _refusal("expired_token", f"The token is older than {SECONDS // 60} minutes.")
    return made


def _shown(plan: Plan, target: Target) -> Outcome:
    count = len(plan.changes)
    examples = [
        {"id": one.id, "name": one.name, target.field: one.old, "occurrences": one.occurrences}
        for one in plan.changes[:_EXAMPLES]
    ]
    data: dict[str, Any] = {
        "would_change": count,
        "already_so": plan.unchanged,
        "set": {target.field: target.value},
        "apply": plan.token if count else None,
        "results": examples,
    }
    notes = ["Nothing was changed."]
    if count:
        if count > len(examples):
            notes.append(f"These are the {len(examples)} of {count} with the most events.")
        notes.append(f"To make the change, repeat the call with apply {plan.token}.")
    if plan.has_more:
        notes.append(
            f"More than {MOST} issues match: the {MOST} that were seen first are changed now; repeat for the rest."
        )
    rest = {name: value for name, value in data.items() if value is not None}
    return Outcome(data, notes, display=rest, page=ROW_PAGES)


async def _apply(plan: Plan, target: Target, context: Context, project: str) -> Outcome:
    total, done, requests = len(plan.changes), 0, 0
    batches = list(_batches(plan.changes))
    for batch in batches:
        known = f"{done} of {total} issues were changed, in {requests} of {len(batches)} batches."
        unsure = f"Batch {requests + 1}, of {len(batch)} issues, may have changed too, as PostHog did not answer."
        rest = [_REST, *_undo(requests, context, is_unsure=True)]
        context.writes.becomes(" ".join([known, unsure, *rest]))
        await context.progress(done, total, f"Changing issue {done + 1} of {total}")
        try:
            await _send(_KnownIssues.of(batch, target), context, project)
        except PostHogError as error:
            if not done and not error.maybe_applied:
                raise
            failed = [f"{known} Then a request failed: {error}", *([unsure] if error.maybe_applied else []), _REST]
            undo = _undo(requests, context, is_unsure=error.maybe_applied)
            return Outcome({"changed": done, "left": total - done}, [*failed, *undo], failed=True)
        done, requests = done + len(batch), requests + 1
    notes = _undo(requests, context)
    context.writes.becomes(" ".join([f"All {total} issues were changed.", *notes]))
    await context.progress(total, total, "Done")
    if plan.has_more:
        notes.append(f"More than {MOST} issues matched: call again without apply for the rest.")
    return Outcome({"changed": done, "left": 0, "set": {target.field: target.value}}, notes)


def _batches(changes: list[Match]) -> Iterator[list[Match]]:
    """Yield issues with the same old value, so that one call restores it."""
    groups = dict[str, list[Match]]()
    for one in changes:
        groups.setdefault(json.dumps(one.old, sort_keys=True), []).append(one)
    for group in groups.values():
        for begin in range(0, len(group), _BATCH):
            yield group[begin : begin + _BATCH]


class _KnownIssues(UpdateIssuesInBulk):
    """A bulk change of issues that were read already: it reads none of them before or after."""

    _before: list[dict[str, Any]] = PrivateAttr(default_factory=list[dict[str, Any]])

    @classmethod
    def of(cls, batch: list[Match], target: Target) -> "_KnownIssues":
        action = "set_status" if target.field == "status" else "assign"
        made = cls.model_validate({"action": action, "ids": [one.id for one in batch], target.field: target.value})
        made._before = [{"id": one.id, target.field: one.old} for one in batch]
        return made

    def snapshot(self) -> Snapshot:
        yield from ()
        return {"results": self._before}

    def steps(self) -> Steps:
        return Outcome(as_object((yield self.request())))

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        plain = call_of(UpdateIssuesInBulk, self.model_dump(mode="json", exclude_unset=True))
        return None if plain is None else plain.inverse(before, after)


async def _send(call: _KnownIssues, context: Context, project: str) -> None:
    async def send(sender: Sender) -> Outcome:
        return await send_steps(sender, call.steps())

    if context.recording is None:
        await send(context.sender)
    else:
        await context.recording.record(context.sender, call, project, send)


def _undo(requests: int, context: Context, *, is_unsure: bool = False) -> list[str]:
    """Return a note on the undo, if there is one.

    Args:
        is_unsure: the batch after these has no known end, so an undo needs the id of its change.
    """
    if context.recording is None or not (requests or is_unsure):
        return []
    if is_unsure:
        back = f"; to undo {requests}, call error-tracking-changes-undo with the id of each" if requests else ""
        return [f"error-tracking-changes-list shows each batch; the end of the last one is not known{back}."]
    times = "once" if requests == 1 else f"{requests} times, once for each batch"
    return [f"To undo it, call error-tracking-changes-undo {times}."]


def _refusal(code: str, what: str) -> WorkflowError:
    return WorkflowError(code, what, "Nothing was changed.", "Call again without apply to get a new one.")
