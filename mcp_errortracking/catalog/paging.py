"""Lists that come in pages: their arguments, and what an agent needs to read on (contract 1.5)."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast

from pydantic import Field

from mcp_errortracking.catalog.activity import show_entry
from mcp_errortracking.catalog.declaration import AtMost
from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Steps, as_object, as_objects

Limit = Annotated[int, Field(ge=1, examples=[20]), AtMost(10_000)]
_MOST = 2**31 - 1
Offset = Annotated[int, Field(ge=0, le=_MOST, examples=[20])]
_OFFSET = re.compile(r"[?&]offset=([0-9]{1,10})(?![^&#])")
_LONGEST_LINK = 16_384


PAGES: Mapping[str, str] = {
    **dict.fromkeys(("page", "cursor", "skip", "start", "page_number", "after"), "offset"),
    **dict.fromkeys(("per_page", "page_size", "max_results", "count", "top", "first", "size"), "limit"),
}
"""Arguments of other APIs' lists, and the ones of PostHog."""


class LongEndpoint(Endpoint):
    """An endpoint that can answer at length: the caller may say how long is too long."""

    max_tokens: Annotated[int, Field(ge=100, le=1_000_000)] | None = Field(default=None, exclude=True)


class PagedEndpoint(LongEndpoint):
    """An endpoint that answers a page; the links of the page become the offset to read on from."""

    limit: Limit | None = None
    offset: Offset | None = None

    meant = PAGES

    def steps(self) -> Steps:
        page = read_page((yield self.request()))
        return Outcome(page, note_on_offset(page, self.offset))


def note_on_offset(page: dict[str, Any], offset: int | None) -> list[str]:
    """Return a note if a page has no row because it begins past the end of the list."""
    if not offset or page.get("results") != []:
        return []
    count = page.get("count")
    rows = f", it has {count} rows" if isinstance(count, int) else ""
    return [f"offset {offset} lies past the end of the list{rows}: start at offset 0."]


def note_on_filters(page: dict[str, Any], fitting: Mapping[str, Callable[[dict[str, Any]], bool]]) -> list[str]:
    """Return a note if rows do not match a filter: an older PostHog ignores filters that it does not know.

    Args:
        fitting: by the name of each filter that was given, whether a row fits it.
    """
    rows = as_objects(page.get("results"))
    ignored = [name for name, fits in fitting.items() if not all(map(fits, rows))]
    if not ignored:
        return []
    left = sum(all(fitting[name](row) for name in ignored) for row in rows)
    names = " and ".join(ignored)
    return [f"This PostHog is too old for {names} and lists everything: {left} of these {len(rows)} rows fit."]


class ActivityEndpoint(Endpoint):
    """A page of PostHog's activity log, which counts pages where other lists count rows (contract 6.6)."""

    limit: Limit | None = None
    page: Annotated[int, Field(ge=1, le=_MOST, examples=[1])] | None = None

    meant = {"offset": "page", "skip": "page", "per_page": "limit", "page_size": "limit"}

    def steps(self) -> Steps:
        answer = as_object((yield self.request()))
        rows = answer.get("results")
        if not isinstance(rows, list):
            return Outcome(answer)
        following = (self.page or 1) + 1 if answer.get("next") else None
        notes = [f"More: page {following}."] if following else []
        if not rows and (self.page or 1) > 1:
            notes.append(f"page {self.page} lies past the end of the log: start at page 1.")
        page: dict[str, Any] = {"count": answer.get("total_count", answer.get("count")), "results": rows}
        entries = cast("list[Any]", rows)
        shown = [show_entry(cast("dict[str, Any]", one)) if isinstance(one, dict) else one for one in entries]
        return Outcome(page, notes, display={**page, "results": shown})


def read_page(answer: Any) -> dict[str, Any]:
    """A page of PostHog's as `{"count", "next_offset", "results"}`; `next_offset` is None on the last page.

    An answer without `results` is returned as it came.
    """
    if isinstance(answer, list):  # older servers answer some lists bare
        rows = cast("list[Any]", answer)
        return {"count": len(rows), "next_offset": None, "results": rows}
    page = as_object(answer)
    if not isinstance(page.get("results"), list):
        return page
    rest = {name: value for name, value in page.items() if name not in ("count", "next", "previous", "results")}
    following = next_offset(page.get("next"))
    return {"count": page.get("count"), "next_offset": following, **rest, "results": page["results"]}


def next_offset(link: Any) -> int | None:
    """The offset that a `next` link names. Only its query is read: the link itself is never followed."""
    found = _OFFSET.search(link[:_LONGEST_LINK]) if isinstance(link, str) else None
    return int(found[1]) if found and int(found[1]) <= _MOST else None
