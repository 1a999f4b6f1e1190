"""Commits that touch files between two others, and the last commits of lines, judged by git."""

from collections import Counter
from pathlib import Path

import pytest

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository import touching_commits as module
from mcp_errortracking.workflows.repository.blame import blame_lines
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.repository.touching_commits import Touching, touching_commits
from mcp_errortracking.workflows.repository.tree_files import files_named
from tests.workflows.issue_brief.repositories import History


def touching(
    folder: Path, last: str, first: str | None, *paths: str, shallow: frozenset[str] = frozenset()
) -> Touching:
    parts = [tuple(part.encode() for part in path.split("/")) for path in paths]
    with Objects(Roots([folder]), folder / ".git/objects", Budget()) as objects:
        return touching_commits(objects, last, first, parts, shallow)


@pytest.fixture
def merged(tmp_path: Path) -> History:
    """Two branches that touch files, merged, and commits before and after."""
    history = History(tmp_path / "shop")
    history.commit("Begin", {"src/a.py": "1\n", "src/b.py": "1\n", "c.py": "1\n"})
    history.git("tag", "old")
    history.git("checkout", "--quiet", "-b", "side")
    history.commit("Side", {"src/a.py": "1\nside\n"}, author="Grace")
    history.git("checkout", "--quiet", "main")
    history.commit("Main", {"src/b.py": "1\nmain\n"})
    history.commit("Elsewhere", {"c.py": "2\n"})
    history._day += 1
    history.git("merge", "--quiet", "--no-ff", "--message", "Merge", "side")
    history.commit("Late", {"src/a.py": "late\n"})
    return history


@pytest.mark.parametrize("first", ["old", "old~0", "main~1", "side", None])
def test_they_are_those_of_git_log(merged: History, first: str | None) -> None:
    last = merged.git("rev-parse", "main")
    base = merged.git("rev-parse", f"{first}^{{commit}}") if first else None
    span = f"{base}..{last}" if base else last
    expected = merged.git("log", "--full-history", "--no-merges", "--format=%H", span, "--", "src/a.py", "src/b.py")

    found = touching(merged.folder, last, base, "src/a.py", "src/b.py")

    assert [one.commit.id for one in found.commits] == expected.split()
    assert found.is_whole


def test_each_names_its_files_and_its_author(merged: History) -> None:
    found = touching(merged.folder, merged.git("rev-parse", "side"), merged.git("rev-parse", "old"), "src/a.py", "c.py")

    (one,) = found.commits
    assert (one.commit.subject, one.commit.author, one.commit.email) == ("Side", "Grace", "grace@acme.example")
    assert one.paths == {(b"src", b"a.py")}


def test_a_shallow_history_is_not_whole(merged: History, tmp_path: Path) -> None:
    merged.git("clone", "--quiet", "--depth", "2", f"file://{merged.folder}", str(tmp_path / "clone"))
    clone = tmp_path / "clone"
    shallow = frozenset((clone / ".git/shallow").read_text("utf-8").split())
    last = merged.git("rev-parse", "main")

    found = touching(clone, last, None, "src/a.py", shallow=shallow)

    assert [one.commit.subject for one in found.commits] == ["Late"]
    assert not found.is_whole
    with pytest.raises(RepositoryError, match="missing"):
        touching(clone, last, merged.git("rev-parse", "old"), "src/a.py", shallow=shallow)


def test_a_long_history_is_searched_in_part(merged: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_COMMITS", 2)

    found = touching(merged.folder, merged.git("rev-parse", "main"), None, "src/a.py")

    assert [one.commit.subject for one in found.commits] == ["Late"]
    assert not found.is_whole


def test_files_of_a_commit_by_their_names(merged: History) -> None:
    merged.commit("Add", {"lib/x/a.py": "1\n", "node_modules/a.py": "1\n", "a.pyc": "1\n"})
    folder, head = merged.folder, merged.git("rev-parse", "HEAD")

    with Objects(Roots([folder]), folder / ".git/objects", Budget()) as objects:
        found = files_named(objects, objects.commit(head).tree, {b"a.py"}, {b"node_modules"})

    assert found == [(b"lib", b"x", b"a.py"), (b"src", b"a.py")]


def test_lines_of_many_files_are_followed_in_one_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(tmp_path / "shop")
    names = [f"src/part{number}/file.py" for number in range(10)]
    history.commit("Begin", dict.fromkeys(names, "1\n2\n"))
    for number in range(30):
        history.commit(f"Change {number}", {names[number % 5]: f"1\n{number}\n", "README.md": f"{number}\n"})
    history.git("gc", "--quiet")
    head = history.git("rev-parse", "HEAD")
    read = Counter[str]()
    original = Objects.read

    def counted(self: Objects, name: str, wanted: str) -> bytes:
        read[wanted] += 1
        return original(self, name, wanted)

    monkeypatch.setattr(Objects, "read", counted)
    paths = [tuple(part.encode() for part in name.split("/")) for name in names]
    found = dict[tuple[tuple[bytes, ...], int], str]()
    with Objects(Roots([history.folder]), history.folder / ".git/objects", Budget()) as objects:
        blame_lines(objects, head, {path: [0, 1] for path in paths}, frozenset(), found)

    for name, path in zip(names, paths, strict=True):
        judged = [line.split()[0] for line in history.git("blame", "-l", "-s", "--root", name).split("\n")]
        assert [found[path, 0], found[path, 1]] == judged
    assert read["commit"] <= 32  # each commit once, for all files
    assert read["tree"] <= 3 * 32 + 20  # the root, `src` and the changed folder


def test_files_that_meet_again_at_a_fork_are_both_compared(tmp_path: Path) -> None:
    history = History(tmp_path / "shop")
    history.commit("Begin", {"a.py": "1\n", "b.py": "1\n"})
    history.commit("Fork", {"b.py": "2\n"})
    history.git("checkout", "--quiet", "-b", "side")
    history.commit("Right", {"c.py": "1\n"})
    history.git("checkout", "--quiet", "main")
    history.commit("Left", {"b.py": "left\n"})
    history._day += 1
    history.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    history.git("checkout", "--quiet", "side", "--", "b.py")
    head = history.commit("Merge")
    found = dict[tuple[tuple[bytes, ...], int], str]()
    with Objects(Roots([history.folder]), history.folder / ".git/objects", Budget()) as objects:
        blame_lines(objects, head, {(b"a.py",): [0], (b"b.py",): [0]}, frozenset(), found)

    for name in ("a.py", "b.py"):
        assert found[(name.encode(),), 0] == history.git("blame", "-l", "-s", "--root", name).split()[0]
    assert found[(b"b.py",), 0] == history.git("rev-parse", "HEAD~2")
