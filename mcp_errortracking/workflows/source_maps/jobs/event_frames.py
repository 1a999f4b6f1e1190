"""The frames to resolve: pasted, or of an issue's newest event."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of
from mcp_errortracking.catalog.frame_positions import failure_of
from mcp_errortracking.catalog.queries import QueryIssueEvents
from mcp_errortracking.catalog.stack_frames import GetStackFrames
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.jobs.readable_frames import ReadableFrame, readable_frames
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame, foreign_origin, parse_event_frames
from mcp_errortracking.workflows.source_maps.resolve.stack_text import parse_stack

if TYPE_CHECKING:
    from mcp_errortracking.workflows.source_maps.tools import ResolveFrames

_MOST_FRAMES = 200
_MOST_READ = 2000
"""Frames of an event that are looked at, those nearest to the error; SDKs send 50 for each exception."""


@dataclass(frozen=True, slots=True)
class RequestedFrames:
    """The frames to resolve, 200 at most, with notes on those that are left out.

    `readable`: frames that PostHog resolved itself. `releases`: the versions of the event's releases by id.
    `all_resolved`: the error to raise if no source is found for any of them and there is no other frame.
    """

    frames: list[Frame]
    notes: list[str]
    readable: list[ReadableFrame] = field(default_factory=list[ReadableFrame])
    releases: dict[str, str] = field(default_factory=dict[str, str])
    all_resolved: WorkflowError | None = None


async def requested_frames(call: "ResolveFrames", context: Context) -> RequestedFrames:
    """Return the frames to resolve.

    Raises:
        WorkflowError: no frame could be resolved with a source map.
        PostHogError: the event cannot be fetched.
    """
    if call.stack is None:
        return await _event_frames(str(call.issue), context)
    frames, notes = _pasted_frames(call.stack)
    return RequestedFrames(frames[:_MOST_FRAMES], notes)


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


async def _event_frames(issue: str, context: Context) -> RequestedFrames:
    question = QueryIssueEvents.model_validate(
        {
            "issueId": issue,
            "include": ["exception", "stacktrace", "environment", "release"],
            "onlyAppFrames": False,
            "dateRange": {"date_from": "-90d"},
        }
    )
    answer = await send_endpoint(context.sender, question)
    events = as_objects(as_object(answer).get("results"))
    if not events:
        raise WorkflowError(
            "no_event", "The issue has no event in the last 90 days.", next_step="Paste a stack trace instead."
        )
    properties = as_object(events[0].get("properties"))
    library = properties.get("$lib")
    stacks = _stacks_of(as_objects(properties.get("$exception_list")))
    raw = [frame for stack in stacks for frame in stack]
    resolved = [frame for frame in raw if _is_resolved(frame)]
    other = [frame for frame in raw if _is_of_other_language(frame) and not _is_resolved(frame)]
    refs = await _symbol_sets_of([frame for frame in raw if frame.get("resolved") is not True], context)
    frames = [
        frame
        for stack in stacks
        for frame in parse_event_frames(
            [
                {**one, "symbol_set_ref": refs.get(str(one.get("raw_id")))}
                for one in stack
                if not _is_of_other_language(one)
            ],
            library,
        )
    ]
    readable = readable_frames((frame for stack in stacks for frame in reversed(stack)), library)
    releases = _releases_of(properties)
    if other and not frames:
        reasons = sorted({text_of(frame, "resolve_failure") or "not resolved" for frame in other})
        raise WorkflowError(
            "no_source_map",
            f"{len(other)} frames of the newest event are not resolved, and none of them is JavaScript.",
            reasons[0],
            "Upload the symbols of that build with source-maps-upload: ProGuard mappings, dSYM bundles, or ELF and "
            "Mach-O files with debug information.",
        )
    if all(map(foreign_origin, frames)) and (resolved or not frames):
        error = WorkflowError(
            "all_resolved",
            f"The newest event of this issue has {len(resolved)} frames, and none of them is minified.",
            next_step="query-error-tracking-issue-events with include stacktrace shows them.",
        )
        return RequestedFrames([], [], readable, releases, error)
    frames, notes = _app_frames(frames)
    if resolved:
        notes.append(f"{len(resolved)} other frames of the event are readable already.")
    return RequestedFrames(frames[:_MOST_FRAMES], notes, readable, releases)


def _releases_of(properties: dict[str, Any]) -> dict[str, str]:
    """Return the releases of an event by id, each with its version (contract 5.2)."""
    known = as_object(properties.get("$exception_releases"))
    return {one: version for one, release in known.items() if (version := text_of(as_object(release), "version"))}


def _stacks_of(exceptions: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the frames of each exception; of very many, those nearest to the first errors."""
    stacks, left = list[list[dict[str, Any]]](), _MOST_READ
    for one in exceptions:
        if left == 0:
            break
        stacks.append(as_objects(as_object(one.get("stacktrace")).get("frames"))[-left:])
        left -= len(stacks[-1])
    return stacks


def _is_resolved(frame: dict[str, Any]) -> bool:
    return frame.get("resolved") is True and failure_of(frame) is None


def _is_of_other_language(frame: dict[str, Any]) -> bool:
    return text_of(frame, "lang", "platform") not in ("", "javascript", "hermes", "web:javascript", "node:javascript")


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


async def _symbol_sets_of(frames: list[dict[str, Any]], context: Context) -> dict[str, str]:
    """Return the refs of symbol sets by raw id of the frame, which the frames in an event do not have."""
    raw_ids = [str(frame["raw_id"]) for frame in frames if frame.get("raw_id") and not frame.get("chunk_id")]
    if not raw_ids:
        return {}
    try:
        answer = await send_endpoint(context.sender, GetStackFrames(raw_ids=raw_ids[:_MOST_FRAMES]))
    except PostHogError:
        return {}  # an older PostHog: only the event's own fields are left
    known = as_objects(as_object(answer).get("results"))
    return {str(one.get("raw_id")): ref for one in known if isinstance(ref := one.get("symbol_set_ref"), str)}
