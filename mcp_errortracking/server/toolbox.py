"""The tools that one server offers: all, or those its operator selected."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from mcp_errortracking.catalog import ALIASES, CATALOG, TOOLSETS, Declaration
from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.server.key_scopes import covers
from mcp_errortracking.server.tool_names import advice_on, nearest_tools
from mcp_errortracking.workflows.base import Workflow
from mcp_errortracking.workflows.registry import WORKFLOWS

_MAX_NAME = 1000
"""Characters of an unknown name that are compared with known ones."""


class SelectionError(ValueError):
    """An unknown tool or toolset; the text names the nearest ones."""


class UnknownToolError(LookupError):
    """The tool is not on offer; the text names the nearest ones, or says how to have it offered."""


class Toolbox:
    """The tools on offer, in the order of the catalog.

    Args:
        toolsets: names of toolsets; if no tools are named either, the default one.
        tools: names of tools, in addition to those of the toolsets.
        exclude: tools or toolsets that are left out.
        read_only: leaves out tools that change something.
        workflows: the workflows that this server can run. Each is in its toolset and in the default one.

    Raises:
        SelectionError: a name is unknown, or no tool is left.
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
        workflows = tuple(workflows)
        self._known: dict[str, type[Declaration]] = {**CATALOG, **{workflow.tool: workflow for workflow in workflows}}
        self._toolsets = _toolsets(workflows)
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
        raise SelectionError(f"Unknown toolset {clean(name, 100)}: {hint}")

    def _tool(self, name: str) -> str:
        tool = ALIASES.get(name, name)
        if tool in self._known:
            return tool
        near = nearest_tools(name, self._known)
        hint = f"did you mean {' or '.join(near)}?" if near else "mcp-errortracking tools --toolsets all names them."
        raise SelectionError(f"Unknown tool {clean(name, 100)}: {hint}")

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
        hint = advice_on(name, self._offered)
        raise UnknownToolError(f"Unknown tool: {clean(redact(name[:_MAX_NAME]), 100)}. {hint}")


def _toolsets(workflows: Iterable[type[Workflow]]) -> dict[str, tuple[str, ...]]:
    """Return the toolsets of the catalog, and those of the workflows, which are part of the default one and of all."""
    toolsets = dict(TOOLSETS)
    for workflow in workflows:
        for name in ("default", "all", workflow.toolset):
            toolsets[name] = (*toolsets.get(name, ()), workflow.tool)
    return toolsets


EVERY_TOOL = Toolbox(toolsets=("all",), workflows=WORKFLOWS)
"""All tools, for commands and tests that call a tool by name."""
