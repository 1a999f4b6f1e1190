"""The source of frames in a checkout, the last commits of their lines, the commits to suspect and the owners."""

import os
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.issue_brief import owners, suffixes
from mcp_errortracking.workflows.issue_brief.frames import AppFrame
from mcp_errortracking.workflows.problems import WorkflowError, printable
from mcp_errortracking.workflows.repository.blame import blame_lines
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.checkout import Checkout, find_checkouts
from mcp_errortracking.workflows.repository.files import content
from mcp_errortracking.workflows.repository.line_diff import split_lines
from mcp_errortracking.workflows.repository.objects import CommitObject, Objects
from mcp_errortracking.workflows.repository.touching_commits import touching_commits
from mcp_errortracking.workflows.repository.tree_files import files_named
from mcp_errortracking.workflows.repository.tree_view import TreePath
from mcp_errortracking.workflows.source_maps.maps.excerpt import excerpt

_LARGEST_LIST = 1024 * 1024
_LARGEST_SOURCE = 10 * 1024 * 1024
_MOST_BELOW = 100
_AROUND = 2
_MOST_SUSPECTS = 5


@dataclass(slots=True)
class FrameSource:
    """A frame with its file in the checkout; without one, `note` says why."""

    frame: AppFrame
    path: str = ""
    note: str = ""
    context: dict[int, str] = field(default_factory=dict[int, str])
    commit: CommitObject | None = None
    owners: str = ""


@dataclass(slots=True)
class Suspect:
    """A commit that may have caused the issue. `reasons`: in words."""

    commit: CommitObject
    reasons: list[str]
    rank: int


@dataclass(slots=True)
class LocalSource:
    """All that the checkout says of frames. `notes`: what was read, and what could not be."""

    frames: list[FrameSource]
    suspects: list[Suspect] = field(default_factory=list[Suspect])
    suspects_from: str = ""
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Commits:
    """Ids of commits: of the event's release, of the first release with the error, of the last one without it."""

    release: str = ""
    first_with: str = ""
    last_without: str = ""


def local_source(folders: Sequence[Path], frames: list[AppFrame], commits: Commits) -> LocalSource:
    """Return what checkouts below the roots say of frames. Everything is read within one budget, and nothing is run."""
    found = LocalSource([FrameSource(frame, note="not looked up") for frame in frames])
    if not folders:
        found.notes.append("This server may read no folder: --root names one.")
        return found
    if not frames:
        found.notes.append("The event has no resolved frame of the app's own code.")
        return found
    budget = Budget()
    try:
        roots = Roots(folders)
        checkout, commit = _choose(roots, commits.release, budget, broken := list[str]())
        if checkout is None:
            found.notes += broken
            _read_work_tree(roots, roots.folders, found, budget)
            found.notes.append("No git repository below the roots: lines are those of the work tree.")
            return found
        _read_checkout(checkout, commit, commits, found)
    except (RepositoryError, WorkflowError, OSError) as error:
        found.notes.append(f"The checkout could not be read to the end: {error}.")
    return found


