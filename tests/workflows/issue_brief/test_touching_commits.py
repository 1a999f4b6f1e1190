"""Commits that touch files between two others, and the last commits of lines, judged by git."""

import subprocess
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from random import Random

import pytest

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository import touching_commits as module
from mcp_errortracking.workflows.repository.blame import blame_lines
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.repository.touching_commits import Touching, touching_commits
from mcp_errortracking.workflows.repository.tree_files import files_named
from tests.required import program
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


def reads_by_kind(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the objects that are read from here on."""
    read = Counter[str]()
    original = Objects.read

    def counted(self: Objects, name: str, wanted: str) -> bytes:
        read[wanted] += 1
        return original(self, name, wanted)

    monkeypatch.setattr(Objects, "read", counted)
    return read


def test_each_folder_of_a_commit_is_read_once(merged: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if several files lie in it, and for the commit as well as for its parent."""
    for number in range(10):
        merged.commit(f"Change {number}", {"src/a.py": f"{number}\n"})
    read = reads_by_kind(monkeypatch)
    last, base = merged.git("rev-parse", "main", "main~10").split()
    found = touching(merged.folder, last, base, "src/a.py", "src/b.py", "c.py")

    assert [one.commit.subject for one in found.commits] == [f"Change {number}" for number in range(9, -1, -1)]
    assert read["tree"] == 2 * 11  # the root and `src`


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
    read = reads_by_kind(monkeypatch)
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


def test_folders_whose_entries_come_go_and_move_are_followed_as_git_does(tmp_path: Path) -> None:
    history, kept = History(tmp_path / "shop"), ["src/a/m.py", "src/b/m.py", "src/m.py", "m.py"]
    others = ["src/a/0.py", "src/a/z.py", "src/0", "src/c/x.py", "a.py", "src/a/m.txt"]
    random, there, stream = Random(7), set[str](), list[str]()
    text = {name: [f"{name} {number}" for number in range(12)] for name in (*kept, *others)}
    for number in range(150):
        changes = [random.choice(kept)] if number else kept
        for name in changes:
            text[name][random.randrange(12)] = f"{name} of {number}"
        written = [("\n".join(text[name]), name) for name in changes]
        other = random.choice(others)
        gone = [f"D {other}"] if other in there else []
        there ^= {other}
        if other in there:
            written.append((f"{other} {number}", other if number % 3 else f"{other}/x/y.py"))
        lines = [f"M 100644 inline {name}\ndata {len(content)}\n{content}" for content, name in written]
        time = f"committer Ada <ada@acme.example> {1_767_261_600 + number} +0000"
        stream.append("\n".join(["commit refs/heads/main", time, f"data 1\n{number % 10}", *gone, *lines, ""]))
    command = [program("git"), "fast-import", "--quiet"]
    subprocess.run(command, cwd=history.folder, input="\n".join(stream).encode(), check=True)
    head = history.git("rev-parse", "main")
    paths = {name: tuple(part.encode() for part in name.split("/")) for name in kept}
    found = dict[tuple[tuple[bytes, ...], int], str]()

    with Objects(Roots([history.folder]), history.folder / ".git/objects", Budget()) as objects:
        blame_lines(objects, head, {path: range(12) for path in paths.values()}, frozenset(), found)

    for name, path in paths.items():
        judged = [
            line.split()[0] for line in history.git("blame", "-l", "-s", "--root", "main", "--", name).split("\n")
        ]
        assert [found[path, number] for number in range(12)] == judged


def test_a_pack_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that lie beside each other in a pack take one read of it."""
    history, reads = History(tmp_path / "shop"), Counter[str]()
    for number in range(20):
        history.commit(f"Change {number}", {"src/a.py": f"1\n{number}\n"})
    history.git("gc", "--quiet")
    head = history.git("rev-parse", "HEAD")

    class Counted(FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            reads[Path(str(self.name)).suffix] += 1
            return super().read(size)

    @contextmanager
    def counted(_roots: Roots, path: Path) -> Generator[FileIO]:
        with Counted(path) as file:
            yield file

    monkeypatch.setattr("mcp_errortracking.workflows.repository.objects.open_file", counted)
    found = dict[tuple[tuple[bytes, ...], int], str]()
    with Objects(Roots([history.folder]), history.folder / ".git/objects", Budget()) as objects:
        blame_lines(objects, head, {(b"src", b"a.py"): [0, 1]}, frozenset(), found)

    assert found[(b"src", b"a.py"), 1] == head
    assert found[(b"src", b"a.py"), 0] == history.git("rev-list", "--max-parents=0", "HEAD")
    assert reads[".pack"] == 1
