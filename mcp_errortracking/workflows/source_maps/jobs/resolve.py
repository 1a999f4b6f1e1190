"""Resolve minified frames, or give the one reason why they cannot be."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.explanation import Explanation
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import printable
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.jobs.event_frames import requested_frames
from mcp_errortracking.workflows.source_maps.jobs.readable_frames import lacks_source, with_source
from mcp_errortracking.workflows.source_maps.jobs.symbol_lookup import SymbolFinder
from mcp_errortracking.workflows.source_maps.maps.excerpt import rows_of, shown
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame
from mcp_errortracking.workflows.source_maps.resolve.local_build import LocalBuild
from mcp_errortracking.workflows.source_maps.resolve.resolution import Original, ResolvedFrame, resolve

if TYPE_CHECKING:
    from mcp_errortracking.workflows.source_maps.tools import ResolveFrames

_CONTEXT = 2
_SHIFTED_LINES = (
    "The local build has chunk ids, though the event names none. If the script that sent it has none either, its line "
    "numbers are smaller by one: resolve with the build as it was before the upload."
)


async def run(call: "ResolveFrames", context: Context) -> Outcome:
    """Resolve the frames that can be resolved, and give a verdict on the rest."""
    requested = await requested_frames(call, context)
    notes = list(requested.notes)
    frames = [replace(frame, chunk_id=frame.chunk_id or call.chunk_id) for frame in requested.frames]
    roots = Roots(context.environment.roots)
    local = None
    if call.folder:
        local = LocalBuild(roots, await to_thread.run_sync(find, roots, call.folder))
    finder = SymbolFinder(context, local, is_pasted=call.stack is not None)
    await finder.download_for(frames)
    around = _CONTEXT if call.context is None else call.context
    find_source = partial(with_source, requested.readable, roots, around=around)
    readable = await to_thread.run_sync(find_source, finder.downloaded())
    if lacks_source(requested.readable, readable):
        async for _ in finder.download_releases(requested.releases):
            readable = await to_thread.run_sync(find_source, finder.downloaded())
            if not lacks_source(requested.readable, readable):
                break
    if requested.all_resolved and not readable:
        raise requested.all_resolved
    work = partial(
        resolve,
        frames,
        finder.symbols,
        roots,
        context=around,
        history=bool(call.commits),
    )
    resolved = await to_thread.run_sync(work)
    verdicts = dict[int, Explanation]()
    for index, one in enumerate(resolved):
        if one.original is None:
            verdicts[index] = await finder.judge(one, deployed=bool(call.deployed))
    if local and call.issue and any(map(local.has_moved, frames)):
        notes.append(_SHIFTED_LINES)
    if call.issue:
        notes += await finder.notes_on(resolved)
    data: dict[str, Any] = {"frames": [_row(one, verdicts.get(index)) for index, one in enumerate(resolved)]}
    lines = [line for index, one in enumerate(resolved) for line in _lines(one, verdicts.get(index))]
    good = len(resolved) - len(verdicts)
    display: dict[str, Any] = {"resolved": f"{good} of {len(resolved)} frames", "frames": tuple(lines)}
    if not resolved:
        display = {"resolved": "by PostHog"}
    if readable:
        data["readable"] = [one.row() for one in readable]
        display["readable"] = tuple(line for one in readable for line in one.lines())
    return Outcome(data, notes, failed=bool(resolved) and not good, display=display)


def _row(one: ResolvedFrame, verdict: Explanation | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "minified": one.frame.place,
        "minified_function": one.frame.function,
        "chunk_id": one.frame.chunk_id,
    }
    if one.original is None:
        known = verdict or Explanation("", "")
        return {
            **row,
            "resolved": False,
            "verdict": known.code,
            "reason": known.reason,
            "next_step": known.next_step,
        }
    original = one.original
    commit = original.commit
    return {
        **row,
        "resolved": True,
        "source": original.source,
        "line": original.line,
        "column": original.column,
        "function": original.function,
        "name": original.name,
        "library": original.is_ignored,
        "path": printable(str(original.path)) if original.path else None,
        "context": rows_of(original.context),
        "commit": None
        if commit is None
        else {"id": commit.id, "author": commit.author, "time": commit.time, "subject": commit.subject},
    }


def _function_name(frame: Frame, original: Original) -> str:
    """Return the name of the function: the original one, else the engine's, marked as minified."""
    if original.function:
        return original.function
    is_anonymous = frame.function is None or "<anonymous>" in frame.function
    return "<anonymous>" if is_anonymous else f"minified {frame.function}"


def _lines(one: ResolvedFrame, verdict: Explanation | None) -> list[str]:
    if one.original is None:
        return [f"{one.frame.function or '?'} ({one.frame.place}) not resolved: {verdict or ''}"]
    original = one.original
    place = f"{original.source}:{original.line}:{original.column}"
    lines = [f"{_function_name(one.frame, original)} ({place}) from {one.frame.place}"]
    lines += shown(original.context, original.line)
    if original.commit:
        commit = original.commit
        lines.append(f"    last changed {commit.time[:10]} by {commit.author}: {commit.subject} ({commit.id[:10]})")
    return lines
