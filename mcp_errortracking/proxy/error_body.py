"""The body of an error answer: the shapes of contract 1.4, `detail` or `error` alone, or a gateway's page."""

import json
import re
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

_MAX_DETAIL = 500
BUDGET_SPENT = "api_queries_budget_exceeded"
"""The code of a 429 about the project's hourly budget of queries; requests of other kinds still work (contract 1.6)."""
_LONGEST_BODY = 256 * 1024
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]+")
"""Characters that could control a terminal, or hide in a text."""
_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Body:
    """The parts of an error body that PostHog's views agree on."""

    detail: str | None = None
    code: str | None = None
    attr: str | None = None
    is_json: bool = False
    is_empty: bool = False


def read_body(content: bytes) -> Body:
    """Read an error body of any form; its texts lose control characters and are cut to 500 characters.

    A body that is far longer than any of PostHog's is not parsed.
    """
    if len(content) > _LONGEST_BODY:
        return Body(is_json=content[:100].lstrip()[:1] == b"{")
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        return Body(is_empty=not content.strip())
    if not isinstance(data, dict):
        return Body(is_json=True)
    fields = cast("dict[str, Any]", data)

    def text(name: str) -> str | None:
        value = fields.get(name)
        return (
            CONTROL.sub(" ", value[: 2 * _MAX_DETAIL])[:_MAX_DETAIL].strip() or None if isinstance(value, str) else None
        )

    attr, code = text("attr"), text("code")
    if code and not _CODE.fullmatch(code):  # codes appear in logs and metrics
        code = None
    return Body(text("detail") or text("error"), code, attr and attr.replace("__", "."), is_json=True)


def is_budget_spent(status: int, content: bytes) -> bool:
    """True if a 429 comes from the project's budget of queries, which says nothing about the limits of the key."""
    return status == 429 and read_body(content).code == BUDGET_SPENT


def is_unknown_route(status: int, content: bytes) -> bool:
    """True if a 404 comes from the router: the path is not an endpoint there, so nothing was done (contract 1.4)."""
    if status != 404:
        return False
    body = read_body(content)
    return body.detail == "Endpoint not found." or not (body.is_json or body.is_empty)


def moved_issue(content: bytes) -> str | None:
    """Return the issue that PostHog names where a fingerprint has moved (contract 6.6); None if it is not an id."""
    try:
        data: Any = json.loads(content[:_LONGEST_BODY])
        return str(UUID(data["issue_id"]))
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
