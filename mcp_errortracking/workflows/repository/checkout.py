"""A checkout below the roots: its git folder, HEAD, branch and remote."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from itertools import islice
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError, printable
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.config import setting, subsections
from mcp_errortracking.workflows.repository.files import content, is_folder, line, open_file, resolve

_OBJECT_ID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCH = "refs/heads/"
_LARGEST_CONFIG = 1024 * 1024
_LARGEST_SHALLOW = 1024 * 1024
_LARGEST_REFS = 64 * 1024 * 1024
_LONGEST_ID = 64
_PIECE = 1024 * 1024
_DEEPEST_REF = 5
_LONGEST_REF, _LONGEST_PART = 1000, 250
_MOST_REMOTES = 5


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout with its files in `folder`.

    `git_dir` holds its HEAD, `common_dir` the objects and branches; they differ in a worktree. `budget`: of reading it.
    """

    roots: Roots
    folder: Path
    git_dir: Path
    common_dir: Path
    budget: Budget

    def head(self) -> tuple[str, str]:
        """Return the commit id of HEAD, and its branch or "" if it is detached. Both are empty before the first commit.

        Raises:
            RepositoryError: a ref is broken or leads out of the roots.
        """
        return self._follow("HEAD")

    def commit_of(self, name: str) -> str:
        """Return the commit id of a branch, a branch of a remote, a tag or any ref; "" if there is none.

        Of an annotated tag, it is the id of the tag.

        Raises:
            RepositoryError: as for `head`.
        """
        if name == "HEAD":
            return self.head()[0]
        if not _is_ref_name(name):
            return ""
        places = (name, f"refs/tags/{name}", f"refs/heads/{name}", f"refs/remotes/{name}", f"refs/remotes/{name}/HEAD")
        places = places if name.startswith("refs/") else places[1:]
        return next(filter(None, (self._follow(place)[0] for place in places)), "")

    def _follow(self, name: str) -> tuple[str, str]:
        """Return the commit id that a ref leads to, and the branch that it is or leads to."""
        branch = ""
        for _ in range(_DEEPEST_REF):
            value = self._ref(name)
            if value.startswith(b"ref:"):
                name = value[4:].strip().decode("utf-8", "replace")
                if not name.startswith("refs/") or not _is_ref_name(name):
                    raise RepositoryError("a ref has an invalid name")
                branch = name.removeprefix(_BRANCH) if name.startswith(_BRANCH) else ""
            elif not value:
                return "", ""
            elif _OBJECT_ID.fullmatch(value):
                return value.decode(), branch
            else:
                raise RepositoryError("a ref does not hold an object id")
        raise RepositoryError("a ref leads to too many others")

    def remote_url(self) -> str:
        """Return the configured URL of `origin`, else of the first remote that has one, or "".

        Included files are not read.

        Raises:
            RepositoryError: the configuration leads out of the roots or is too large.
        """
        text = (content(self.roots, self.common_dir / "config", _LARGEST_CONFIG) or b"").decode("utf-8", "replace")
        names = dict.fromkeys(["origin", *islice(subsections(text, "remote"), _MOST_REMOTES)])
        return next(filter(None, (setting(text, "remote", name, "url") for name in names)), "")

    def shallow(self) -> frozenset[str]:
        """Return the ids of the commits whose parents are missing because the clone is shallow.

        Raises:
            RepositoryError: the list of them leads out of the roots or is too large.
        """
        listed = content(self.roots, self.common_dir / "shallow", _LARGEST_SHALLOW) or b""
        self.budget.spend(len(listed) // 16)
        return frozenset(listed.decode("ascii", "replace").split())

    def why_missing(self) -> str:
        """Return why the checkout may lack a release's commit, and what to do."""
        if "modules" in self.git_dir.parts:
            return "it is a submodule, and releases name commits of the project around it"
        if self.shallow():
            return "the clone is shallow; fetch its history (git fetch --unshallow)"
        return "fetch it, or the checkout is another project's"

    def _ref(self, name: str) -> bytes:
        folder = self.git_dir if name == "HEAD" else self.common_dir
        loose = content(self.roots, folder / name, 8192) if not is_folder(self.roots, folder / name) else None
        if loose is not None:
            return loose.strip()
        path = self.common_dir / "packed-refs"
        with suppress(FileNotFoundError, NotADirectoryError), open_file(self.roots, path) as packed:
            return _packed_id(packed, name.encode(), self.budget)
        return b""


def find_checkout(roots: Roots, folder: Path, budget: Budget) -> Checkout | None:
    """Return the nearest checkout around a folder within the roots.

    Args:
        folder: a real path.

    Raises:
        RepositoryError: its git folder leads out of the roots, or the search exceeds the budget.
    """
    for parent in (folder, *folder.parents):
        budget.spend(200)
        if not roots.holds(parent):
            return None
        git_dir = _git_dir(roots, parent / ".git")
        if git_dir is not None and content(roots, git_dir / "HEAD", 8192) is not None:
            common = line(roots, git_dir / "commondir")
            common_dir = resolve(roots, git_dir / common) if common else git_dir
            return Checkout(roots, parent, git_dir, common_dir, budget)
    return None


def find_checkouts(roots: Roots, folders: Iterable[Path], budget: Budget, broken: list[str]) -> Iterator[Checkout]:
    """Yield the checkouts around folders, each once.

    Args:
        broken: receives the reason for each git folder that cannot be read, like that of a linked worktree whose
            repository lies outside the roots.

    Raises:
        RepositoryError: the search exceeds the budget.
    """
    seen = set[Path]()
    for folder in folders:
        budget.spend(100)
        try:
            checkout = find_checkout(roots, roots.resolve(folder), budget)
        except (RepositoryError, WorkflowError, OSError) as error:
            budget.spend(0)
            reason = f"The git folder of {printable(folder.name)} cannot be read: {str(error).rstrip('.')}."
            if reason not in broken:
                broken.append(reason)
            continue
        if checkout is not None and checkout.folder not in seen:
            seen.add(checkout.folder)
            yield checkout


def _is_ref_name(name: str) -> bool:
    """True if a ref may have this name: it is a path that names no folder above, and not an option of git."""
    if not name or name.startswith(("/", "-")) or ".." in name or not name.isprintable():
        return False
    return len(name) <= _LONGEST_REF and all(len(part.encode()) <= _LONGEST_PART for part in name.split("/"))


def _packed_id(packed: FileIO, name: bytes, budget: Budget) -> bytes:
    """Return the object id of a ref in `packed-refs`, or b"". The file can be large, and is read in pieces.

    Raises:
        RepositoryError: it is too large.
    """
    end, text, left = b" %s\n" % name, b"", _LARGEST_REFS
    while True:
        piece = packed.read(_PIECE)
        left -= len(piece)
        if left < 0:
            raise RepositoryError("packed-refs is too large")
        budget.spend(10 + len(piece) // 1024)
        text = text[-_LONGEST_ID - len(end) :] + (piece or b"\n")
        at = text.find(end)
        if at >= 0 or not piece:
            return text[text.rfind(b"\n", 0, at) + 1 : at] if at > 0 else b""


def _git_dir(roots: Roots, path: Path) -> Path | None:
    """Return the git folder that `.git` is, or that it names if it is a file."""
    if is_folder(roots, path):
        return resolve(roots, path)
    text = line(roots, path)
    if text is None:
        return None
    if not text.startswith("gitdir: "):
        raise RepositoryError(".git does not name a git folder")
    return resolve(roots, path.parent / text.removeprefix("gitdir: "))
