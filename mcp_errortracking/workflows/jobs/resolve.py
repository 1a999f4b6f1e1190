"""Frames made readable, or the one reason why they are not."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import as_object, as_objects
from mcp_errortracking.catalog.queries import QueryIssueEvents
from mcp_errortracking.catalog.stack_frames import GetStackFrames
from mcp_errortracking.proxy.errors import (
    ForbiddenError,
    HeldBackError,
    NotConfiguredError,
    NotFoundError,
    PostHogError,
    RateLimitedError,
    RedirectedError,
    UnauthorizedError,
    UnreachableError,
)
from mcp_errortracking.workflows.bundles import find
from mcp_errortracking.workflows.container import DataType
from mcp_errortracking.workflows.content import MAX_OBJECT
from mcp_errortracking.workflows.frames import Frame, foreign, of_event
from mcp_errortracking.workflows.jobs.inspect import NEVER_FINISHED, fetch
from mcp_errortracking.workflows.local_build import LocalBuild
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.resolution import Original, Resolved, resolve
from mcp_errortracking.workflows.roots import Roots
from mcp_errortracking.workflows.script import comment
from mcp_errortracking.workflows.stack_text import pasted
from mcp_errortracking.workflows.storage import Storage
from mcp_errortracking.workflows.storage_errors import StorageError
from mcp_errortracking.workflows.symbol_sets import SymbolSets
from mcp_errortracking.workflows.symbols import Symbols
from mcp_errortracking.workflows.verdict import Code, Facts, Verdict, judge
from mcp_errortracking.workflows.workflow import Desk

if TYPE_CHECKING:
    from mcp_errortracking.workflows.tools import ResolveFrames

_CONTEXT = 2
_MOST_FRAMES = 200
_MOST_SETS = 20  # downloads of one call
_MOST_FAILURES = 3  # in a row, then PostHog is asked for no more sets
_OF_ALL_SETS = (
    NotConfiguredError,
    HeldBackError,
    UnreachableError,
    RedirectedError,
    UnauthorizedError,
    ForbiddenError,
    RateLimitedError,
)
_OF_THE_FRAME: dict[str, Code] = {
    "not_mapped": "map_does_not_cover",
    "no_column": "no_column",
    "eval_devtool": "eval_devtool",
}
"""Verdicts by problems that no upload and no deployment ends."""
_MOVED = (
    "The local build has chunk ids, though the event names none. If the script that sent it has none either, its lines "
    "are one less: resolve with the build as it was before the upload."
)


async def run(call: "ResolveFrames", desk: Desk) -> Outcome:
    """Resolves what can be resolved, and gives a verdict on the rest."""
    found, notes = await _frames(call, desk)
    frames = [replace(frame, chunk_id=frame.chunk_id or call.chunk_id) for frame in found]
    roots = Roots(desk.workshop.roots)
    local = None
    if call.folder:
        local = LocalBuild(roots, await to_thread.run_sync(find, roots, call.folder))
    finder = _Finder(desk, local, is_pasted=call.stack is not None)
    await finder.download_for(frames)
    work = partial(
        resolve,
        frames,
        finder.symbols,
        roots,
        context=_CONTEXT if call.context is None else call.context,
        history=bool(call.commits),
    )
    resolved = await to_thread.run_sync(work)
    verdicts = dict[int, Verdict]()
    for index, one in enumerate(resolved):
        if one.original is None:
            verdicts[index] = await finder.judge(one, deployed=bool(call.deployed))
    if local and call.issue and any(map(local.has_moved, frames)):
        notes.append(_MOVED)
    data = {"frames": [_row(one, verdicts.get(index)) for index, one in enumerate(resolved)]}
    lines = [line for index, one in enumerate(resolved) for line in _lines(one, verdicts.get(index))]
    good = len(resolved) - len(verdicts)
    shown: dict[str, Any] = {"resolved": f"{good} of {len(resolved)} frames", "frames": tuple(lines)}
    return Outcome(data, notes, failed=not good, shown=shown)


async def _frames(call: "ResolveFrames", desk: Desk) -> tuple[list[Frame], list[str]]:
    if call.stack is not None:
        frames = pasted(call.stack)
        if not frames:
            raise WorkflowError(
                "no_frames",
                "No frame was found in stack.",
                "A frame names a file, a line and a column, like: at o (https://app.example/main.js:1:48213).",
                "Paste the stack trace as the browser or Node prints it, or give the issue.",
            )
        frames, notes = _of_the_app(frames)
        if len(frames) > _MOST_FRAMES:
            notes.append(f"Only the first {_MOST_FRAMES} frames were looked at.")
        return frames[:_MOST_FRAMES], notes
    question = QueryIssueEvents.model_validate(
        {
            "issueId": str(call.issue),
            "include": ["exception", "stacktrace"],
            "onlyAppFrames": False,
            "dateRange": {"date_from": "-90d"},
        }
    )
    request = question.request()
    answer = await desk.sender.send(request.method, request.path, query=request.query, json=request.json)
    events = as_objects(as_object(answer.data).get("results"))
    if not events:
        raise WorkflowError(
            "no_event", "The issue has no event in the last 90 days.", next_step="Paste a stack trace instead."
        )
    exceptions = as_objects(as_object(events[0].get("properties")).get("$exception_list"))
    stacks = [as_objects(as_object(one.get("stacktrace")).get("frames")) for one in exceptions]
    raw = [frame for stack in stacks for frame in stack]
    readable = [frame for frame in raw if frame.get("resolved") is True]
    refs = await _symbol_sets_of([frame for frame in raw if frame.get("resolved") is not True], desk)
    frames = [
        frame
        for stack in stacks
        for frame in of_event([{**one, "symbol_set_ref": refs.get(str(one.get("raw_id")))} for one in stack])
    ]
    if all(map(foreign, frames)) and (readable or not frames):
        raise WorkflowError(
            "all_resolved",
            f"The newest event of this issue has {len(readable)} frames, and none of them is minified.",
            next_step="query-error-tracking-issue-events with include stacktrace shows them.",
        )
    frames, notes = _of_the_app(frames)
    if readable:
        notes.append(f"{len(readable)} other frames of the event are readable already.")
    return frames[:_MOST_FRAMES], notes


def _of_the_app(frames: list[Frame]) -> tuple[list[Frame], list[str]]:
    """The frames that a source map may be had for, and what is said of the others.

    Raises:
        WorkflowError: there are only others.
    """
    counts = Counter(whose for frame in frames if (whose := foreign(frame)))
    others = [f"{count} {'frame' if count == 1 else 'frames'} {whose}" for whose, count in counts.items()]
    if counts.total() == len(frames):
        raise WorkflowError(
            "no_app_frames",
            f"No frame of this stack is of the app: {', '.join(others)}.",
            "There are no source maps for those.",
            "Look at the error's message and its other events; a suppression rule keeps out what is not the app's.",
        )
    return [frame for frame in frames if not foreign(frame)], [f"Left out: {', '.join(others)}."] if others else []


async def _symbol_sets_of(frames: list[dict[str, Any]], desk: Desk) -> dict[str, str]:
    """The refs of symbol sets by raw id of the frame: the frames in an event do not name them."""
    raw_ids = [str(frame["raw_id"]) for frame in frames if frame.get("raw_id") and not frame.get("chunk_id")]
    if not raw_ids:
        return {}
    request = GetStackFrames(raw_ids=raw_ids[:_MOST_FRAMES]).request()
    try:
        answer = (await desk.sender.send(request.method, request.path, json=request.json)).data
    except PostHogError:
        return {}  # an older PostHog: what the event says must do
    known = as_objects(as_object(answer).get("results"))
    return {str(one.get("raw_id")): ref for one in known if isinstance(ref := one.get("symbol_set_ref"), str)}


class _Finder:
    """Where the symbols of frames come from: a local build first, then PostHog."""

    def __init__(self, desk: Desk, local: LocalBuild | None, *, is_pasted: bool) -> None:
        """
        Args:
            is_pasted: the frames come from a text, which never names chunks: that says nothing about the build.
        """
        self._desk = desk
        self._local = local
        self._is_pasted = is_pasted
        self._sets = SymbolSets(desk.sender)
        self._downloaded = dict[str, Symbols | WorkflowError]()
        self._failed = dict[str, WorkflowError]()
        self._rows = dict[str, dict[str, Any] | None]()
        self._deployed = dict[str, str | None]()

    async def download_for(self, frames: Sequence[Frame]) -> None:
        """Fetches the symbol sets of frames that the local build does not resolve, each only once.

        A set that cannot be had is the trouble of its own frames.

        Raises:
            PostHogError: it refuses all sets, and there is no frame that is resolved without.
        """
        wanted = await to_thread.run_sync(self._wanted, frames)
        refs = list(wanted)
        has_others = any(self._ref(frame) not in wanted for frame in frames)
        failures = 0
        for number, ref in enumerate(refs[:_MOST_SETS]):
            await self._desk.progress(number, min(len(refs), _MOST_SETS), f"fetching the symbol set of {ref}")
            try:
                self._downloaded[ref] = await self._download(ref)
                failures = 0
            except PostHogError as error:
                is_of_all = isinstance(error, _OF_ALL_SETS)
                if is_of_all and not number and not has_others:
                    raise
                failures += 1
                is_last = is_of_all or failures == _MOST_FAILURES
                for failed in refs[number:] if is_last else [ref]:
                    self._failed[failed] = WorkflowError(error.code or "failed", error.what, error.why, error.next_step)
                if is_last:
                    return
        for ref in refs[_MOST_SETS:]:
            self._failed[ref] = _beyond(wanted[ref])

    async def _download(self, ref: str) -> Symbols | WorkflowError:
        """The symbols of a set, or why it has none.

        Raises:
            PostHogError: PostHog did not answer, or with something else.
        """
        try:
            symbols = (await fetch(self._desk, ref=ref)).symbols
            if symbols.kind not in (DataType.SOURCE_AND_MAP, DataType.HERMES_MAP):
                return WorkflowError("no_source_map", f"The symbol set of {ref} is no source map.")
            return await to_thread.run_sync(Symbols, symbols.source, symbols.data)
        except WorkflowError as error:
            return error
        except NotFoundError as error:
            return WorkflowError(error.code or "not_found", error.what, error.why)

    def _wanted(self, frames: Sequence[Frame]) -> dict[str, Frame]:
        """The refs of symbol sets to fetch, each with the first frame that is in need of it."""
        wanted = dict[str, Frame]()
        for frame in frames:
            ref = self._ref(frame)
            if ref and ref not in wanted and not self._is_local(frame):
                wanted[ref] = frame
        return wanted

    def _ref(self, frame: Frame) -> str:
        return frame.chunk_id or frame.script or ""

    def _is_local(self, frame: Frame) -> bool:
        if self._local is None:
            return False
        try:
            self._local.symbols(frame)
        except WorkflowError:
            return False
        return True

    def symbols(self, frame: Frame) -> Symbols:
        """What resolves a frame.

        Raises:
            WorkflowError: nothing does.
        """
        if frame.file.startswith("webpack-internal:"):
            raise WorkflowError(
                "eval_devtool",
                "webpack built this module for eval, which leaves no bundle to map it from.",
                next_step="Build with devtool source-map or hidden-source-map, upload that, and deploy it.",
            )
        ref = self._ref(frame)
        known = self._failed.get(ref) or self._downloaded.get(ref)
        if isinstance(known, Symbols):
            return known
        reason = known if frame.chunk_id or ref in self._failed else None
        if self._local is not None:
            try:
                return self._local.symbols(frame)
            except WorkflowError as error:
                raise reason or error from None
        if reason is not None:
            raise reason
        raise WorkflowError(
            "no_chunk_id",
            f"{frame.file} names no chunk.",
            "Without a chunk id there is no way to its symbol set.",
            "Give chunk_id (the script's last line has it: //# chunkId=...), or folder: a local build.",
        )

    async def judge(self, one: Resolved, *, deployed: bool) -> Verdict:
        """Why a frame is not resolved, from what can be found out."""
        frame, chunk_id = one.frame, one.frame.chunk_id
        if one.problem is not None and one.problem.code in _OF_THE_FRAME:
            return Verdict(_OF_THE_FRAME[one.problem.code], one.problem.message, one.problem.next_step)
        if self._ref(frame) in self._failed and one.problem is not None:
            return Verdict("unknown", one.problem.message, one.problem.next_step)
        facts: dict[str, Any] = {"chunk_id": chunk_id}
        if chunk_id:
            facts |= await self._on_server(chunk_id)
        if self._local is not None:
            facts |= asdict(self._local.facts(frame))
        if deployed:
            facts["deployed_chunk_id"] = await self._live(frame.file)
        verdict = judge(Facts(**facts))
        if not chunk_id and one.problem is not None and one.problem.code in ("no_bundle", "several_bundles"):
            verdict = replace(verdict, sentence=f"{verdict.sentence} {one.problem.message}")
        says_little = ("unknown", "should_resolve", *(("no_chunk_id", "not_injected") if self._is_pasted else ()))
        if verdict.code in says_little and one.problem is not None:
            return Verdict(verdict.code, one.problem.message, one.problem.next_step)
        return verdict

    async def _on_server(self, chunk_id: str) -> dict[str, Any]:
        if chunk_id not in self._rows:
            try:
                self._rows[chunk_id] = await self._sets.find(chunk_id)
            except PostHogError:
                return {}  # what else is known must do
        row, fetched = self._rows[chunk_id], self._downloaded.get(chunk_id)
        if row is None:
            return {"set_exists": False}
        unfinished = isinstance(fetched, WorkflowError) and fetched.code == NEVER_FINISHED
        reason = row.get("failure_reason")
        return {
            "set_exists": True,
            "has_file": bool(row.get("has_uploaded_file", row.get("storage_ptr"))),
            "is_finished": False if unfinished else isinstance(fetched, Symbols) or None,
            "failure_reason": reason if isinstance(reason, str) else None,
        }

    async def _live(self, url: str) -> str | None:
        """The chunk id in the script at a URL; "" if it has none, None if it cannot be had."""
        if not url.lower().startswith(("http://", "https://")):
            return None
        if url not in self._deployed:
            self._deployed[url] = None
            async with Storage(self._desk.workshop.host, http_proxy=self._desk.workshop.http_proxy) as storage:
                with tempfile.TemporaryFile() as file:
                    target = cast("BinaryIO", file)
                    try:
                        await storage.fetch(url, target, limit=MAX_OBJECT)
                    except StorageError:
                        return None
                    file.seek(0)
                    self._deployed[url] = comment(file.read(), "chunkId") or ""
        return self._deployed[url]


def _beyond(frame: Frame) -> WorkflowError:
    alone = (
        f", or resolve this frame alone: its line as stack, with chunk_id {frame.chunk_id}" if frame.chunk_id else ""
    )
    return WorkflowError(
        "too_many_sets",
        f"Its symbol set was not fetched, since one call fetches {_MOST_SETS}, and the frames before it needed those.",
        next_step=f"Give folder, a local build{alone}.",
    )


def _row(one: Resolved, verdict: Verdict | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "minified": one.frame.place,
        "minified_function": one.frame.function,
        "chunk_id": one.frame.chunk_id,
    }
    if one.original is None:
        code, reason, next_step = (verdict.code, verdict.sentence, verdict.next_step) if verdict else ("", "", "")
        return {**row, "resolved": False, "verdict": code, "reason": reason, "next_step": next_step}
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
        "path": str(original.path) if original.path else None,
        "context": [{"number": number, "line": text} for number, text in original.context.items()],
        "commit": None
        if commit is None
        else {"id": commit.id, "author": commit.author, "time": commit.time, "subject": commit.subject},
    }


def _function(frame: Frame, original: Original) -> str:
    """What to call the function: by its original name, else by the engine's, said to be that."""
    if original.function:
        return original.function
    is_anonymous = frame.function is None or "<anonymous>" in frame.function
    return "<anonymous>" if is_anonymous else f"minified {frame.function}"


def _lines(one: Resolved, verdict: Verdict | None) -> list[str]:
    if one.original is None:
        said = f"{verdict.sentence} {verdict.next_step}" if verdict else ""
        return [f"{one.frame.function or '?'} ({one.frame.place}) not resolved: {said}"]
    original = one.original
    place = f"{original.source}:{original.line}:{original.column}"
    lines = [f"{_function(one.frame, original)} ({place}) from {one.frame.place}"]
    lines += [
        f"  {'>' if number == original.line else ' '} {number}| {text}" for number, text in original.context.items()
    ]
    if original.commit:
        commit = original.commit
        lines.append(f"    last changed {commit.time[:10]} by {commit.author}: {commit.subject} ({commit.id[:10]})")
    return lines
