"""The tools that one server offers: all, or those its operator selected."""

from collections.abc import Iterable
from typing import Any

from mcp_errortracking.catalog import ALIASES, CATALOG, TOOLSETS, Declaration
from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.server.selection import MAX_NAME, OfferedTools
from mcp_errortracking.server.tool_names import advice_on, nearest_tools, stand_ins
from mcp_errortracking.workflows.base import Workflow
from mcp_errortracking.workflows.registry import WORKFLOWS


class UnknownToolError(LookupError):
    """The tool is not on offer; the text names the nearest ones, or says how to have it offered."""


class Toolbox(OfferedTools[type[Declaration]]):
    """The tools on offer, as the classes that run them.

    Args:
        workflows: the workflows that this server can run. See `OfferedTools`.
        read_only: leaves out tools that change something.
        selection: the toolsets, the tools and what is excluded, see `OfferedTools`.

    Raises:
        SelectionError: a name is unknown, or no tool is left.
    """

    def __init__(
        self, *, workflows: Iterable[type[Workflow]] = (), read_only: bool = False, **selection: tuple[str, ...]
    ) -> None:
        self._read_only = read_only
        chosen: Any = selection
        super().__init__(CATALOG, TOOLSETS, ALIASES, workflows, read_only=read_only, **chosen)

    def _nearest(self, name: str) -> list[str]:
        return nearest_tools(name, self._known)

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
            change = (
                "without --read-only" if hidden else f"with --tools {tool} or the toolset {self._known[tool].toolset}"
            )
            near = [] if hidden else stand_ins(tool, self._offered)
            instead = f" Of those offered, the nearest are: {', '.join(near)}." if near else ""
            raise UnknownToolError(
                f"{tool} is not offered by this server. Its operator can start it {change}.{instead}"
            )
        hint = advice_on(name, self._offered)
        raise UnknownToolError(f"Unknown tool: {clean(redact(name[:MAX_NAME]), 100)}. {hint}")


EVERY_TOOL = Toolbox(toolsets=("all",), workflows=WORKFLOWS)
"""All tools, for commands and tests that call a tool by name."""
