"""The tools that one server offers: all, or what its operator chose."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from mcp_errortracking.catalog import ALIASES, CATALOG, TOOLSETS, Declaration
from mcp_errortracking.safe_text.escaping import clean, hide_keys
from mcp_errortracking.server.arguments import nearest_tools
from mcp_errortracking.server.key_scopes import covers
from mcp_errortracking.workflows.base import Workflow
from mcp_errortracking.workflows.source_maps.tools import TOOLS

_MAX_NAME = 1000
"""Characters of an unknown name that are looked at."""
WORKFLOWS = "source_maps"
"""The toolset of the workflows."""


class SelectionError(ValueError):
    """A name that is no tool or no toolset; the text names the nearest ones."""


class UnknownToolError(LookupError):
    """No such tool here; the text names the nearest ones, or says how to have it."""


class Toolbox:
    """The tools on offer, in the order of the catalog.

    Args:
        toolsets: names of toolsets; with no tools named either, the default one.
        tools: names of tools, beside those of the toolsets.
        exclude: tools or toolsets that are not offered all the same.
        read_only: leaves out whatever changes something.
        workflows: those that this server can do, beside the catalog; a toolset of their own, and part of the default.

    Raises:
        SelectionError: a name is none, or nothing is left.
    """

    def __init__(
        self,
        *,
        toolsets: tuple[str, ...] = (),
        tools: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        read_only: bool = False,
        workflows: Iterable[type[Workflow]] = (),
    ) -> None:
        self._known: dict[str, type[Declaration]] = {**CATALOG, **{workflow.tool: workflow for workflow in workflows}}
        self._toolsets = _with_workflows([tool for tool in self._known if tool not in CATALOG])
        toolsets = toolsets or (() if tools else ("default",))
        wanted = {tool for toolset in toolsets for tool in self._toolset(toolset)} | set(map(self._tool, tools))
        unwanted = {tool for name in exclude for tool in (self._toolsets.get(name) or (self._tool(name),))}
        self._read_only = read_only
        self._offered = {
            tool: declaration
            for tool, declaration in self._known.items()
            if tool in wanted and tool not in unwanted and (declaration.read_only or not read_only)
        }
        if not self._offered:
            raise SelectionError("No tool is left: choose more with --toolsets or --tools, or exclude less.")

    @property
    def names(self) -> list[str]:
        """The names of the tools on offer."""
        return list(self._offered)

    def names_for(self, scopes: Collection[str] | None) -> list[str]:
        """The tools on offer that a key with these scopes can use; all of them where its scopes are not known."""
        if scopes is None:
            return self.names
        return [
            tool for tool, endpoint in self._offered.items() if all(covers(scopes, scope) for scope in endpoint.scopes)
        ]

    def _toolset(self, name: str) -> tuple[str, ...]:
        if name in self._toolsets:
            return self._toolsets[name]
        near = get_close_matches(name[:_MAX_NAME], self._toolsets, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self._toolsets)}."
        raise SelectionError(f"There is no toolset {clean(name, 100)}: {hint}")

    def _tool(self, name: str) -> str:
        tool = ALIASES.get(name, name)
        if tool in self._known:
            return tool
        near = nearest_tools(name, list(self._known))
        hint = f"did you mean {' or '.join(near)}?" if near else "mcp-errortracking tools --toolsets all names them."
        raise SelectionError(f"There is no tool {clean(name, 100)}: {hint}")

    def find(self, name: str) -> type[Declaration]:
        """The endpoint behind a tool name or one of its aliases.

        Raises:
            UnknownToolError: it is not on offer.
        """
        tool = ALIASES.get(name, name)
        if endpoint := self._offered.get(tool):
            return endpoint
        if tool in self._known:
            hidden = self._read_only and not self._known[tool].read_only
            change = "without --read-only" if hidden else f"with --tools {tool} or a toolset that has it"
            raise UnknownToolError(f"{tool} is not offered by this server. Its operator can start it {change}.")
        near = nearest_tools(name, self.names)
        hint = f"The nearest are: {', '.join(near)}." if near else "tools/list names all of them."
        raise UnknownToolError(f"Unknown tool: {clean(hide_keys(name[:_MAX_NAME]), 100)}. {hint}")


def _with_workflows(workflows: list[str]) -> dict[str, tuple[str, ...]]:
    """The toolsets of the catalog, and the workflows among them where there are any."""
    if not workflows:
        return TOOLSETS
    more: dict[str, tuple[str, ...]] = {"default": tuple(workflows), "all": tuple(workflows)}
    return {name: (*tools, *more.get(name, ())) for name, tools in TOOLSETS.items()} | {WORKFLOWS: tuple(workflows)}


EVERY_TOOL = Toolbox(toolsets=("all",), workflows=TOOLS)
"""For those who choose by name: the command line, and tests."""
