"""PostHog's description of a key and of its user (contract 1.8)."""

from dataclasses import dataclass
from typing import Any, cast

from mcp_errortracking.proxy.address import KEY_PATH, USER_PATH
from mcp_errortracking.proxy.client import Proxy
from mcp_errortracking.proxy.error_body import CONTROL
from mcp_errortracking.proxy.errors import ForbiddenError, NotFoundError, RefusedBeforeError
from mcp_errortracking.proxy.key import projects_of

_LONGEST = 200
_MOST_SCOPES = 1000


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """The name of a key in PostHog's settings, its scopes (None: not known), and its projects (none: all)."""

    label: str
    scopes: frozenset[str] | None
    projects: tuple[int, ...]


async def read_key_facts(proxy: Proxy) -> KeyFacts | None:
    """Return the description of the key; None if an older PostHog does not describe it.

    Raises:
        PostHogError: the key is not accepted, or no answer came.
    """
    try:
        data = (await proxy.send("GET", KEY_PATH)).data
    except (ForbiddenError, NotFoundError) as error:
        if isinstance(error, RefusedBeforeError):
            raise
        return None
    fields = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    scopes: Any = fields.get("scopes")
    return KeyFacts(
        _plain(fields.get("label")),
        frozenset(map(_plain, cast("list[Any]", scopes)[:_MOST_SCOPES])) if isinstance(scopes, list) else None,
        tuple(projects_of(fields)),
    )


async def read_user(proxy: Proxy) -> str | None:
    """Return the e-mail of the key's user; None if the key may not read it.

    Raises:
        PostHogError: no answer came.
    """
    try:
        data = (await proxy.send("GET", USER_PATH)).data
    except (ForbiddenError, NotFoundError):
        return None
    email: Any = cast("dict[str, Any]", data).get("email") if isinstance(data, dict) else None
    return _plain(email) or None


def _plain(text: object) -> str:
    return CONTROL.sub(" ", text)[:_LONGEST].strip() if isinstance(text, str) else ""
