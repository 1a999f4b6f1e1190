"""The scopes of a key (contract 1.8), so that an agent is only offered tools that it can use."""

import logging
from http import HTTPStatus
from math import inf
from typing import Any, cast

from mcp_errortracking.proxy.address import KEY_PATH
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.server.scope_memory import ScopeMemory
from mcp_errortracking.server.shared_answer import SharedAnswer

logger = logging.getLogger(__name__)

_MOST_SCOPES = 1000
_TIME_LIMIT = 3.0
"""Seconds that a list of tools may wait for the scopes."""

_EVERY_SCOPE = frozenset(["*"])
"""Remembered of a PostHog that names no scopes: every tool is listed, and the next start need not wait to know it."""

_UNKNOWN_SECONDS = 10.0
"""Until PostHog is asked again after it gave no answer."""


def read_scopes(key: Any) -> frozenset[str] | None:
    """Return the scopes in PostHog's description of a key; None if it has none."""
    scopes = cast("dict[str, Any]", key).get("scopes") if isinstance(key, dict) else None
    if not isinstance(scopes, list) or not scopes:
        return None
    return frozenset(scope for scope in cast("list[Any]", scopes)[:_MOST_SCOPES] if isinstance(scope, str))


class KeyScopes:
    """The scopes of one sender's key, requested once, and again after some seconds if PostHog gave no answer.

    Those of an earlier start are used until `refresh` has checked them.
    """

    def __init__(self, sender: Sender, memory: ScopeMemory | None = None) -> None:
        self._sender = sender
        self._memory = memory
        self._remembered = memory and memory.scopes
        self._shared = SharedAnswer[frozenset[str] | None](
            self._ask,
            time_limit=_TIME_LIMIT,
            fallback=None,
            ttl=lambda scopes: _UNKNOWN_SECONDS if scopes is None else inf,
        )

    async def get(self) -> frozenset[str] | None:
        """Return the scopes; None if PostHog does not give them, in time or at all."""
        if self._remembered is not None:
            return self._remembered
        return await self._shared.get()

    async def refresh(self) -> bool:
        """Check the scopes of an earlier start, and return True if they have changed."""
        if self._remembered is None or (scopes := await self._shared.get()) is None:
            return False
        remembered, self._remembered = self._remembered, None
        return scopes != remembered

    async def _ask(self) -> frozenset[str] | None:
        try:
            scopes = read_scopes((await self._sender.send("GET", KEY_PATH)).data)
        except PostHogError as error:
            logger.debug("the key's scopes are not known, so every tool is listed (%s)", type(error).__name__)
            if error.status != HTTPStatus.NOT_FOUND:
                return None
            scopes = None  # an older PostHog, which describes no key
        if self._memory is not None:
            self._memory.save(scopes or _EVERY_SCOPE)
        return scopes
