"""MCP resources: issues and rules, each at its own URI, and the completion of their ids."""

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

from mcp_types import ResourceTemplate

from mcp_errortracking.catalog.endpoint import uuid_of
from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.server.calls import Reply

_ID = re.compile(r"[\w-]{1,64}")  # clients show completions as they are, and put them into prompts
_ISSUE = re.compile(r"posthog://issues/([0-9A-Fa-f-]{36})")
_MAX_URI = 200
_MOST = 100
"""Values of a completion, the protocol's limit."""

Caller = Callable[[str, dict[str, Any]], Awaitable[Reply]]
"""Calls a tool by name."""


class ResourceError(LookupError):
    """The resource does not exist; the text lists the available ones."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource: the tool that reads one, its argument, and the tool that lists them."""

    name: str
    title: str
    read: str
    argument: str
    lists: str
    list_arguments: dict[str, Any]

    @property
    def template(self) -> str:
        return f"posthog://{self.name}/{{id}}"


_RULES = ("assignment", "grouping", "suppression", "bypass", "severity")
KINDS = (
    Kind(
        "issues",
        "Issue",
        "query-error-tracking-issue",
        "issueId",
        "query-error-tracking-issues-list",
        {"status": "all", "dateRange": {"date_from": "-90d"}, "limit": _MOST},
    ),
    *(
        Kind(
            f"{rule}_rules",
            f"{rule.capitalize()} rule",
            f"error-tracking-{rule}-rules-retrieve",
            "id",
            f"error-tracking-{rule}-rules-list",
            {},
        )
        for rule in _RULES
    ),
)


class Resources:
    """The kinds of resources whose list tool is on offer."""

    def __init__(self, tools: Collection[str]) -> None:
        self._kinds = {kind.name: kind for kind in KINDS if kind.lists in tools}

    def templates(self) -> list[ResourceTemplate]:
        """Return the kinds as a client lists them."""
        return [
            ResourceTemplate(
                name=kind.name,
                title=kind.title,
                uri_template=kind.template,
                description=f"One {kind.title.lower()}, as {kind.read} shows it.",
                mime_type="text/plain",
            )
            for kind in self._kinds.values()
        ]

    def issue_of(self, uri: str) -> str | None:
        """Return the id of the issue that a URI names; None if it names none."""
        match = _ISSUE.fullmatch(uri) if len(uri) <= _MAX_URI and KINDS[0].name in self._kinds else None
        return uuid_of(match[1]) if match else None

    async def read(self, uri: str, call: Caller) -> str:
        """Return the text of a resource.

        Raises:
            ResourceError: the URI is not that of a resource, or PostHog does not have it.
        """
        match = re.fullmatch(r"posthog://(\w+)/([^/?#]+)", uri) if len(uri) <= _MAX_URI else None
        kind = self._kinds.get(match[1]) if match else None
        if match is None or kind is None:
            available = ", ".join(kind.template for kind in self._kinds.values()) or "none"
            raise ResourceError(f"Unknown resource: {shown_uri(uri)}. Available resources: {available}.")
        reply = await call(kind.read, {kind.argument: match[2]})
        if reply.is_error:
            raise ResourceError(reply.text)
        return reply.text

    async def complete(self, template: str, typed: str, call: Caller) -> list[str]:
        """Return ids that begin with the typed text, or whose name contains it; none if PostHog does not answer."""
        kind = next((kind for kind in self._kinds.values() if kind.template == template), None)
        return [] if kind is None else await _ids(kind, typed, call)

    async def complete_issue(self, typed: str, call: Caller) -> list[str]:
        """Return the same for a prompt argument that names an issue."""
        return await self.complete(KINDS[0].template, typed, call)


def shown_uri(uri: str) -> str:
    """Return a client's URI as an error repeats it: one line, bounded, without a key."""
    return clean(redact(uri[: 2 * _MAX_URI]), _MAX_URI)


async def _ids(kind: Kind, typed: str, call: Caller) -> list[str]:
    reply = await call(kind.lists, kind.list_arguments)
    rows: Any = reply.structured.get("results")
    if reply.is_error or not isinstance(rows, list):
        return []
    typed = typed.strip().lower()
    objects = [cast("dict[str, Any]", row) for row in cast("list[Any]", rows) if isinstance(row, dict)]
    ids = [
        str(row.get("id"))
        for row in objects
        if str(row.get("id")).startswith(typed) or typed in f"{row.get('name')} {row.get('description')}".lower()
    ]
    return [one for one in ids if _ID.fullmatch(one)][:_MOST]
