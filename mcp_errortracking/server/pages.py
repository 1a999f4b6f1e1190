"""Addresses of PostHog's pages in results, for the user: `_posthogUrl`, as PostHog's own client calls it."""

from dataclasses import replace
from typing import Any, cast

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import PAGE, ROW_PAGES
from mcp_errortracking.proxy.sender import Sender, page_of

_NAME = "_posthogUrl"


def with_page(outcome: Outcome, sender: Sender) -> Outcome:
    """Return an outcome with the address of its page. The text of a list has the addresses of its rows as one."""
    url = page_of(sender, outcome.page or "")
    if url is None:
        return outcome
    display = {_NAME: url, **(outcome.data if outcome.display is None else outcome.display)}
    found = outcome.data.get("results")
    if outcome.page != ROW_PAGES or not isinstance(found, list):
        return replace(outcome, data={**outcome.data, _NAME: url}, display=display)
    listed = url.removesuffix(ROW_PAGES) + PAGE
    rows = [_with_own(row, listed) for row in cast("list[Any]", found)]
    return replace(outcome, data={**outcome.data, "results": rows, _NAME: listed}, display=display)


def _with_own(row: Any, listed: str) -> Any:
    if not isinstance(row, dict) or not isinstance(cast("dict[str, Any]", row).get("id"), str):
        return cast("Any", row)
    return {**cast("dict[str, Any]", row), _NAME: f"{listed}/{row['id']}"}
