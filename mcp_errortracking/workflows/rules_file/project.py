"""The rules of a project in PostHog, read and written with the tools: what an agent can do, and nothing else."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, cast

from mcp_errortracking.catalog.endpoint import as_objects
from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.workflows.rules_file.kinds import KINDS, NEWER, tool

_PAGE = 1000
_PAGED: tuple[Kind, ...] = ("assignment", "suppression", "bypass")


class Reply(Protocol):
    """The part of a tool's result that is needed here."""

    @property
    def text(self) -> str: ...
    @property
    def structured(self) -> dict[str, Any]: ...
    @property
    def is_error(self) -> bool: ...


class Call(Protocol):
    """Calls a tool."""

    def __call__(self, name: str, arguments: Mapping[str, Any], /) -> Awaitable[Reply]: ...


class ProjectError(Exception):
    """A call of a tool failed; the text is what it says. `status`: that of PostHog's answer, if there was one."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Project:
    """Reads and writes rules.

    Its methods raise `ProjectError` if a call fails.
    """

    def __init__(self, call: Call) -> None:
        self._call = call

    async def rules(self, kinds: Sequence[Kind] = KINDS) -> dict[Kind, list[dict[str, Any]]]:
        """Return the rules of each kind; without the kinds that an older PostHog does not have."""
        found = dict[Kind, list[dict[str, Any]]]()
        for kind in kinds:
            try:
                found[kind] = await self._list(kind)
            except ProjectError as error:
                if error.status != 404 or kind not in NEWER:
                    raise
        return found

    async def create(self, kind: Kind, settings: Mapping[str, Any]) -> dict[str, Any]:
        return await self._do(tool(kind, "create"), {name: one for name, one in settings.items() if one is not None})

    async def update(self, kind: Kind, rule: str, settings: Mapping[str, Any]) -> None:
        await self._do(tool(kind, "update"), {"id": rule, **settings})

    async def reorder(self, kind: Kind, positions: Mapping[str, int]) -> None:
        orders = [{"id": rule, "order_key": position} for rule, position in positions.items()]
        await self._do(tool(kind, "reorder"), {"orders": orders})

    async def delete(self, kind: Kind, rule: str) -> None:
        await self._do(tool(kind, "destroy"), {"id": rule})

    async def _list(self, kind: Kind) -> list[dict[str, Any]]:
        rules, offset = list[dict[str, Any]](), 0
        while True:
            page = await self._do(tool(kind, "list"), {"limit": _PAGE, "offset": offset} if kind in _PAGED else {})
            rules += as_objects(page.get("results"))
            following = page.get("next_offset")
            if not isinstance(following, int) or following <= offset:
                return rules
            offset = following

    async def _do(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        reply = await self._call(name, arguments)
        if reply.is_error:
            error: Any = reply.structured.get("error")
            status = cast("dict[str, Any]", error).get("status") if isinstance(error, dict) else None
            raise ProjectError(f"{name}: {reply.text}", status if isinstance(status, int) else None)
        return reply.structured
