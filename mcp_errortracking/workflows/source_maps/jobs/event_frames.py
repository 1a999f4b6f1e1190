"""The frames to resolve: pasted, or of an issue's newest event."""

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects
from mcp_errortracking.catalog.queries import QueryIssueEvents
from mcp_errortracking.catalog.stack_frames import GetStackFrames
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame, foreign_origin, parse_event_frames
from mcp_errortracking.workflows.source_maps.resolve.stack_text import parse_stack

if TYPE_CHECKING:
    from mcp_errortracking.workflows.source_maps.tools import ResolveFrames

_MOST_FRAMES = 200
_MISSING = re.compile(r"(?:No .+ for (?:chunk id|id|debug_id)|Could not find sourcemap for source url): (.+)$", re.S)


async def requested_frames(call: "ResolveFrames", context: Context) -> tuple[list[Frame], list[str]]:
    """Return the frames, 200 at most, and notes on those that are left out.

    Raises:
        WorkflowError: no frame could be resolved with a source map.
        PostHogError: the event cannot be fetched.
    """
    frames, notes = await _event_frames(str(call.issue), context) if call.stack is None else _pasted_frames(call.stack)
    return frames[:_MOST_FRAMES], notes


def _pasted_frames(stack: str) -> tuple[list[Frame], list[str]]:
    frames = parse_stack(stack)
    if not frames:
        raise WorkflowError(
            "no_frames",
            "No frame was found in stack.",
            "A frame names a file, a line and a column, like: at o (https://app.example/main.js:1:48213).",
            "Paste the stack trace as the browser or Node prints it, or give the issue.",
        )
    frames, notes = _app_frames(frames)
    if len(frames) > _MOST_FRAMES:
        notes.append(f"Only the first {_MOST_FRAMES} frames were looked at.")
    return frames, notes


async def _event_frames(issue: str, context: Context) -> tuple[list[Frame], list[str]]:
    question = QueryIssueEvents.model_validate(
        {
            "issueId": issue,
            "include": ["exception", "stacktrace"],
            "onlyAppFrames": False,
            "dateRange": {"date_from": "-90d"},
        }
    )
    request = question.request()
    answer = await context.sender.send(
        request.method, request.path, query=request.query, json=request.json, retry_safe=question.read_only
    )
    events = as_objects(as_object(answer.data).get("results"))
    if not events:
        raise WorkflowError(
            "no_event", "The issue has no event in the last 90 days.", next_step="Paste a stack trace instead."
        )
    exceptions = as_objects(as_object(events[0].get("properties")).get("$exception_list"))
    stacks = [as_objects(as_object(one.get("stacktrace")).get("frames")) for one in exceptions]
    raw = [frame for stack in stacks for frame in stack]
    readable = [frame for frame in raw if frame.get("resolved") is True]
    refs = await _symbol_sets_of([frame for frame in raw if frame.get("resolved") is not True], context)
    frames = [
        frame
        for stack in stacks
        for frame in parse_event_frames(
            [{**one, "symbol_set_ref": refs.get(str(one.get("raw_id"))) or _missing_ref(one)} for one in stack]
        )
    ]
    if all(map(foreign_origin, frames)) and (readable or not frames):
        raise WorkflowError(
            "all_resolved",
            f"The newest event of this issue has {len(readable)} frames, and none of them is minified.",
            next_step="query-error-tracking-issue-events with include stacktrace shows them.",
        )
    frames, notes = _app_frames(frames)
    if readable:
        notes.append(f"{len(readable)} other frames of the event are readable already.")
    return frames, notes


def _app_frames(frames: list[Frame]) -> tuple[list[Frame], list[str]]:
    """Return the frames that may have a source map, and notes on the others.

    Raises:
        WorkflowError: no frame may have one.
    """
    counts = Counter(whose for frame in frames if (whose := foreign_origin(frame)))
    others = [f"{count} {'frame' if count == 1 else 'frames'} {whose}" for whose, count in counts.items()]
    if counts.total() == len(frames):
        raise WorkflowError(
            "no_app_frames",
            f"No frame of this stack is of the app: {', '.join(others)}.",
            "Such frames have no source maps.",
            "Read the error's message and its other events. A suppression rule keeps errors of other code out.",
        )
    return [frame for frame in frames if not foreign_origin(frame)], [
        f"Left out: {', '.join(others)}."
    ] if others else []


def _missing_ref(frame: dict[str, Any]) -> str | None:
    """Return the symbol set that a frame's failure names at its end: the event has its id nowhere else."""
    found = _MISSING.search(str(frame.get("resolve_failure") or ""))
    return found[1] if found else None


async def _symbol_sets_of(frames: list[dict[str, Any]], context: Context) -> dict[str, str]:
    """Return the refs of symbol sets by raw id of the frame, which the frames in an event do not have."""
    raw_ids = [str(frame["raw_id"]) for frame in frames if frame.get("raw_id") and not frame.get("chunk_id")]
    if not raw_ids:
        return {}
    call = GetStackFrames(raw_ids=raw_ids[:_MOST_FRAMES])
    request = call.request()
    try:
        answer = (
            await context.sender.send(request.method, request.path, json=request.json, retry_safe=call.read_only)
        ).data
    except PostHogError:
        return {}  # an older PostHog: only the event's own fields are left
    known = as_objects(as_object(answer).get("results"))
    return {str(one.get("raw_id")): ref for one in known if isinstance(ref := one.get("symbol_set_ref"), str)}
