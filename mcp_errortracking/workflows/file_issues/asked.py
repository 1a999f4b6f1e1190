"""The files that a call asks about: those it names, or those that a branch changes."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mcp_errortracking.workflows.file_issues.tools import MOST_PATHS
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.issue_brief import suffixes
from mcp_errortracking.workflows.problems import WorkflowError, printable, quoted
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.checkout import Checkout, find_checkouts
from mcp_errortracking.workflows.repository.files import content, open_file
from mcp_errortracking.workflows.repository.merge_base import merge_base
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.repository.tree_changes import changed_files

_LARGEST = 10 * 1024 * 1024
_MAIN_BRANCHES = ("origin", "origin/main", "origin/master", "main", "master", "develop", "trunk")
_ID_LENGTHS = (40, 64)
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class AskedFile:
    """A file, by its path in the folder of its checkout, or of its root if it is in none.

    `is_there`: False if it is missing today. `broken`: the reason why its git folder cannot be read, or "".
    """

    roots: Roots = field(compare=False, repr=False)
    folder: Path
    parts: suffixes.Parts
    checkout: Checkout | None = field(compare=False)
    is_there: bool = field(compare=False)
    broken: str = field(default="", compare=False)

    def read(self) -> bytes | None:
        """Return its content today, read each time: all files of a call together may be large. None: it is missing.

        Raises:
            RepositoryError: it cannot be read.
        """
        try:
            return content(self.roots, self.folder.joinpath(*self.parts), _LARGEST)
        except OSError as error:
            raise RepositoryError(f"{printable(self.parts[-1])} cannot be read") from error

    @property
    def shown(self) -> str:
        return printable("/".join(self.parts))


@dataclass(slots=True)
class Asked:
    """The files, and notes on those that were left out."""

    files: list[AskedFile] = field(default_factory=list[AskedFile])
    notes: list[str] = field(default_factory=list[str])


def named_files(roots: Roots, paths: Sequence[str], budget: Budget) -> Asked:
    """Return the files of paths, relative to the first root that has them.

    Raises:
        WorkflowError: no path is that of a file that may be read.
    """
    asked, refused = Asked(), list[WorkflowError]()
    for path in paths:
        try:
            real = _existing(roots, path)
            state = roots.stat(real)
            if state is not None and roots.file(real) is None:
                raise WorkflowError("no_file", f"{path} is not a file.", next_step="Name the files in it.")
            one = file_at(roots, real, budget)
        except WorkflowError as error:
            refused.append(error)
            continue
        if not suffixes.is_readable(one.parts):
            why = "It is not code, or lies in a hidden folder."
            refused.append(WorkflowError("no_file", f"{path} is not a source file.", why, "Name a file of code."))
        elif one not in asked.files:
            asked.files.append(one)
    if not asked.files:
        raise refused[0]
    asked.notes += [f"Left out: {error.explanation.what} {error.explanation.why}".strip() for error in refused[:3]]
    return asked


def changed_on_branch(roots: Roots, base: str | None, budget: Budget) -> Asked:
    """Return the files that the commits of a branch change since they left another.

    Raises:
        WorkflowError: there is no checkout, no base or no change.
        RepositoryError: the repository is broken, or the search exceeds the budget.
    """
    broken = list[str]()
    checkout = next(find_checkouts(roots, roots.folders, budget, broken), None)
    if checkout is None:
        why = broken[0] if broken else "No git checkout lies at the top of this server's roots."
        raise WorkflowError("no_checkout", "The changed files are not known.", why, "Give paths.")
    head, branch = checkout.head()
    start = _base_of(checkout, base)
    if not head or not start:
        known = f"There is no branch or commit {quoted(base)}." if base else "No main branch was found."
        raise WorkflowError(
            "no_base",
            known if head else "The checkout has no commit.",
            " ".join(
                filter(
                    None,
                    [
                        "Short commit ids and forms like HEAD~3 are not looked up." if base else "",
                        "The clone is shallow, and may lack branches and tags." if checkout.shallow() else "",
                    ],
                )
            ),
            "Give base, such as origin/main, or give paths.",
        )
    asked = Asked()
    with Objects(roots, checkout.common_dir / "objects", budget) as objects:
        fork = merge_base(objects, head, objects.peeled(start), checkout.shallow())
        if fork is None:
            why = "The clone is shallow." if checkout.shallow() else ""
            what = "HEAD and the base have no commit in common."
            raise WorkflowError("no_base", what, why, "Fetch the history, or give paths.")
        changes = list(changed_files(objects, fork.tree, objects.commit(head).tree, with_added=True))
    paths = sorted(tuple(map(os.fsdecode, one.path)) for one in changes if one.after)
    paths = [one for one in paths if suffixes.is_readable(one)]
    of_branch = f"{quoted(branch) if branch else 'HEAD'} since {fork.id[:10]}"
    if not paths:
        why = "Changes that are not committed are not looked at."
        raise WorkflowError("no_change", f"No source file changed on {of_branch}.", why, "Give base, or paths.")
    asked.files = [file_at(roots, checkout.folder.joinpath(*one), budget) for one in paths[:MOST_PATHS]]
    asked.notes.append(f"{len(paths)} source files changed on {of_branch}; uncommitted changes are not looked at.")
    if len(paths) > MOST_PATHS:
        asked.notes.append(f"Only the first {MOST_PATHS} of these files were looked at. Give paths for others.")
    return asked


def file_at(roots: Roots, real: Path, budget: Budget) -> AskedFile:
    """Return the file of a real path, which need not exist.

    Raises:
        WorkflowError: it may not be read.
    """
    broken = list[str]()
    checkout = next(find_checkouts(roots, [real.parent], budget, broken), None)
    folder = checkout.folder if checkout else next(one for one in roots.folders if real.is_relative_to(one))
    try:
        is_there = _can_be_read(roots, real)
    except (RepositoryError, OSError) as error:
        raise WorkflowError("unreadable", f"{real.name} cannot be read.", f"{error}.", "Name another file.") from error
    return AskedFile(roots, folder, real.relative_to(folder).parts, checkout, is_there, "".join(broken))


def _can_be_read(roots: Roots, real: Path) -> bool:
    """True if there is a file, False if not.

    Raises:
        RepositoryError, OSError: it cannot be read, or is too large.
    """
    try:
        with open_file(roots, real) as file:
            if os.fstat(file.fileno()).st_size > _LARGEST:
                raise RepositoryError(f"{real.name} is too large")
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _existing(roots: Roots, path: str) -> Path:
    """Return the real path in the first root that has it; in the first root if none has.

    Raises:
        WorkflowError: it lies outside the roots.
    """
    first = roots.resolve(path)
    for root in roots.folders:
        with suppress(WorkflowError):
            real = roots.resolve(root / path)
            if roots.stat(real) is not None:
                return real
    return first


def _base_of(checkout: Checkout, base: str | None) -> str:
    if base is not None and len(base) in _ID_LENGTHS and all(one in "0123456789abcdef" for one in base):
        return base
    names = _MAIN_BRANCHES if base is None else (base,)
    return next((commit for name in names if (commit := checkout.commit_of(name))), "")
