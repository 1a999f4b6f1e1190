"""Issues and rules as MCP resources, each at its own URI; and the completion of their ids."""

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

from mcp_types import ResourceTemplate

from mcp_errortracking.safe_text.escaping import clean, hide_keys
from mcp_errortracking.server.calls import Reply

_ID = re.compile(r"[\w-]{1,64}")  # clients show completions as they are, and put them into prompts
_MAX_URI = 200
_MOST = 100
"""Values that a completion may have, as the protocol says."""

Caller = Callable[[str, dict[str, Any]], Awaitable[Reply]]
"""Calls a tool by name."""


class ResourceError(LookupError):
    """There is no such resource; the text says which there are."""


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
    """The kinds of resources that can be listed: a server that does not offer their lists has none of them."""

    def __init__(self, tools: Collection[str]) -> None:
        self._kinds = {kind.name: kind for kind in KINDS if kind.lists in tools}

    def templates(self) -> list[ResourceTemplate]:
        """The kinds as a client lists them."""
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

    async def read(self, uri: str, call: Caller) -> str:
        """The text of a resource.

        Raises:
            ResourceError: the URI names none, or PostHog does not have it.
        """
        found = re.fullmatch(r"posthog://(\w+)/([^/?#]+)", uri) if len(uri) <= _MAX_URI else None
        kind = self._kinds.get(found[1]) if found else None
        if found is None or kind is None:
            there = ", ".join(kind.template for kind in self._kinds.values()) or "none"
            raise ResourceError(f"No such resource: {shown_uri(uri)}. There are: {there}.")
        reply = await call(kind.read, {kind.argument: found[2]})
        if reply.is_error:
            raise ResourceError(reply.text)
        return reply.text

    async def complete(self, template: str, typed: str, call: Caller) -> list[str]:
        """Ids that begin with what was typed, or whose name has it in it; none where PostHog does not answer."""
        kind = next((kind for kind in self._kinds.values() if kind.template == template), None)
        return [] if kind is None else await _ids(kind, typed, call)

    async def complete_issue(self, typed: str, call: Caller) -> list[str]:
        """The same for a prompt's argument that names an issue."""
        return await self.complete(KINDS[0].template, typed, call)


def shown_uri(uri: str) -> str:
    """Return a client's URI as an error repeats it: one line, bounded, without a key."""
    return clean(hide_keys(uri[: 2 * _MAX_URI]), _MAX_URI)


async def _ids(kind: Kind, typed: str, call: Caller) -> list[str]:
    reply = await call(kind.lists, kind.list_arguments)
    rows: Any = reply.structured.get("results")
    if reply.is_error or not isinstance(rows, list):
        return []
    typed = typed.strip().lower()
    found = [cast("dict[str, Any]", row) for row in cast("list[Any]", rows) if isinstance(row, dict)]
    ids = [
        str(row.get("id"))
        for row in found
        if str(row.get("id")).startswith(typed) or typed in f"{row.get('name')} {row.get('description')}".lower()
    ]
    return [found for found in ids if _ID.fullmatch(found)][:_MOST]
