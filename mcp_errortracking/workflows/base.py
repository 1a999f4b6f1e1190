"""A workflow: a tool that makes several requests to PostHog, or works on the user's files."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from mcp_errortracking.catalog import Endpoint, Outcome
from mcp_errortracking.catalog.declaration import Declaration
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.write_state import WriteState

if TYPE_CHECKING:
    from mcp_errortracking.journal.store import Journal

Scopes = Callable[[], Awaitable[Collection[str] | None]]
Progress = Callable[[float, float | None, str], Awaitable[None]]
"""Receives the progress of a call: done, total (None if not known), and the current step."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Shared by all calls: the folders that may be read and written, the PostHog host, and the forward proxy to it.

    `release_mode`: of uploads of source maps, unless a call names one.
    """

    roots: tuple[Path, ...]
    host: str
    http_proxy: str | None = None
    release_mode: str = "event"


class Recording(Protocol):
    """Records the writes of a call in a journal, see `server/recording.py`."""

    @property
    def host(self) -> str: ...

    def journal_of(self, sender: Sender) -> "Journal": ...

    async def record(
        self,
        sender: Sender,
        call: Endpoint,
        project: str,
        send: Callable[[Sender], Awaitable[Outcome]],
        *,
        undoes: int | None = None,
    ) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The environment, the sender and the progress of one call.

    `recording`: None if the server keeps no journal. `tools`: the names of those that the server offers. `scopes`: asks
    for the scopes of the sender's key, None if PostHog does not give them. `writes`: said if the call is cut off.
    """

    environment: Environment
    sender: Sender
    progress: Progress
    recording: Recording | None = None
    tools: Collection[str] = ()
    scopes: "Scopes | None" = None
    writes: WriteState = field(default_factory=WriteState)


class Workflow(Declaration):
    """A tool that is not an endpoint of PostHog. Each subclass is a tool, each instance a validated call.

    `registry` names the module that runs it. A subclass states its `toolset`.
    """

    patience: ClassVar[float] = 600.0
    """Seconds that a call may take if the client follows its progress."""

    needs_journal: ClassVar[bool] = False
    """True if the tool reads the journal of changes: it is offered only where one is kept."""

    needs_files: ClassVar[bool] = False
    """True if the tool works on local files: it is offered only where the configuration names folders."""

    way_back: ClassVar[str] = "No call undoes this."
    """A sentence for the question before a call that writes."""

    def rehearsal(self) -> "Workflow | None":
        """Return the call that says what this one would change, for the question before it; None if there is none."""
        return None
