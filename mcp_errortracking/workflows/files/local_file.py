"""A file below the roots that is opened later, more than once, and in another process."""

from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file by its path, which is followed from its root whenever the file is opened."""

    roots: Roots
    path: Path

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.name

    @property
    def size(self) -> int:
        """Its bytes; 0 for one that is gone."""
        with suppress(WorkflowError):
            state = self.roots.stat(self.path)
            return state.st_size if state else 0
        return 0

    def open(self) -> FileIO:
        """Open it, to be read: see `Roots.open`."""
        return self.roots.open(self.path)
