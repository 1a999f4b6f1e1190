"""Where a call goes: the two forms of PostHog's project paths (contract 1.2), and what a path may hold."""

import re
from typing import Literal

Form = Literal["projects", "environments"]

KEY_PATH = "/api/personal_api_keys/@current/"
"""What PostHog says of the key that asks; every key may (contract 1.8)."""

_PLAIN_PATH = re.compile(r"(?:[A-Za-z0-9_\-@~%!$&'()*+,;=:]+/)+")
_ESCAPES = re.compile(r"%(?![0-9A-Fa-f]{2})|%(?:2[EeFf]|5[Cc])")


def target(path: str, project: str, form: Form) -> str:
    """The path of a request on the host.

    Args:
        path: relative to the project (`error_tracking/fingerprints/`), or absolute (`/api/users/@me/`).

    Raises:
        ValueError: the path could be read as another one: dots, empty segments, a query, an escaped slash.
    """
    relative = path.removeprefix("/")
    if not _PLAIN_PATH.fullmatch(relative) or _ESCAPES.search(relative):
        raise ValueError(f"not a plain API path: {path!r}")
    if path.startswith("/"):
        if not path.startswith("/api/"):
            raise ValueError(f"not a path of the API: {path!r}")
        return path
    return f"/api/{form}/{project}/{path}"
