"""The symbols of frames, from a local build or from PostHog, and the reason why a frame has none."""

import re
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Any, BinaryIO, cast

from anyio import to_thread

from mcp_errortracking.catalog.symbol_sets import MAX_FILE
from mcp_errortracking.explanation import Explanation
from mcp_errortracking.proxy.errors import (
    ForbiddenError,
    NotConfiguredError,
    NotFoundError,
    PostHogError,
    RateLimitedError,
    RateLimitWaitError,
    RedirectedError,
    UnauthorizedError,
    UnreachableError,
)
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.jobs.inspect import NEVER_FINISHED, fetch
from mcp_errortracking.workflows.source_maps.maps.script import comment
from mcp_errortracking.workflows.source_maps.maps.strict import refusal_of
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import StorageError
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import SymbolSets
from mcp_errortracking.workflows.source_maps.resolve.chunk_age import age_in_days
from mcp_errortracking.workflows.source_maps.resolve.diagnosis import BUILD_AGAIN, Code, Facts, diagnose
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame
from mcp_errortracking.workflows.source_maps.resolve.local_build import LocalBuild
from mcp_errortracking.workflows.source_maps.resolve.resolution import ResolvedFrame

_MOST_SETS = 20  # downloads of one call
_MOST_BYTES = 200 * 1024 * 1024
"""Bytes of symbols after which a call stops fetching."""
_MOST_SETS_OF_RELEASES = 5
"""Downloads of one call for lines of source alone."""
_MOST_FAILURES = 3  # in a row, after which no more sets are fetched
_MOST_REFUSED = 3
"""Refused maps of which a note names the reason."""
_FATAL_ERRORS = (
    NotConfiguredError,
    RateLimitWaitError,
    UnreachableError,
    RedirectedError,
    UnauthorizedError,
    ForbiddenError,
    RateLimitedError,
)
_SOURCE_FILE = re.compile(r"\.(?:[cm]?tsx?|jsx|vue|svelte|astro)$")
_FRAME_VERDICTS: dict[str, Code] = {
    "not_mapped": "map_does_not_cover",
    "no_column": "no_column",
    "eval_devtool": "eval_devtool",
    "source_file": "source_file",
}
"""The verdicts for problems that neither an upload nor a deployment fixes."""


