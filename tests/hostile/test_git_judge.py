"""Facts read from git repositories, compared with those that git itself prints."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.blame import blame
from mcp_errortracking.workflows.repository.budget import Budget
from mcp_errortracking.workflows.repository.checkout import find_checkout
from mcp_errortracking.workflows.repository.last_commit import last_commit
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.source_maps.jobs.build import _git as facts_of  # pyright: ignore[reportPrivateUsage]
from tests.hostile.repositories import commit, git, init
from tests.required import program

BEGIN = 1_700_000_000
LONG = "".join(f"line {number} of the cart\n" for number in range(12))


def judged(folder: Path, path: str) -> list[str]:
    """The commit of each line, as git says."""
    porcelain = git(folder, "blame", "--line-porcelain", "HEAD", "--", path)
    words = [line.split(" ") for line in porcelain.split("\n") if not line.startswith("\t")]
    return [line[0] for line in words if len(line) in (3, 4) and len(line[0]) in (40, 64) and line[1].isdigit()]


def found(folder: Path, path: str, shallow: frozenset[str] = frozenset(), root: Path | None = None) -> list[str]:
    """The commit of each line, as our reader says."""
    checkout = find_checkout(Roots([root or folder]), folder, Budget())
    assert checkout
    head, _ = checkout.head()
    count = git(folder, "show", f"HEAD:{path}").count("\n") + 1
    parts = tuple(part.encode() for part in path.split("/"))
    with Objects(checkout.roots, checkout.common_dir / "objects", Budget(10**9, 50)) as objects:
        return [blame(objects, head, parts, [line], shallow)[0].id for line in range(count)]


@dataclass
class History:
    """A made-up history of one file, as `git fast-import` reads it. Lines keep their order, so each blame is unique."""

    chance: Random
    stream: list[str] = field(default_factory=list[str])
    versions: list[tuple[str, dict[float, str]]] = field(default_factory=list[tuple[str, dict[float, str]]])

    def write(self, commits: int) -> bytes:
        path, lines = "src/cart.ts", {float(place): f"{place} at first" for place in range(12)}
        self._commit(path, lines, [])
        while len(self.versions) < commits:
            parents = [self.chance.randint(max(0, len(self.versions) - 3), len(self.versions) - 1)]
            path, lines = self.versions[parents[0]][0], dict(self.versions[parents[0]][1])
            other = self.chance.randrange(len(self.versions))
            if self.chance.random() < 0.3 and other not in parents:
                parents.append(other)
                theirs = self.versions[other][1]
                lines = {place: text for place, text in (lines | theirs).items() if self.chance.random() < 0.95}
            for _ in range(self.chance.randint(0, 2)):
                place = self.chance.choice([*lines, self.chance.uniform(-1, 13)])
                lines[place] = f"{place} in {len(self.versions)}"
            if len(parents) == 1 and self.chance.random() < 0.15:
                path = self.chance.choice(["src/cart.ts", "shop.ts", "src/deep/cart.ts", "a b/\u00e4.ts"])
            self._commit(path, lines, parents)
        return "".join(self.stream).encode()

    def _commit(self, path: str, lines: dict[float, str], parents: list[int]) -> None:
        number = len(self.versions)
        text = "".join(f"{lines[place]}\n" for place in sorted(lines))
        at = BEGIN + 100 * number + self.chance.choice([0, 0, 0, -250])  # clocks go wrong
        message = f"Change {number}"
        self.stream.append(f"commit refs/heads/main\nmark :{number + 1}\ncommitter Ada <a@b> {at} +0200\n")
        self.stream.append(f"data {len(message)}\n{message}\n")
        self.stream += [f"{'merge' if place else 'from'} :{parent + 1}\n" for place, parent in enumerate(parents)]
        self.stream.append("deleteall\n")
        for name, content in ((path, text), ("README", "a shop\n"), ("src/other.ts", f"{number % 3}\n")):
            self.stream.append(f"M 100644 inline {name}\ndata {len(content.encode())}\n{content}\n")
        self.versions.append((path, lines))


@pytest.mark.parametrize("seed", range(12))
def test_each_line_has_the_commit_that_git_blames(seed: int, tmp_path: Path) -> None:
    """Branches, merges, renames and wrong clocks; loose objects, packs and chains of deltas."""
    folder = init(tmp_path / "shop", *(("--object-format=sha256",) if seed % 4 == 3 else ()))
    history = History(Random(seed))
    stream = history.write(30)
    git_fast_import(folder, stream)
    if seed % 2:
        git(folder, "gc", "--quiet", "--aggressive")
    path = history.versions[-1][0]

    commits = judged(folder, path)
    assert len(set(commits)) > 1
    assert found(folder, path) == commits


def git_fast_import(folder: Path, stream: bytes) -> None:
    command = [program("git"), "-c", "fastimport.unpackLimit=1000", "fast-import", "--quiet", "--force"]
    subprocess.run(command, cwd=folder, input=stream, check=True, capture_output=True)


def facts(folder: Path, root: Path) -> tuple[str, str]:
    told = facts_of(Roots([root]), folder)
    return told.get("commit_id", ""), told.get("branch", "")


def judged_facts(folder: Path) -> tuple[str, str]:
    branch = git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    return git(folder, "rev-parse", "HEAD"), "" if branch == "HEAD" else branch


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_head_and_branch_are_those_of_git(form: str, tmp_path: Path) -> None:
    folder = init(tmp_path / "shop", f"--object-format={form}")
    assert facts(folder, tmp_path) == ("", ""), "nothing is committed yet"
    first = commit(folder, LONG, BEGIN)
    states = [facts(folder, tmp_path) == judged_facts(folder) == (first, "main")]
    git(folder, "checkout", "--quiet", "-b", "fix/cart")
    commit(folder, LONG + "more\n", BEGIN + 1)
    states.append(facts(folder, tmp_path) == judged_facts(folder))
    git(folder, "pack-refs", "--all", "--prune")
    states.append(facts(folder, tmp_path) == judged_facts(folder))
    git(folder, "checkout", "--quiet", "--detach", first)
    states.append(facts(folder, tmp_path) == judged_facts(folder) == (first, ""))
    git(folder, "worktree", "add", "--quiet", "../beside", "main")
    states.append(facts(tmp_path / "beside", tmp_path) == judged_facts(tmp_path / "beside") == (first, "main"))
    assert states == [True] * 5
    assert found(tmp_path / "beside", "cart.ts", root=tmp_path) == judged(tmp_path / "beside", "cart.ts")


def test_a_submodule_is_a_checkout_of_its_own(tmp_path: Path) -> None:
    part, shop = init(tmp_path / "part"), init(tmp_path / "shop")
    commit(part, LONG, BEGIN)
    git(shop, "submodule", "--quiet", "add", str(part), "lib")
    commit(shop, "shop\n", BEGIN + 1)

    assert facts(shop / "lib", shop) == judged_facts(shop / "lib")
    assert found(shop / "lib", "cart.ts", root=shop) == judged(shop / "lib", "cart.ts")


def test_a_shallow_clone_ends_where_git_ends(tmp_path: Path) -> None:
    folder = init(tmp_path / "shop")
    texts = [LONG + "".join(f"added {at}\n" for at in range(number)) for number in range(4)]
    *_, last = [commit(folder, text, BEGIN + number) for number, text in enumerate(texts)]
    git(tmp_path, "clone", "--quiet", "--depth", "2", folder.as_uri(), "clone")
    clone = tmp_path / "clone"

    boundary = frozenset((clone / ".git" / "shallow").read_text().split())
    assert found(clone, "cart.ts", boundary) == judged(clone, "cart.ts")
    known = last_commit(Roots([clone]), clone / "cart.ts", {15: "added 2"}, Budget())
    assert known
    assert known.id == last
    assert last_commit(Roots([clone]), clone / "cart.ts", {13: "added 0"}, Budget())


def test_a_partial_clone_has_no_history_where_contents_are_missing(tmp_path: Path) -> None:
    folder = init(tmp_path / "shop")
    commit(folder, LONG, BEGIN)
    commit(folder, LONG + "more\n", BEGIN + 1)
    git(folder, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", folder.as_uri(), "clone")
    clone = tmp_path / "clone"
    objects = sorted((clone / ".git").rglob("*"))

    assert facts(clone, clone) == judged_facts(clone)
    assert last_commit(Roots([clone]), clone / "cart.ts", {1: "line 0 of the cart"}, Budget()) is None
    assert sorted((clone / ".git").rglob("*")) == objects, "nothing was fetched"


def test_alternates_below_the_roots_are_read(tmp_path: Path) -> None:
    folder = init(tmp_path / "shop")
    commit(folder, LONG, BEGIN)
    git(tmp_path, "clone", "--quiet", "--shared", str(folder), "clone")
    clone = tmp_path / "clone"

    assert found(clone, "cart.ts", root=tmp_path) == judged(folder, "cart.ts")
    assert (
        last_commit(Roots([tmp_path / "clone"]), tmp_path / "clone" / "cart.ts", {1: "line 0 of the cart"}, Budget())
        is None
    )


@pytest.mark.parametrize(
    "text",
    [
        '[remote "origin"]\n\turl = https://git.example/shop.git\n',
        '[REMOTE "origin"]\n  URL=https://git.example/a.git ; a comment\n[remote "other"]\nurl = https://b.example/b.git\n',
        '[remote "origin"] url = "https://git.example/a;b.git" # c\n',
        "[remote.origin]\nurl = https://git.example/old.git\n",
        '[remote "origin"]\nurl = https://git.exam\\\nple/continued.git\nurl\n',
        '[remote "origin"]\nurl = https://a.example/first.git\nurl = https://b.example/last.git\n',
        '[remote "Origin"]\nurl = https://git.example/case.git\n',
        '[remote "ori\\gin"]\nurl = https://git.example/escaped.git\n',
        '[remote "origin"]\nurl = https://git.example/"quo ted"/x.git  \n[core]\n\tbare = false\n',
        '[remote "origin"]\nurl = "https://git.example/open.git\n',
        "[core]\n\tbare = false\n",
    ],
)
def test_a_setting_is_read_as_git_reads_it(text: str, tmp_path: Path) -> None:
    from mcp_errortracking.workflows.repository.config import setting

    file = tmp_path / "config"
    file.write_text(text)
    command = [program("git"), "config", "--file", str(file), "--get", "remote.origin.url"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)

    expected = told.stdout.removesuffix("\n") if told.returncode == 0 else None
    assert setting(text, "remote", "origin", "url") == expected
