"""The choice of the tools that a server offers. It needs no class of the catalog, which takes long to import."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Generic, Protocol, TypeVar

from mcp_errortracking.safe_text.escaping import clean

MAX_NAME = 1000
"""Characters of an unknown name that are compared with known ones."""


class Selectable(Protocol):
    """A tool, as far as it is chosen by."""

    @property
    def tool(self) -> str: ...
    @property
    def toolset(self) -> str: ...
    @property
    def in_default(self) -> bool: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def scopes(self) -> Collection[str]: ...


class Needing(Protocol):
    """A workflow, as far as it needs something of the server."""

    @property
    def needs_files(self) -> bool: ...
    @property
    def needs_journal(self) -> bool: ...


T = TypeVar("T", bound=Selectable)


class SelectionError(ValueError):
    """An unknown tool or toolset; the text names the nearest ones."""


class OfferedTools(Generic[T]):
    """The tools on offer, in the order of the catalog.

    Args:
        catalog: every endpoint's tool, by name.
        catalog_toolsets: the names of toolsets, and the tools that each stands for.
        aliases: other names of tools.
        workflows: the workflows that this server can run. Each is in its toolset, in all, and, if it says so, in the
            default one.
        toolsets: names of toolsets; if no tools are named either, the default one.
        tools: names of tools, in addition to those of the toolsets.
        exclude: tools or toolsets that are left out.
        read_only: leaves out tools that change something.

    Raises:
        SelectionError: a name is unknown, or no tool is left.
    """

    def __init__(
        self,
        catalog: Mapping[str, T],
        catalog_toolsets: Mapping[str, tuple[str, ...]],
        aliases: Mapping[str, str],
        workflows: Iterable[T],
        *,
        toolsets: tuple[str, ...] = (),
        tools: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        read_only: bool = False,
    ) -> None:
        workflows = tuple(workflows)
        self._aliases = aliases
        self._known: dict[str, T] = {**catalog, **{workflow.tool: workflow for workflow in workflows}}
        self._toolsets = _toolsets(catalog_toolsets, workflows)
        toolsets = toolsets or (() if tools else ("default",))
        wanted = {tool for toolset in toolsets for tool in self._toolset(toolset)} | set(map(self._tool, tools))
        unwanted = {tool for name in exclude for tool in (self._toolsets.get(name) or (self._tool(name),))}
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

    def granted_by(self, grant: str) -> frozenset[str]:
        """The tools on offer that a grant gives: `read`, `write`, the name of a toolset, or `NAME:read`.

        Raises:
            SelectionError: there is no such toolset.
        """
        name, _, suffix = grant.partition(":")
        tools = self._offered if name in ("read", "write") else self._toolset(name)
        reads_only = "read" in (name, suffix)
        return frozenset(
            tool for tool, endpoint in self._offered.items() if tool in tools and (endpoint.read_only or not reads_only)
        )

    def _nearest(self, name: str) -> list[str]:
        """Return the tools with names near the given one, for the error about it."""
        return get_close_matches(name[:MAX_NAME], self._known, n=1)

    def _toolset(self, name: str) -> tuple[str, ...]:
        if name in self._toolsets:
            return self._toolsets[name]
        near = get_close_matches(name[:MAX_NAME], self._toolsets, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self._toolsets)}."
        raise SelectionError(f"Unknown toolset {clean(name, 100)}: {hint}")

    def _tool(self, name: str) -> str:
        tool = self._aliases.get(name, name)
        if tool in self._known:
            return tool
        near = self._nearest(name)
        hint = f"did you mean {' or '.join(near)}?" if near else "mcp-errortracking tools --toolsets all names them."
        raise SelectionError(f"Unknown tool {clean(name, 100)}: {hint}")


def can_run(workflow: Needing, *, with_files: bool, with_journal: bool) -> bool:
    """True if a server has what a workflow needs: folders to work on, a journal of changes."""
    return (with_files or not workflow.needs_files) and (with_journal or not workflow.needs_journal)


def covers(held: Collection[str], scope: str) -> bool:
    """True if these scopes include that one: `*` includes all, and write includes read."""
    return "*" in held or scope in held or scope.replace(":read", ":write") in held


def _toolsets(catalog: Mapping[str, tuple[str, ...]], workflows: Iterable[Selectable]) -> dict[str, tuple[str, ...]]:
    """Return the toolsets of the catalog, with the workflows in those that they belong to."""
    toolsets = dict(catalog)
    for workflow in workflows:
        for name in (*(("default",) if workflow.in_default else ()), "all", workflow.toolset):
            toolsets[name] = (*toolsets.get(name, ()), workflow.tool)
    return toolsets
