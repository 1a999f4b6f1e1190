"""The rights of callers: the tools that the scopes of a token give."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rights:
    """The tools that one caller may use, of those on offer."""

    tools: frozenset[str]
    grants: "Grants"

    def explain(self, tool: str) -> str:
        """Return why a tool is refused, and what to do about it."""
        scopes = self.grants.scopes_for(tool)
        if not scopes:
            return f"No scope gives {tool}. The operator of this server can add it to one with MCP_OAUTH_SCOPES."
        needed = f"the scope {scopes[0]}" if len(scopes) == 1 else f"one of the scopes {', '.join(scopes)}"
        return f"{tool} needs {needed}, which your token lacks. Sign in again with it, or ask the operator for it."


class Grants:
    """The tools that each scope gives.

    A scope that is an address, like `api://errors/Errors.Read`, is requested by it, and stands in tokens by its last
    part too: Entra ID writes it so. Tokens for other audiences, with the same last part, are refused before.
    """

    def __init__(self, by_scope: Mapping[str, frozenset[str]]) -> None:
        self._by_scope = dict(by_scope)

    @property
    def scopes(self) -> list[str]:
        """The scopes that give something, as clients request them."""
        return list(self._by_scope)

    def scopes_for(self, tool: str) -> list[str]:
        """Return the scopes that give a tool, the one that gives least first."""
        found = [scope for scope, tools in self._by_scope.items() if tool in tools]
        return sorted(found, key=lambda scope: len(self._by_scope[scope]))

    def rights_of(self, scopes: Iterable[str]) -> Rights | None:
        """Return the rights of a token with these scopes; None if none of them is known."""
        held = set(scopes)
        given = [tools for scope, tools in self._by_scope.items() if held & {scope, _short(scope)}]
        return Rights(frozenset[str]().union(*given), self) if given else None


def _short(scope: str) -> str:
    return scope.rpartition("/")[2] if "://" in scope else scope
