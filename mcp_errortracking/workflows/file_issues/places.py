"""The places of an issue in the files that were asked about, from the frames of its events."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, text_of
from mcp_errortracking.workflows.file_issues.asked import AskedFile
from mcp_errortracking.workflows.file_issues.versions import TodaysLine, Version, Versions, work_tree
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.issue_brief import suffixes
from mcp_errortracking.workflows.issue_brief.facts import commit_of, newest_release
from mcp_errortracking.workflows.issue_brief.frames import AppFrame, app_frames
from mcp_errortracking.workflows.problems import WorkflowError, printable
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.objects import Objects

_MOST_FRAMES = 200
_SHORT = 10


@dataclass(frozen=True, slots=True)
class Place:
    """A frame of an issue in a file. `release`: its version, or "". `note`: what a reader must know of the line."""

    file: AskedFile
    frame: AppFrame
    line: int | None
    release: str
    note: str


@dataclass(slots=True)
class Sources:
    """The files of one folder, with the versions of its checkout if it is one. `notes`: what could not be read."""

    files: list[AskedFile]
    versions: Versions | None
    today: Version
    notes: dict[str, None] = field(default_factory=dict[str, None])

    def place(self, event: dict[str, Any]) -> Iterator[Place]:
        """Yield the frames of an event that lie in the files: of each file the one nearest to the error."""
        release = newest_release(as_object(event.get("properties")))
        named, commit = text_of(release, "version"), commit_of(release)
        version, why = self._version(named, commit)
        names = {parts[-1] for parts in version.asked}
        seen = set[AskedFile]()
        for frame in app_frames(event, _MOST_FRAMES):
            if frame.path.rpartition("/")[2] not in names:
                continue
            match = suffixes.match(frame.path, version.candidates)
            among = [match.file] if match.file else [one for one in match.among if one in version.asked]
            for parts in among:
                file = version.asked.get(parts)
                if file is None or file in seen:
                    continue
                seen.add(file)
                line = self._line(version, parts, frame.line, why)
                yield Place(file, frame, line.number, named, "; ".join(filter(None, [line.note, match.note])))

    def _version(self, named: str, commit: str) -> tuple[Version, str]:
        """Return the version of a release, and the reason why lines cannot be moved from it."""
        if self.versions is None:
            return (
                self.today,
                f"line of {named or 'a version without a name'}; no git repository below the roots to move it with",
            )
        version = self.versions.at(commit)
        if not named and not commit:
            return version, "line as sent: the event names no release"
        if not commit:
            return version, f"line as sent: the release {named} names no commit"
        if version.is_known:
            return version, ""
        folder, why = printable(self.files[0].folder.name), self.versions.checkout.why_missing()
        self.notes[f"The commit {commit[:_SHORT]} of the release {named} is not in the checkout {folder}: {why}."] = (
            None
        )
        return version, f"line of {named}, whose commit is not in the checkout"

    def _line(self, version: Version, parts: suffixes.Parts, line: int, why: str) -> TodaysLine:
        if why or self.versions is None:
            return TodaysLine(line, why)
        try:
            return self.versions.line_today(version, parts, line)
        except RepositoryError as error:
            return TodaysLine(None, f"line {line} of the release; not moved: {error}")


def open_sources(roots: Roots, files: Sequence[AskedFile], stack: ExitStack) -> list[Sources]:
    """Return the files by folder. Repositories stay open until `stack` is closed; they share a budget.

    Raises:
        WorkflowError: a folder without a checkout has too many files.
    """
    budget, found = Budget(), list[Sources]()
    for folder, of_folder in _by_folder(files).items():
        checkout = of_folder[0].checkout
        versions, notes = None, dict.fromkeys(filter(None, (one.broken for one in of_folder)))
        if checkout is not None:
            try:
                checkout = replace(checkout, budget=budget)
                objects = stack.enter_context(Objects(roots, checkout.common_dir / "objects", budget))
                versions = Versions(checkout, objects, of_folder)
                if checkout.shallow():
                    notes[f"The clone {printable(folder.name)} is shallow: it may lack commits of releases."] = None
            except RepositoryError as error:
                notes[f"The repository of {printable(folder.name)} cannot be read: {error}."] = None
        try:
            today = Version() if versions else work_tree(roots, of_folder)
        except WorkflowError:
            today = Version({one.parts: one for one in of_folder}, [one.parts for one in of_folder])
            notes[f"{printable(folder.name)} has too many files to see which others a frame can mean."] = None
        found.append(Sources(of_folder, versions, today, notes))
    return found


def _by_folder(files: Sequence[AskedFile]) -> Mapping[Path, list[AskedFile]]:
    found = dict[Path, list[AskedFile]]()
    for file in files:
        found.setdefault(file.folder, []).append(file)
    return found