class SymbolFinder:
    """Find the symbols of frames: in a local build first, then in PostHog."""

    def __init__(self, context: Context, local: LocalBuild | None, *, is_pasted: bool) -> None:
        """
        Args:
            is_pasted: the frames come from a pasted text, which never names chunks, so a missing id proves nothing.
        """
        self._context = context
        self._local = local
        self._is_pasted = is_pasted
        self._sets = SymbolSets(context.sender)
        self._downloaded = dict[str, Symbols | WorkflowError]()
        self._failed = dict[str, WorkflowError]()
        self._rows = dict[str, dict[str, Any] | None]()
        self._deployed_ids = dict[str, str | None]()
        self._refusals = dict[str, str | None]()

    async def download_for(self, frames: Sequence[Frame]) -> None:
        """Fetch the symbol sets of frames that the local build does not resolve, each only once.

        A set that cannot be fetched fails its own frames only.

        Raises:
            PostHogError: PostHog refuses all sets, and every frame needs one.
        """
        wanted = await to_thread.run_sync(self._missing_sets, frames)
        refs = list(wanted)
        has_others = any(self._ref(frame) not in wanted for frame in frames)
        failures = size = 0
        for number, ref in enumerate(refs[:_MOST_SETS]):
            if size > _MOST_BYTES:
                for left in refs[number:]:
                    reason = f"those before it hold more than {_MOST_BYTES >> 20} MiB"
                    self._failed[left] = _too_many_sets(wanted[left], reason)
                return
            await self._context.progress(number, min(len(refs), _MOST_SETS), f"fetching the symbol set of {ref}")
            try:
                found = self._downloaded[ref] = await self._download(ref)
                size += found.size if isinstance(found, Symbols) else 0
                failures = 0
            except PostHogError as error:
                is_of_all = isinstance(error, _FATAL_ERRORS)
                if is_of_all and not number and not has_others:
                    raise
                failures += 1
                is_last = is_of_all or failures == _MOST_FAILURES
                for failed in refs[number:] if is_last else [ref]:
                    self._failed[failed] = WorkflowError(error.code or "failed", error.what, error.why, error.next_step)
                if is_last:
                    return
        for ref in refs[_MOST_SETS:]:
            reason = f"one call fetches {_MOST_SETS}, and the frames before it needed those"
            self._failed[ref] = _too_many_sets(wanted[ref], reason)

    async def download_releases(self, releases: Mapping[str, str]) -> AsyncGenerator[str]:
        """Fetch symbol sets of releases one by one, yielding the ref of each: an event does not name the set of a frame
        that is resolved. No more is fetched after a failure, since the sets give lines of source only.

        Args:
            releases: versions by id.
        """
        fetched = size = 0
        with suppress(PostHogError):
            for release_id, version in releases.items():
                for row in await self._sets.of_release(release_id, version):
                    if fetched == _MOST_SETS_OF_RELEASES or size > _MOST_BYTES:
                        return
                    ref = str(row["ref"])
                    if ref not in self._downloaded:
                        fetched += 1
                        found = self._downloaded[ref] = await self._download(ref)
                        size += found.size if isinstance(found, Symbols) else 0
                        yield ref

    async def _download(self, ref: str) -> Symbols | WorkflowError:
        """Return the symbols of a set, or the reason why it has none.

        Raises:
            PostHogError: PostHog did not answer, or refused for another reason.
        """
        try:
            symbols = (await fetch(self._context, ref=ref)).symbols
            if symbols.kind not in (DataType.SOURCE_AND_MAP, DataType.HERMES_MAP):
                return WorkflowError("no_source_map", f"The symbol set of {ref} is not a source map.")
            self._refusals[ref] = await to_thread.run_sync(partial(refusal_of, symbols.data, is_stored=True))
            return await to_thread.run_sync(Symbols, symbols.source, symbols.data)
        except WorkflowError as error:
            return error
        except NotFoundError as error:
            return WorkflowError(error.code or "not_found", error.what, error.why)

    def _missing_sets(self, frames: Sequence[Frame]) -> dict[str, Frame]:
        """Return the refs of symbol sets to fetch, each with the first frame that needs it."""
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

    def downloaded(self) -> list[tuple[str, Symbols]]:
        """Return the symbol sets that were fetched, by ref."""
        return [(ref, found) for ref, found in self._downloaded.items() if isinstance(found, Symbols)]

    def symbols(self, frame: Frame) -> Symbols:
        """Return the symbols that resolve a frame.

        Raises:
            WorkflowError: no symbols were found.
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
                raise reason or _source_file(frame) or error from None
        if reason is not None:
            raise reason
        raise _source_file(frame) or WorkflowError(
            "no_chunk_id",
            f"{frame.file} names no chunk.",
            "Without a chunk id its symbol set cannot be found.",
            "Give chunk_id (the script's last line has it: //# chunkId=...), or folder: a local build.",
        )

    async def judge(self, one: ResolvedFrame, *, deployed: bool) -> Explanation:
        """Return the reason why a frame is not resolved, from all available facts."""
        frame, chunk_id = one.frame, one.frame.chunk_id
        problem = one.problem.explanation if one.problem else None
        if problem and problem.code in _FRAME_VERDICTS:
            return replace(problem, code=_FRAME_VERDICTS[problem.code])
        if problem and self._ref(frame) in self._failed:
            return replace(problem, code="unknown")
        facts: dict[str, Any] = {"chunk_id": chunk_id}
        if self._local is not None:
            facts |= asdict(self._local.facts(frame))
        if chunk_id:
            facts |= {"was_missing": frame.is_missed, "age": await to_thread.run_sync(self._age, chunk_id)}
            facts |= {"refusal": await self._refusal(chunk_id)}
            facts |= await self._server_facts(chunk_id)
            local_id = facts.get("local_chunk_id")
            if facts.get("has_file") is not True and local_id and local_id != chunk_id:
                facts["local_is_uploaded"] = (await self._server_facts(local_id)).get("has_file")
        if deployed:
            facts["deployed_chunk_id"] = await self._deployed_chunk_id(frame.script or frame.file)
        verdict = diagnose(Facts(**facts))
        if problem and not chunk_id and problem.code in ("no_bundle", "several_bundles"):
            verdict = replace(verdict, why=problem.reason)
        says_little = ("unknown", "should_resolve", *(("no_chunk_id", "not_injected") if self._is_pasted else ()))
        if problem and verdict.code in says_little:
            return replace(problem, code=verdict.code)
        return verdict

    async def notes_on(self, resolved: Sequence[ResolvedFrame]) -> list[str]:
        """Return why PostHog itself has not resolved frames of an event that were resolved here.

        Ingestion resolves a frame once (contract 5.2), so an upload does not change the events before it.
        """
        notes = list[str]()
        of_maps = dict.fromkeys(one.frame.chunk_id for one in resolved if one.original and one.frame.chunk_id)
        refused = {chunk_id: reason for chunk_id in of_maps if (reason := await self._refusal(chunk_id))}
        for chunk_id, reason in [*refused.items()][:_MOST_REFUSED]:
            notes.append(f"PostHog cannot use the map of chunk {chunk_id}, so its frames stay minified. {reason}")
        if refused:
            notes.append(BUILD_AGAIN)
        missed = {one.frame.chunk_id for one in resolved if one.original and one.frame.is_missed and one.frame.chunk_id}
        wanted = missed - refused.keys()
        absent = wanted - {ref for ref, _ in self.downloaded()}
        try:
            rows = await self._sets.by_ref(absent) if absent else {}
        except PostHogError:
            return notes
        absent -= {ref for ref, row in rows.items() if _has_file(row)}
        if later := len(wanted - absent):
            notes.append(
                f"{_maps(later)} in PostHog, but came after this event. PostHog resolves a frame only once: the "
                "event stays minified there, newer ones are readable."
            )
        if absent:
            notes.append(
                f"{_maps(len(absent))} not in PostHog: upload the build with source-maps-upload. Events sent after "
                "that are readable."
            )
        return notes

    async def _refusal(self, chunk_id: str) -> str | None:
        """Return the reason why PostHog's reader refuses the map of a chunk; None if it reads it, or it is unknown."""
        if chunk_id not in self._refusals:
            local = self._local
            self._refusals[chunk_id] = local and await to_thread.run_sync(local.refusal, chunk_id)
        return self._refusals[chunk_id]

    def _age(self, chunk_id: str) -> int | None:
        return age_in_days(chunk_id, self._local.written_at(chunk_id) if self._local else None)

    async def _server_facts(self, chunk_id: str) -> dict[str, Any]:
        if chunk_id not in self._rows:
            try:
                self._rows[chunk_id] = await self._sets.find(chunk_id)
            except PostHogError:
                return {}  # judge by the other facts
        row, fetched = self._rows[chunk_id], self._downloaded.get(chunk_id)
        if row is None:
            return {"set_exists": False}
        unfinished = isinstance(fetched, WorkflowError) and fetched.code == NEVER_FINISHED
        reason = row.get("failure_reason")
        return {
            "set_exists": True,
            "has_file": _has_file(row),
            "is_finished": False if unfinished else isinstance(fetched, Symbols) or None,
            "failure_reason": reason if isinstance(reason, str) else None,
        }

    async def _deployed_chunk_id(self, url: str) -> str | None:
        """Return the chunk id in the script at a URL; "" if it has none, None if it cannot be fetched."""
        if not url.lower().startswith(("http://", "https://")):
            return None
        if url not in self._deployed_ids:
            self._deployed_ids[url] = None
            with suppress(StorageError, OSError):  # OSError: no room for the script
                async with Storage(
                    self._context.environment.host, http_proxy=self._context.environment.http_proxy
                ) as storage:
                    with tempfile.TemporaryFile() as file:
                        target = cast("BinaryIO", file)
                        await storage.fetch(url, target, limit=MAX_FILE)
                        self._deployed_ids[url] = await to_thread.run_sync(_chunk_id, target)
        return self._deployed_ids[url]


def _source_file(frame: Frame) -> WorkflowError | None:
    """Return the reason why a frame needs no map: its file, on a server, is what was written."""
    if frame.script or "://" in frame.file or not _SOURCE_FILE.search(frame.file):
        return None
    return WorkflowError(
        "source_file",
        f"{frame.file} is a source file, so this is the original position.",
        "Node maps its stacks itself with --enable-source-maps or source-map-support, as react-router-serve does.",
        "Open the file at this line.",
    )


def _has_file(row: Mapping[str, Any]) -> bool:
    return bool(row.get("has_uploaded_file", row.get("storage_ptr")))


def _maps(count: int) -> str:
    return "The map of 1 chunk is" if count == 1 else f"The maps of {count} chunks are"


def _chunk_id(script: BinaryIO) -> str:
    script.seek(0)
    return comment(script.read(), "chunkId") or ""


def _too_many_sets(frame: Frame, reason: str) -> WorkflowError:
    alone = (
        f", or resolve this frame alone: its line as stack, with chunk_id {frame.chunk_id}" if frame.chunk_id else ""
    )
    return WorkflowError(
        "too_many_sets",
        f"Its symbol set was not fetched, since {reason}.",
        next_step=f"Give folder, a local build{alone}.",
    )
