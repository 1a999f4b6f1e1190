"""Hints about mixed-up ids: the real type of an id that PostHog did not find.

One more request finds it out, for the ids that are confused most: those of issues, fingerprint records and chunks.
"""

from typing import Any
from uuid import UUID

import anyio

from mcp_errortracking.catalog import Declaration, ListedBy, Request
from mcp_errortracking.catalog.declaration import with_article
from mcp_errortracking.catalog.endpoint import as_object, as_objects, uuid_of
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender

_TIME_LIMIT = 3.0
"""Seconds that a hint may take."""


async def id_hint(sender: Sender, call: Declaration) -> str | None:
    """Return the real type of an id that PostHog did not find, as a sentence; None if it is not known in time."""
    identifier = _id_of(call)
    if identifier is None:
        return None
    noun, value = identifier
    request = _lookup_request(noun, value)
    try:
        with anyio.fail_after(_TIME_LIMIT):
            answer = await sender.send(request.method, request.path, query=request.query)
    except (PostHogError, TimeoutError):
        return None
    data = as_object(answer.data)
    if noun == "symbol set":
        sets = [one for one in as_objects(data.get("results")) if one.get("ref") == value]
        return f"{value} is the chunk id of a symbol set; that set's id is {_id(sets[0].get('id'))}." if sets else None
    if str(data.get("id")) != value:
        return None
    if noun == "issue":
        return f"{value} is the id of a fingerprint record; the id of its issue is {_id(data.get('issue_id'))}."
    return f"{value} is the id of an issue, not of {with_article(noun)}."


def _id_of(call: Declaration) -> tuple[str, str] | None:
    """Return the type of id that a call takes, and the id it was given."""
    for name, info in type(call).model_fields.items():
        value = getattr(call, name)
        kinds = [item for item in info.metadata if isinstance(item, ListedBy)]
        if kinds and isinstance(value, UUID):
            return kinds[0].noun, str(value)
    return None


def _lookup_request(noun: str, value: str) -> Request:
    if noun == "symbol set":
        return Request("GET", "error_tracking/symbol_sets/", query={"ref": value, "limit": 1})
    place = "fingerprints" if noun == "issue" else "issues"
    return Request("GET", f"error_tracking/{place}/{value}/")


def _id(value: Any) -> str:
    """Return an id in an answer; any other text is not repeated."""
    return uuid_of(value) or "unknown"
