"""Hints about mixed-up ids: the real type of an id that PostHog did not find.

One more request finds it out, for the ids that are confused most: those of issues, fingerprint records and chunks.
"""

from typing import Any
from uuid import UUID

import anyio

from mcp_errortracking.catalog import Declaration, Endpoint, ListedBy
from mcp_errortracking.catalog.declaration import with_article
from mcp_errortracking.catalog.endpoint import as_object, as_objects, uuid_of
from mcp_errortracking.catalog.fingerprints import RetrieveFingerprint
from mcp_errortracking.catalog.issues import RetrieveIssue
from mcp_errortracking.catalog.symbol_sets import ListSymbolSets
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender

_TIME_LIMIT = 3.0
"""Seconds that a hint may take."""


async def id_hint(sender: Sender, call: Declaration) -> str | None:
    """Return the real type of an id that PostHog did not find, as a sentence; None if it is not known in time."""
    identifier = _id_of(call)
    if identifier is None:
        return None
    noun, value = identifier[0], str(identifier[1])
    lookup = _lookup(*identifier)
    try:
        with anyio.fail_after(_TIME_LIMIT):
            answer = await send_endpoint(sender, lookup)
    except (PostHogError, TimeoutError):
        return None
    data = as_object(answer)
    if noun == "symbol set":
        sets = [one for one in as_objects(data.get("results")) if one.get("ref") == value]
        return f"{value} is the chunk id of a symbol set; that set's id is {_id(sets[0].get('id'))}." if sets else None
    if str(data.get("id")) != value:
        return None
    if noun == "issue":
        return f"{value} is the id of a fingerprint record; the id of its issue is {_id(data.get('issue_id'))}."
    return f"{value} is the id of an issue, not of {with_article(noun)}."


def _id_of(call: Declaration) -> tuple[str, UUID] | None:
    """Return the type of id that a call takes, and the id it was given."""
    for name, info in type(call).model_fields.items():
        value = getattr(call, name)
        kinds = [item for item in info.metadata if isinstance(item, ListedBy)]
        if kinds and isinstance(value, UUID):
            return kinds[0].noun, value
    return None


def _lookup(noun: str, value: UUID) -> Endpoint:
    if noun == "symbol set":
        return ListSymbolSets(ref=str(value), limit=1)
    return RetrieveFingerprint(id=value) if noun == "issue" else RetrieveIssue(id=value)


def _id(value: Any) -> str:
    """Return an id in an answer; any other text is not repeated."""
    return uuid_of(value) or "unknown"
