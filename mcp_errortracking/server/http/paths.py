"""Paths of the app over HTTP, each in one spelling, for every client and wherever the app is mounted.

The checks of tokens, keys and limits read the path before the router does, so all must read it the same way.
"""

from starlette.routing import Match, Route
from starlette.types import Scope

MCP = "/mcp"
SSE = "/sse"
MESSAGES = "/messages/"
_OTHER_SPELLINGS = {"/mcp/": MCP, "/sse/": SSE, "/messages": MESSAGES}


def path_of(scope: Scope) -> str:
    """Return the path of a request below the app's root path, as Starlette's router reads it."""
    path, root = scope["path"], scope.get("root_path", "")
    return path.removeprefix(root) if path == root or path.startswith(f"{root}/") else path


def is_mcp(scope: Scope) -> bool:
    """True if a request is for an MCP endpoint."""
    return path_of(scope) in (MCP, SSE, MESSAGES)


def correct_slash(scope: Scope) -> None:
    """Correct an MCP path that has one trailing slash too many or too few."""
    path = path_of(scope)
    if path in _OTHER_SPELLINGS:
        root = scope["path"].removesuffix(path)
        scope["path"] = root + _OTHER_SPELLINGS[path]


class ExactRoute(Route):
    """A route of exactly one path. The regular expression of `Route` also matches the path with a trailing newline."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the path, then the method."""
        if scope["type"] != "http" or path_of(scope) != self.path:
            return Match.NONE, {}
        is_allowed = self.methods is None or scope["method"] in self.methods
        return Match.FULL if is_allowed else Match.PARTIAL, {"endpoint": self.endpoint, "path_params": {}}
