"""Lists that come in pages: their arguments, and what an agent needs to read on (contract 1.5)."""

from typing import Annotated, Any, cast
from urllib.parse import parse_qs

from pydantic import Field

from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Steps, as_object

Limit = Annotated[int, Field(ge=1, le=10_000, description="Default 100.", examples=[20])]
Offset = Annotated[int, Field(ge=0, le=2**31 - 1, examples=[20])]


class PagedEndpoint(Endpoint):
    """An endpoint that answers a page; the links of the page become the offset to read on from."""

    limit: Limit | None = None
    offset: Offset | None = None

    def steps(self) -> Steps:
        answer = yield self.request()
        return Outcome(read_page(answer))


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
    if not isinstance(link, str):
        return None
    values = parse_qs(link.partition("?")[2].partition("#")[0]).get("offset", [])
    return int(values[0]) if values and values[0].isdecimal() else None
