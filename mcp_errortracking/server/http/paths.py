"""Paths of the app over HTTP, each in one spelling, whatever a client writes and wherever the app is mounted.

The checks of tokens, keys and limits look at the path before the router does: all must read it alike.
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
    """True if a request is for an endpoint of MCP."""
    return path_of(scope) in (MCP, SSE, MESSAGES)


def correct_slash(scope: Scope) -> None:
    """Replace a path of MCP that has a slash too many or too few at its end by the one that is served."""
    path = path_of(scope)
    if path in _OTHER_SPELLINGS:
        root = scope["path"].removesuffix(path)
        scope["path"] = root + _OTHER_SPELLINGS[path]


class ExactRoute(Route):
    """A route of exactly one path: the regular expression of `Route` matches one with a newline at its end too."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the path, then what else a route looks at."""
        if scope["type"] != "http" or path_of(scope) != self.path:
            return Match.NONE, {}
        return super().matches(scope)
