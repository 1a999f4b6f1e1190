"""The versions of a checkout's files: where a file and a line of a release's commit are today."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mcp_errortracking.workflows.file_issues.asked import AskedFile, file_at
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.issue_brief import suffixes
from mcp_errortracking.workflows.repository.budget import RepositoryError
from mcp_errortracking.workflows.repository.checkout import Checkout
from mcp_errortracking.workflows.repository.line_diff import kept_lines, split_lines
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.repository.renames import find_renamed
from mcp_errortracking.workflows.repository.tree_files import files_named

_NEAR = 20
"""Lines around a changed one, of which the nearest unchanged one is named."""


@dataclass(frozen=True, slots=True)
class TodaysLine:
    """A line in the file as it is today; None if it is not known. `note`: how it differs from that of the release."""

    number: int | None
    note: str = ""


@dataclass(slots=True)
class Version:
    """A commit: the files that were asked about by their paths there, and all files of the same names.

    `is_known`: False if the checkout does not have it; the paths are those of today then.
    """

    asked: dict[suffixes.Parts, AskedFile] = field(default_factory=dict[suffixes.Parts, AskedFile])
    candidates: list[suffixes.Parts] = field(default_factory=list[suffixes.Parts])
    tree: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.tree)


class Versions:
    """The versions of the files that one checkout is asked about."""

    def __init__(self, checkout: Checkout, objects: Objects, files: Sequence[AskedFile]) -> None:
        """
        Raises:
            RepositoryError: HEAD is broken.
        """
        self.checkout, self._objects, self._files = checkout, objects, files
        self._names = {file.parts[-1] for file in files if suffixes.is_text(file.parts[-1])}
        head, _ = checkout.head()
        self._head = objects.commit(head).tree if head else ""
        self._known = dict[str, Version]()
        self._last: tuple[AskedFile, bytes | None] | None = None

    def names(self, commits: Iterable[str]) -> set[str]:
        """Return the names that the files had at commits of releases, and have today."""
        for commit in commits:
            self._names |= {parts[-1] for parts in self.at(commit).asked if suffixes.is_text(parts[-1])}
        return self._names

    def at(self, commit: str) -> Version:
        """Return the version of a commit; of "", that of HEAD."""
        if commit not in self._known:
            self._known[commit] = self._read(commit)
        return self._known[commit]

    def renamed_since(self, file: AskedFile, commits: Iterable[str]) -> tuple[AskedFile | None, str]:
        """Return the file of today that a missing one was renamed to, and the release's commit that still has it."""
        for commit in commits:
            tree = self._tree(commit)
            blob = self._objects.blob_at(tree, _stored(file.parts)) if tree else None
            if blob is None:
                continue
            renamed = find_renamed(self._objects, self._head, tree, _stored(file.parts), blob) if self._head else None
            if renamed is None:
                return None, commit
            parts = tuple(map(os.fsdecode, renamed[0]))
            real = self.checkout.folder.joinpath(*parts)
            return file_at(self.checkout.roots, real, self._objects.budget), commit
        return None, ""

    def line_today(self, version: Version, parts: suffixes.Parts, line: int) -> TodaysLine:
        """Return where a line of a release's commit is today.

        Raises:
            RepositoryError: an object is broken, or the versions differ too much to compare them.
        """
        blob = self._objects.blob_at(version.tree, _stored(parts))
        if blob is None:
            return TodaysLine(None, f"line {line} of the release, which lacks the file")
        budget, stored = self._objects.budget, self._objects.read(blob, "blob")
        text = self._today(version.asked[parts])
        if text is None:
            return TodaysLine(None, f"line {line} of the release; the file is gone today")
        old = split_lines(stored, budget)
        if not 0 < line <= len(old):
            return TodaysLine(None, f"line {line}, but the release's file has {len(old)}: of another version")
        if stored == text:
            return TodaysLine(line)
        around = sorted(range(max(line - 1 - _NEAR, 0), min(line + _NEAR, len(old))), key=lambda at: abs(at - line + 1))
        kept = kept_lines(split_lines(text, budget), old, around, budget)
        if line - 1 in kept:
            today = kept[line - 1] + 1
            return TodaysLine(today, f"line {line} of the release" if today != line else "")
        near = next((kept[at] + 1 for at in around if at in kept), None)
        return TodaysLine(near, f"line {line} of the release has changed since" + (", this is nearest" if near else ""))

    def _today(self, file: AskedFile) -> bytes | None:
        """Return the content of a file today. That of the last one is kept: frames of a file come together."""
        if self._last is None or self._last[0] is not file:
            text = file.read()
            self._objects.budget.spend(len(text or b"") // 128)
            self._last = file, text
        return self._last[1]

    def _tree(self, commit: str) -> str:
        try:
            return self._objects.commit(commit).tree if commit else self._head
        except RepositoryError:
            self._objects.budget.spend(0)  # an exceeded budget is no missing commit
            return ""

    def _read(self, commit: str) -> Version:
        tree = self._tree(commit)
        version = Version(tree=tree)
        for file in self._files:
            parts = file.parts
            if tree and self._objects.blob_at(tree, _stored(parts)) is None:
                blob = self._objects.blob_at(self._head, _stored(parts)) if self._head else None
                old = find_renamed(self._objects, tree, self._head, _stored(parts), blob) if blob else None
                if old is not None:
                    parts = tuple(map(os.fsdecode, old[0]))
                elif file.is_there:
                    continue  # it is newer than the commit
            version.asked[parts] = file
        names = {os.fsencode(one[-1]) for one in version.asked}
        skipped = {os.fsencode(one) for one in suffixes.SKIPPED}
        found = files_named(self._objects, listing, names, skipped) if (listing := tree or self._head) else []
        version.candidates = [*{*(tuple(map(os.fsdecode, path)) for path in found), *version.asked}]
        return version


def work_tree(roots: Roots, files: Sequence[AskedFile]) -> Version:
    """Return today's version of files in no checkout."""
    names = {file.parts[-1] for file in files}
    version = Version({file.parts: file for file in files})
    found = {file.parts for file in files}
    for folder in {file.folder for file in files}:
        for at, inner, others in roots.walk(folder, lambda _path, _error: None):
            inner[:] = [name for name in inner if not name.startswith(".") and name not in suffixes.SKIPPED]
            found |= {(*at.relative_to(folder).parts, name) for name in others if name in names}
    version.candidates = [*found]
    return version


def _stored(parts: suffixes.Parts) -> tuple[bytes, ...]:
    return tuple(map(os.fsencode, parts))
