"""A tool that takes several calls to PostHog, and the user's own files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.declaration import Declaration
from mcp_errortracking.proxy.sender import Sender

Progress = Callable[[float, float | None, str], Awaitable[None]]
"""Told how far a call is: done, of how many (None: not known), and what is being done."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where workflows work: the folders they may read and write, the PostHog that is configured, and the way there."""

    roots: tuple[Path, ...]
    host: str
    http_proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What one call works with."""

    workshop: Workshop
    sender: Sender
    progress: Progress


class Workflow(Declaration):
    """A tool of this server's own; each subclass is one, each instance a validated call of it."""

    patience: ClassVar[float] = 600.0
    """Seconds that a call may take where the client is told how far it is."""

    needs_files: ClassVar[bool] = False
    """True if the tool works on local files: it is offered only where the configuration names folders."""

    async def run(self, desk: Desk) -> Outcome:
        """Does the work.

        Raises:
            WorkflowError: it cannot be done.
            PostHogError: PostHog refused a call, or gave no answer.
        """
        raise NotImplementedError