def day(commit: CommitObject) -> str:
    """Return the day on which a commit was authored."""
    try:
        return datetime.fromtimestamp(commit.authored, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return "?"


def _choose(roots: Roots, release: str, budget: Budget, broken: list[str]) -> tuple[Checkout | None, str]:
    """Return the checkout that has the release's commit, and that commit; else the first one and its HEAD.

    The checkouts are those around the roots, and those in the folders right below.
    """
    folders = list[Path]()
    for root in roots.folders:
        below = [root / name for name in sorted(roots.names(root, _MOST_BELOW)) if not name.startswith(".")]
        folders += [root, *below]
    first: Checkout | None = None
    for checkout in find_checkouts(roots, folders, budget, broken):
        first = first or checkout
        if release:
            with suppress(RepositoryError), Objects(roots, checkout.common_dir / "objects", budget) as objects:
                objects.commit(release)
                return checkout, release
        else:
            break
    return first, ""


def _read_checkout(checkout: Checkout, release: str, commits: Commits, found: LocalSource) -> None:
    name = printable(checkout.folder.name)
    head, _ = checkout.head()
    if commits.release and not release:
        found.notes.append(
            f"The release's commit {commits.release[:10]} is not in the checkout {name}: {checkout.why_missing()}."
        )
    commit_id = release or head
    if not commit_id:
        _read_work_tree(checkout.roots, [checkout.folder], found, checkout.budget)
        found.notes.append(f"The checkout {name} has no commit: lines are those of the work tree.")
        return
    with Objects(checkout.roots, checkout.common_dir / "objects", checkout.budget) as objects:
        shallow = checkout.shallow()
        commit = objects.commit(commit_id)
        names = {os.fsencode(one.frame.path.rpartition("/")[2]) for one in found.frames}
        listed = files_named(objects, commit.tree, names, {os.fsencode(one) for one in suffixes.SKIPPED})
        paths = {tuple(os.fsdecode(part) for part in path): path for path in listed}
        matched = dict[TreePath, list[FrameSource]]()
        for one in found.frames:
            match = suffixes.match(one.frame.path, paths)
            one.note = match.note
            if match.file is not None:
                one.path = printable("/".join(match.file))
                matched.setdefault(paths[match.file], []).append(one)
        if release:
            found.notes.append(f"Lines are those of the release's commit {release[:10]} in {name}.")
        elif matched:
            why = "" if found.notes else "The release's commit is not known. "
            found.notes.append(f"{why}Lines are those of the work tree of {name}.")
        if len(matched) < len(names) and objects.blob_at(commit.tree, (b".gitmodules",)):
            found.notes.append("Submodules are not searched: to search one, make it the only root.")
        for path, sources in matched.items():
            _read_lines(checkout, objects, commit, path, sources, is_release=bool(release))
        with suppress(RepositoryError):
            _name_owners(objects, commit, matched)
        try:
            _name_last_commits(objects, commit.id, matched, shallow)
            if shallow:
                found.notes.append("The clone is shallow: older commits are missing, and a last commit may be older.")
        except RepositoryError as error:
            found.notes.append(f"Last commits are not all known: {error}.")
        _suspect(objects, commits, matched, found, shallow)


def _read_lines(
    checkout: Checkout,
    objects: Objects,
    commit: CommitObject,
    path: TreePath,
    sources: list[FrameSource],
    *,
    is_release: bool,
) -> None:
    blob = objects.blob_at(commit.tree, path)
    stored = objects.read(blob, "blob") if blob else b""
    text = stored
    if not is_release:
        text = _on_disk(checkout.roots, checkout.folder.joinpath(*map(os.fsdecode, path)))
    for one in sources:
        _show_lines(one, [line.decode("utf-8", "replace") for line in split_lines(text, checkout.budget)])
        if text != stored and one.context:
            one.note = "; ".join(filter(None, [one.note, "changed since the last commit"]))


def _on_disk(roots: Roots, path: Path) -> bytes:
    """Return the content of a file; b"" if it is missing or its path passes a symlink, which may lead to any file."""
    if roots.resolve(path) != path:
        return b""
    return content(roots, path, _LARGEST_SOURCE) or b""


def _show_lines(one: FrameSource, lines: list[str]) -> None:
    if 0 < one.frame.line <= len(lines):
        one.context = excerpt([line.rstrip() for line in lines], one.frame.line, _AROUND)
    else:
        one.note = f"the file has {len(lines)} lines: it is of another version"


def _read_work_tree(roots: Roots, folders: Sequence[Path], found: LocalSource, budget: Budget) -> None:
    names = {one.frame.path.rpartition("/")[2] for one in found.frames}
    files: dict[suffixes.Parts, Path] = {}
    for folder in folders:
        for at, inner, others in roots.walk(folder, _leave_out):
            inner[:] = [name for name in inner if not name.startswith(".") and name not in suffixes.SKIPPED]
            budget.spend(10 * (1 + len(inner) + len(others)))
            files |= {(*at.relative_to(folder).parts, name): at / name for name in others if name in names}
    for one in found.frames:
        match = suffixes.match(one.frame.path, files)
        one.note = match.note
        if match.file is not None:
            one.path = printable("/".join(match.file))
            text = _on_disk(roots, files[match.file])
            _show_lines(one, [line.decode("utf-8", "replace") for line in split_lines(text, budget)])


def _leave_out(_path: Path, _error: WorkflowError) -> None:
    """Leave a folder out that cannot be listed."""


def _name_last_commits(
    objects: Objects, head: str, matched: dict[TreePath, list[FrameSource]], shallow: Set[str]
) -> None:
    """Find the last commit of each frame's line, as far as the budget suffices."""
    shown = {path: [one for one in sources if one.context] for path, sources in matched.items()}
    lines = {path: {one.frame.line - 1 for one in sources} for path, sources in shown.items()}
    last = dict[tuple[TreePath, int], str]()
    try:
        blame_lines(objects, head, lines, shallow, last)
    finally:
        for path, sources in shown.items():
            for one in sources:
                if commit := last.get((path, one.frame.line - 1)):
                    one.commit = objects.commit(commit)


def _name_owners(objects: Objects, commit: CommitObject, matched: dict[TreePath, list[FrameSource]]) -> None:
    for place in owners.PLACES:
        blob = objects.blob_at(commit.tree, tuple(map(os.fsencode, place.split("/"))))
        if blob is None:
            continue
        text = objects.read(blob, "blob")[: owners.LARGEST].decode("utf-8", "replace")
        for sources in matched.values():
            named = owners.owners_of(sources[0].path, text, place)
            for one in sources:
                one.owners = named
        return


def _suspect(
    objects: Objects,
    commits: Commits,
    matched: dict[TreePath, list[FrameSource]],
    found: LocalSource,
    shallow: Set[str],
) -> None:
    """Rank commits: those of the frames' own lines first, then those that touch files of the nearest frames."""
    ranks = {path: min(found.frames.index(one) for one in sources) for path, sources in matched.items()}
    suspects = dict[str, Suspect]()
    span = ""
    if commits.first_with and commits.last_without:
        span = f"{commits.last_without[:10]}..{commits.first_with[:10]}"
        try:
            touching = touching_commits(objects, commits.first_with, commits.last_without, list(ranks), shallow)
        except RepositoryError as error:
            lacking = _lacking(objects, (commits.last_without, commits.first_with))
            reason = f"the checkout lacks {lacking}" if lacking else error
            found.notes.append(f"The commits {span} could not be searched: {reason}.")
            span = ""
        else:
            if not touching.is_whole:
                found.notes.append(f"The history of {span} is not whole: there may be other suspects.")
            for one in touching.commits:
                files = sorted(one.paths, key=lambda path: ranks[path])
                named = ", ".join(matched[path][0].path for path in files)
                suspects[one.commit.id] = Suspect(one.commit, [f"touches {named}"], 100 + ranks[files[0]])
    for index, one in enumerate(found.frames):
        if one.commit is None or (span and one.commit.id not in suspects):
            continue
        suspect = suspects.setdefault(one.commit.id, Suspect(one.commit, [], 0))
        suspect.rank = min(suspect.rank, index) if suspect.reasons and suspect.rank < 100 else index
        suspect.reasons.append(f"last changed {one.path}:{one.frame.line}")
    ordered = sorted(suspects.values(), key=lambda one: (one.rank, -one.commit.committed))
    found.suspects = ordered[:_MOST_SUSPECTS]
    found.suspects_from = "last commits of the frames' lines"
    if span:
        found.suspects_from = f"commits {span} that touch files of the frames"
    if len(ordered) > _MOST_SUSPECTS:
        found.suspects_from += f", the first {_MOST_SUSPECTS} of {len(ordered)}"


def _lacking(objects: Objects, names: Sequence[str]) -> str:
    """Return the short ids of the commits that are not there."""
    lacking = list[str]()
    for name in names:
        try:
            objects.commit(name)
        except RepositoryError:
            objects.budget.spend(0)
            lacking.append(name[:10])
    return " and ".join(lacking)
