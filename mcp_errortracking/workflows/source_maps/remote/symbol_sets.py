"""Requests about symbol sets (contract 2, 6.1), with more retries than one call has.

Every request here may be repeated: a start hands out new addresses for a set that is not finished, a finish confirms
what is confirmed already, the others only read. So a request is retried even if it may have been applied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import anyio
from pydantic_core import to_json

from mcp_errortracking.catalog.endpoint import as_object, as_objects, uuid_of
from mcp_errortracking.catalog.symbol_sets import (
    CheckSymbolSetUploads,
    DownloadSymbolSet,
    FinishSymbolSetUploads,
    ListSymbolSets,
    RetrieveSymbolSet,
    StartSymbolSetUploads,
)
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import NotFoundError, RefusedError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.concurrency import for_each
from mcp_errortracking.workflows.retries import RetryingSender, Sleep
from mcp_errortracking.workflows.source_maps.remote.answers import unreadable
from mcp_errortracking.workflows.source_maps.remote.presigned import Target, read_target

MAX_STARTED = 50
"""Sets per start: their URLs live five minutes (contract 2.3)."""
MAX_CHECKED = 1000

_PAGE = 100
_MOST_PAGES = 1000
"""Pages of a project that are read: 100,000 sets."""
_LOOKUPS = 8  # at once


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """A set to start. `size` is that of the file, if known yet; only with it PostHog hands out a URL to PUT to."""

    chunk_id: str
    content_hash: str
    release_id: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class StartedUpload:
    """A set whose file PostHog waits for: its id, and the target of the file."""

    symbol_set_id: str
    target: Target


@dataclass(frozen=True, slots=True)
class Comparison:
    """Chunk ids by comparison: PostHog has the same content, other content, or no finished set."""

    same: frozenset[str]
    other: frozenset[str]
    absent: frozenset[str]


class SymbolSets:
    """The symbol sets of a project."""

    def __init__(self, sender: Sender, *, sleep: Sleep = anyio.sleep) -> None:
        """
        Args:
            sleep: waits between tries.
        """
        self._sender = RetryingSender(sender, sleep=sleep)
        self._compares = True  # until PostHog turns out to be too old

    async def compare(self, hashes: Mapping[str, str]) -> Comparison | None:
        """Compare content hashes by chunk id with those that PostHog stored; None if this PostHog cannot.

        PostHog counts the chunks with the same content as used today, so that they are kept for another 30 days.

        Raises:
            PostHogError: no answer, or a refusal for another reason than the age of PostHog.
        """
        if not self._compares:
            return None
        same, other, absent = set[str](), set[str](), set[str]()
        chunk_ids = list(hashes)
        for first in range(0, len(chunk_ids), MAX_CHECKED):
            asked = {chunk_id: hashes[chunk_id] for chunk_id in chunk_ids[first : first + MAX_CHECKED]}
            # With force, PostHog lists content that differs too; with skip_on_conflict it does not. It refuses neither.
            to_overwrite = await self._to_upload(asked, "force")
            if to_overwrite is None:
                self._compares = False
                return None
            to_add = (await self._to_upload(asked, "skip_on_conflict") or set[str]()) if to_overwrite else set[str]()
            same |= set(asked) - to_overwrite
            other |= to_overwrite - to_add
            absent |= to_overwrite & to_add
        return Comparison(frozenset(same), frozenset(other), frozenset(absent))

    async def start(
        self, requests: Iterable[UploadRequest], *, force: bool, skip_on_conflict: bool
    ) -> dict[str, StartedUpload]:
        """Start uploads; return by chunk id those whose files PostHog waits for. It needs no file for the others.

        Raises:
            PostHogError: nothing was started.
        """
        uploads = [_element(one) for one in requests]
        flags = {name: True for name, on in (("force", force), ("skip_on_conflict", skip_on_conflict)) if on}
        call = StartSymbolSetUploads.model_validate({"symbol_sets": uploads, **flags})
        answer = as_object(await send_endpoint(self._sender, call))
        id_map = answer.get("id_map")
        if not isinstance(id_map, dict):
            raise unreadable("names no uploads")
        started = {chunk_id: _started(entry) for chunk_id, entry in cast("dict[str, Any]", id_map).items()}
        if len({one.symbol_set_id for one in started.values()}) < len(started):
            raise unreadable("gives two uploads the same symbol_set_id")
        return started

    async def finish(self, hashes: Mapping[str, str]) -> bool:
        """Confirm uploads, all or none.

        Args:
            hashes: content hashes by symbol set id.

        Returns:
            True if it is certain: PostHog before June 2026 deletes the sets when a finish fails, and says yes to the
            second try, though nothing is left to confirm.

        Raises:
            PostHogError: none was confirmed. PostHog before June 2026 has deleted them all then.
        """
        call = FinishSymbolSetUploads.model_validate({"content_hashes": dict(hashes)})
        request = call.request()
        _, tries = await self._sender.send_counted(request.method, request.path, json=request.json)
        return tries == 1

    async def get(self, symbol_set_id: str) -> dict[str, Any] | None:
        """Return a symbol set; None if no set has that id."""
        call = RetrieveSymbolSet.model_construct(id=UUID(symbol_set_id))  # ids in answers are not validated
        try:
            row = as_object(await send_endpoint(self._sender, call))
        except NotFoundError as error:
            if error.code != "not_found":
                raise
            return None
        if uuid_of(row.get("id")) != symbol_set_id:
            raise unreadable("is not about the symbol set that was asked for")
        return row

    async def find(self, ref: str) -> dict[str, Any] | None:
        """Return the symbol set of a chunk id (or URL); None if no set has it."""
        return (await self.by_ref([ref])).get(ref)

    async def by_ref(self, refs: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return symbol sets by their ref; refs without a set are left out.

        This takes the cheaper of one request per ref and all pages of the project. An older server, which does not
        filter by ref, is paged through.
        """
        wanted, found = sorted(set(refs)), dict[str, dict[str, Any]]()
        first = await self._page(ListSymbolSets(limit=_PAGE, order_by="created_at"))
        count = first.get("count")
        if first.get("next") and isinstance(count, int) and len(wanted) < -(-count // _PAGE):
            filters = [True]

            async def look_up(ref: str) -> None:
                answer = await self._page(ListSymbolSets(ref=ref, limit=1)) if ref and filters[0] else {}
                for row in _rows(answer):
                    filters[0] &= row["ref"] == ref
                    found[ref] = row

            await for_each(wanted, look_up, at_once=_LOOKUPS)
            if filters[0]:
                return found
        return await self._paged(set(wanted), first)

    async def of_release(self, release_id: str, version: str) -> list[dict[str, Any]]:
        """Return the symbol sets of a release that have a file, those that were used last first: 100 at most.

        Args:
            release_id: its id or its hash id.
            version: its version, by which PostHog searches.
        """
        call = ListSymbolSets(search=version, status="valid", order_by="-last_used", limit=_PAGE)
        rows = _rows(await self._page(call))
        releases = [(row, as_object(row.get("release"))) for row in rows]
        return [row for row, release in releases if release_id in (release.get("id"), release.get("hash_id"))]

    async def _paged(self, wanted: set[str], answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the wanted sets on this page and all that follow."""
        found, offset, seen = dict[str, dict[str, Any]](), 0, set[int]()
        while True:
            page = cast("list[Any]", answer["results"])
            found.update((row["ref"], row) for row in _rows(answer) if row["ref"] in wanted)
            offset += len(page)
            if not page or not answer.get("next") or len(found) == len(wanted):
                return found
            seen.add(hash(to_json(page)))
            if len(seen) == _MOST_PAGES:
                raise unreadable(f"lists more than {_MOST_PAGES * _PAGE:,} symbol sets")
            answer = await self._page(ListSymbolSets(limit=_PAGE, offset=offset, order_by="created_at"))
            if hash(to_json(answer["results"])) in seen:
                raise unreadable("repeats a page of the symbol sets")

    async def _page(self, call: ListSymbolSets) -> dict[str, Any]:
        """Return a page of symbol sets.

        Raises:
            PostHogError: no answer, or it is not a page.
        """
        answer = as_object(await send_endpoint(self._sender, call))
        if not isinstance(answer.get("results"), list):
            raise unreadable("lists no symbol sets")
        return answer

    async def download_url(self, symbol_set_id: str) -> str:
        """Return a presigned URL of the file; a secret.

        Raises:
            PostHogError: no set has that id (`not_found`), it has no file (`no_file`), or PostHog is too old.
        """
        call = DownloadSymbolSet.model_construct(id=UUID(symbol_set_id))
        url = as_object(await send_endpoint(self._sender, call)).get("url")
        if not isinstance(url, str):
            raise unreadable("names no download URL")
        return url

    async def _to_upload(self, hashes: Mapping[str, str], flag: str) -> set[str] | None:
        elements = [{"chunk_id": one, "content_hash": content_hash} for one, content_hash in hashes.items()]
        call = CheckSymbolSetUploads.model_validate({"symbol_sets": elements, flag: True})
        try:
            answer = as_object(await send_endpoint(self._sender, call))
        except RefusedError as error:
            # On older servers the path is that of a symbol set named "bulk_check_upload" (contract 5.3).
            if error.status in (400, 403, 405) or error.code in ("endpoint_not_found", "not_found"):
                return None
            raise
        wanted = answer.get("chunk_ids_to_upload")
        if not isinstance(wanted, list):
            return None
        return {one for one in cast("list[Any]", wanted) if isinstance(one, str)} & set(hashes)


def _element(request: UploadRequest) -> dict[str, Any]:
    element = {"chunk_id": request.chunk_id, "content_hash": request.content_hash}
    more = {"release_id": request.release_id, "content_length": request.size}
    return element | {name: value for name, value in more.items() if value is not None}


def _rows(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the sets of a page that have a ref; every other one cannot be a set that is looked for."""
    return [row for row in as_objects(page.get("results")) if isinstance(row.get("ref"), str)]


def _started(entry: Any) -> StartedUpload:
    facts = as_object(entry)
    symbol_set_id = uuid_of(facts.get("symbol_set_id"))
    if symbol_set_id is None:
        raise unreadable("names an upload without its symbol_set_id")
    return StartedUpload(symbol_set_id, read_target(facts))
