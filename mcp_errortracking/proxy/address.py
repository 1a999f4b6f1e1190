"""The address of a request: the two forms of PostHog's project paths (contract 1.2), and the paths allowed."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import httpx

Form = Literal["projects", "environments"]

API = "/api/"
"""The root of all paths of the API."""

KEY_PATH = f"{API}personal_api_keys/@current/"
"""Describes the key that the request is made with; every key may read it (contract 1.8)."""

USER_PATH = f"{API}users/@me/"
"""Describes the user of the key, and that user's current project (contract 1.8)."""

LOGIN_CODE_PATH = f"{API}cli-auth/device-code/"
LOGIN_POLL_PATH = f"{API}cli-auth/poll/"
"""The sign-in of command lines by a device code; it needs no key (contract 1.10)."""

SYMBOL_SETS_PATH = "error_tracking/symbol_sets/"
"""The paths below it, relative to the project, have rate limits of their own (contract 1.6)."""

_LONGEST_KEPT = 500
"""Characters of a URL whose parsed form is kept."""

_PLAIN_PATH = re.compile(r"(?:[A-Za-z0-9_\-@~%!$&'()*+,;=:]+/)+")
_ESCAPES = re.compile(r"%(?![0-9A-Fa-f]{2})|%(?:2[EeFf]|5[Cc])")


def target(path: str, project: str, form: Form) -> str:
    """Return the path of a request on the host.

    Args:
        path: relative to the project (`error_tracking/fingerprints/`; empty for the project itself), or absolute
            (`/api/users/@me/`).

    Raises:
        ValueError: the path is ambiguous: dots, empty segments, a query, an escaped slash.
    """
    if not path:
        return f"{form_root(form)}{project}/"
    relative = path.removeprefix("/")
    if not _PLAIN_PATH.fullmatch(relative) or _ESCAPES.search(relative):
        raise ValueError(f"not a plain API path: {path!r}")
    if path.startswith("/"):
        if not path.startswith(API):
            raise ValueError(f"not a path of the API: {path!r}")
        return path
    return f"{form_root(form)}{project}/{path}"


def in_project(project: str, path: str) -> str:
    """Return a path relative to a project as an absolute one, for a project other than the configured one."""
    return f"{form_root('projects')}{project}/{path}"


def form_root(form: Form) -> str:
    """Return the root of the paths of one form, like `/api/projects/`."""
    return f"{API}{form}/"


def parse_url(url: str) -> "httpx.URL":
    """Return the parsed URL of a request: parsing takes httpx longer than all else, and most URLs come again."""
    return _kept(url) if len(url) <= _LONGEST_KEPT else _kept.__wrapped__(url)


@lru_cache(maxsize=500)
def _kept(url: str) -> "httpx.URL":
    import httpx

    return httpx.URL(url)
