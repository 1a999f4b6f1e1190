"""The tools that have a page, and the names under which clients find it. It imports nothing, as a start needs it."""

from typing import Any

EXTENSION = "io.modelcontextprotocol/ui"
MIME_TYPE = "text/html;profile=mcp-app"
DATA = "mcp-errortracking/ui"
"""The key in `_meta` of a result that has the data of a page, and in `_meta` of a request that asks for them."""

_RULES = ("assignment", "grouping", "suppression", "bypass", "severity")
PAGE_OF: dict[str, str] = {
    "query-error-tracking-issues-list": "issues",
    "query-error-tracking-issue": "issue",
    "query-error-tracking-issue-events": "issue",
    "error-tracking-symbol-sets-list": "symbol-sets",
    "error-tracking-rules-check": "rules",
    **{f"error-tracking-{kind}-rules-list": "rules" for kind in _RULES},
    "error-tracking-changes-list": "changes",
}
TITLES = {
    "issues": "Issues",
    "issue": "Issue",
    "changes": "Changes",
    "rules": "Rules",
    "symbol-sets": "Symbol sets",
}
"""The titles of the documents of the pages."""
PAGES = tuple(TITLES)

CALLED = frozenset(
    (
        *PAGE_OF,
        "error-tracking-issues-partial-update",
        "error-tracking-issues-assign-partial-update",
        "error-tracking-issues-merge-create",
        "error-tracking-directory-list",
        "error-tracking-rules-simulate",
        *(f"error-tracking-{kind}-rules-reorder" for kind in _RULES),
        "error-tracking-changes-undo",
        "error-tracking-symbol-sets-destroy",
        "source-maps-check",
        "source-maps-resolve",
    )
)
"""The tools that pages call: a page hides the buttons of those that are not on offer."""


def uri_of(page: str) -> str:
    """Return the URI of a page's resource."""
    return f"ui://mcp-errortracking/{page}.html"


def with_page(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool of tools/list, with the URI of its page if it has one. Clients do not give `_meta` to models."""
    page = PAGE_OF.get(tool["name"])
    return tool if page is None else {**tool, "_meta": {"ui": {"resourceUri": uri_of(page)}}}
