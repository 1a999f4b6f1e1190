"""The release that a report is about, and the one before it, from PostHog's list."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of
from mcp_errortracking.catalog.paging import read_page
from mcp_errortracking.catalog.releases import ListReleases
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.workflows.problems import WorkflowError, quoted
from mcp_errortracking.workflows.times import moment_of

_MOST = 500
"""The newest releases, among which one is looked for."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_MOST_NEAR = 3
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Release:
    """A release. `commit` and `branch` are empty where its metadata does not name them."""

    id: str
    hash_id: str
    version: str
    product: str
    created: datetime
    commit: str
    branch: str


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """A release that was asked for, the one of the same product before it, and those that came after it.

    `others`: releases that the same name fits too.
    """

    release: Release
    previous: Release | None
    later: Sequence[Release]
    others: Sequence[Release]


async def find_release(sender: Sender, wanted: str | None) -> FoundRelease:
    """Return the newest release that a name fits, or the newest of all.

    Raises:
        WorkflowError: no release has this name, or the project has none.
        PostHogError: no answer.
    """
    page = read_page(await send_endpoint(sender, ListReleases(limit=_MOST)))
    releases = [found for one in as_objects(page.get("results")) if (found := _read(one))]
    releases.sort(key=lambda one: one.created, reverse=True)
    if not releases:
        raise WorkflowError(
            "no_release",
            "This project has no release.",
            next_step="Give dateRange, such as the last 24 h, to compare two times instead.",
        )
    wanted = (wanted or "").strip() or None
    fitting = releases if wanted is None else _named(releases, wanted)
    if not fitting:
        raise _unknown(wanted or "", releases, is_whole=page.get("next_offset") is None)
    chosen = fitting[0]
    same = [one for one in releases if one.product == chosen.product]
    place = same.index(chosen)
    others = [] if wanted is None else fitting[1:]
    return FoundRelease(chosen, next(iter(same[place + 1 :]), None), same[:place], others)


def _named(releases: Sequence[Release], name: str) -> list[Release]:
    """Return the releases that a name fits, by the first kind of name that fits any."""
    commit = name.lower()
    kinds: list[Callable[[Release], bool]] = [
        lambda one: name in (one.id, one.hash_id),
        lambda one: name == one.version,
        lambda one: bool(_COMMIT.fullmatch(commit)) and one.commit.lower().startswith(commit),
        lambda one: name == one.branch,
        lambda one: name.lower().removeprefix("v") == one.version.lower().removeprefix("v") != "",
    ]
    return next((found for fits in kinds if (found := [one for one in releases if fits(one)])), list[Release]())


def _unknown(wanted: str, releases: Sequence[Release], *, is_whole: bool) -> WorkflowError:
    names = list(dict.fromkeys(name for one in releases for name in (one.version, one.branch) if name))
    near = get_close_matches(wanted[:_LONGEST_NAME], names, n=_MOST_NEAR, cutoff=0.5)
    shown = ", ".join(quoted(clean(name, _LONGEST_NAME)) for name in near or names[:_MOST_NEAR])
    among = "" if is_whole else f" among the newest {len(releases)}"
    return WorkflowError(
        "unknown_release",
        f"No release{among} has the version, hash_id, commit or branch {quoted(clean(wanted, _LONGEST_NAME))}.",
        f"The {'nearest' if near else 'newest'} {'names are' if shown.count(', ') else 'name is'} {shown}.",
        "Give one of these, 7 or more characters of a commit, or dateRange.",
    )


def _read(row: dict[str, object]) -> Release | None:
    created = moment_of(row.get("created_at"))
    if created is None:
        return None
    metadata = row.get("metadata")
    git = as_object(as_object(metadata).get("git")) if isinstance(metadata, dict) else {}
    return Release(
        text_of(row, "id"),
        text_of(row, "hash_id"),
        text_of(row, "version"),
        text_of(row, "project"),
        created,
        text_of(git, "commit_id"),
        text_of(git, "branch"),
    )
