"""Ids of issues that a project does not have: PostHog leaves them out of calls about many issues (contract 6.6)."""

from collections.abc import Collection, Generator
from typing import Any
from uuid import UUID

from mcp_errortracking.catalog.endpoint import Request, as_object, as_objects
from mcp_errortracking.catalog.paging import next_offset

_PAGE = 1000
_MAX_PAGES = 5
_SHOWN = 10


def missing_issues(ids: Collection[UUID]) -> Generator[Request, Any, list[str]]:
    """Return those ids that no issue of the project has; none if the list is too long to say."""
    wanted = {str(one) for one in ids}
    offset: int | None = None
    for _ in range(_MAX_PAGES):
        query = {"limit": _PAGE} | ({} if offset is None else {"offset": offset})
        page = as_object((yield Request("GET", "error_tracking/issues/", query=query)))
        if not isinstance(page.get("results"), list):
            return []
        wanted -= {str(issue.get("id")) for issue in as_objects(page["results"])}
        following = next_offset(page.get("next"))
        if not wanted or following is None or following <= (offset or 0):
            return [one for one in dict.fromkeys(map(str, ids)) if one in wanted]
        offset = following
    return []


def note_on_missing(missing: list[str], given: int) -> list[str]:
    """Return a note that names the ids, of all that were given."""
    if not missing:
        return []
    names = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else "")
    return [
        f"{len(missing)} of {given} ids are not issues of this project, nothing was done with them: {names}. "
        "Find issues with query-error-tracking-issues-list."
    ]
