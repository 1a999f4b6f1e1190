"""Signatures of files of a build, which no longer fit once a file has its chunk id, and cannot be made here."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError

_BESIDE = (".sig", ".asc", ".sign", ".minisig", ".p7s", ".sigstore", ".sigstore.json")
_OF_FOLDER = ("_CodeSignature/CodeResources", "_metadata/verified_contents.json", "AppxSignature.p7x")
"""Signatures of all files below a folder: apps of macOS, extensions of Chrome, packages of Windows."""
_JAR = "META-INF"
_MOST_NAMES = 1000


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signatures below the roots. Those of a folder are looked for once."""

    roots: Roots
    _of_folders: dict[Path, Path | None] = field(default_factory=dict[Path, "Path | None"])

    def of(self, path: Path) -> Path | None:
        """Return a signature of a file: beside it, or of a folder that it lies in; None without one."""
        for ending in _BESIDE:
            with suppress(WorkflowError):
                if found := self.roots.file(path.with_name(path.name + ending)):
                    return found
        return self._of_folder(path.parent)

    def _of_folder(self, folder: Path) -> Path | None:
        if not self.roots.holds(folder):
            return None
        if folder not in self._of_folders:
            self._of_folders[folder] = next(self._in(folder), None) or self._of_folder(folder.parent)
        return self._of_folders[folder]

    def _in(self, folder: Path) -> Iterator[Path]:
        for name in _OF_FOLDER:
            with suppress(WorkflowError):
                if found := self.roots.file(folder / name):
                    yield found
        with suppress(WorkflowError):
            for name in self.roots.names(folder / _JAR, _MOST_NAMES):
                if name.upper().endswith(".SF"):
                    yield folder / _JAR / name
