"""Chains, loops and crowds of symlinks: followed as the kernel does, and with few calls of the system."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mcp_errortracking.workflows.files import open_folder
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.files import names
from mcp_errortracking.workflows.repository.last_commit import last_commit
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from tests.hostile.repositories import bare_bones, commit_of, loose, tree

pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes symlinks")
MOST = 40
"""Symlinks that Linux follows for one path."""


class Calls:
    """The calls that open or read an entry."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for name in ("open", "readlink", "stat"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))
        monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, os.open, os.readlink, os.stat})

    def _counted(self, really: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            return really(*arguments, **options)

        return call


def chain(folder: Path, length: int, of: str = "") -> Path:
    """Make symlinks, each of which leads to the next, and the last to a file; the first."""
    (folder / "file").write_bytes(b"found")
    for place in range(length):
        (folder / f"l{place}").symlink_to(f"{of}l{place + 1}" if place < length - 1 else "file")
    return folder / "l0"


@pytest.mark.parametrize("of", ["", "./", "../{}/", "{}"], ids=["plain", "dot", "up", "absolute"])
def test_a_chain_is_followed_as_far_as_by_the_kernel(tmp_path: Path, of: str) -> None:
    for length in (1, MOST - 1, MOST, MOST + 1, 200):
        folder = tmp_path / f"of-{length}"
        folder.mkdir()
        first = chain(folder, length, f"{folder}/" if of == "{}" else of.format(folder.name))

        if length <= MOST:
            assert Roots([folder]).read("l0", 10) == first.read_bytes() == b"found"
        else:
            with pytest.raises(WorkflowError) as caught:
                Roots([folder]).read("l0", 10)
            assert (caught.value.code, "more than 40" in caught.value.why) == ("unreadable", True)


def test_symlinks_on_the_way_count_too(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(".")
    (tmp_path / "file").write_bytes(b"found")

    assert Roots([tmp_path]).read("again/" * MOST + "file", 10) == b"found"
    with pytest.raises(WorkflowError, match="could not be read"):
        Roots([tmp_path]).read("again/" * (MOST + 1) + "file", 10)


def test_symlinks_outside_the_roots_count_too(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path / "l0")
    for place in range(MOST):
        (tmp_path / f"l{place}").symlink_to(f"l{place + 1}")
    (tmp_path / f"l{MOST}").symlink_to("root")

    with pytest.raises(WorkflowError) as caught:
        Roots([tmp_path / "root"]).resolve("out")
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize("seed", range(20))
def test_any_symlinks_lead_where_they_lead_for_the_kernel(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    texts = ["a", "b", "c", "d/a", "../b", "..", ".", "d/../c", "./d//b", f"{tmp_path}/d", "d/e/../../a", "../d/c"]
    for folder in (tmp_path, tmp_path / "d", tmp_path / "d" / "e"):
        folder.mkdir(exist_ok=True)
        (folder / "file").write_text(folder.name)
        for name in "abc":
            (folder / name).symlink_to(chance.choice([*texts, "file", "e"]))
    roots = Roots([tmp_path])

    for path in ("a", "b", "c", "d/a", "d/b/c", "d/e/a", "a/b", "d/c/file", "d/e/b/../c"):
        try:
            state = os.stat(tmp_path / path)
        except OSError:
            continue
        real = os.path.realpath(tmp_path / path)
        if Path(real).is_relative_to(tmp_path):
            ours = roots.stat(path)
            assert ours, path
            assert ((ours.st_ino, ours.st_dev), str(roots.resolve(path))) == ((state.st_ino, state.st_dev), real), path
        else:
            with pytest.raises(WorkflowError, match="may not be used"):
                roots.stat(path)


def test_a_loop_costs_few_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path.joinpath(*"abcdefgh")
    deep.mkdir(parents=True)
    (deep / "loop").symlink_to("loop")
    roots, calls = Roots([tmp_path]), Calls(monkeypatch)

    with pytest.raises(WorkflowError):
        roots.resolve("a/b/c/d/e/f/g/h/loop")
    assert calls.count < 150


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("0.js", 1_000),
        ("{deep}/0.js", 5_000),
        (f"{'../' * 50}{'d/' * 50}0.js", 5_000),
        (f"{'d/../' * 800}0.js", 5_000),
        (f"{'../' * 50}{'d/' * 50}none.js", 2_000),
    ],
    ids=["loop", "absolute", "up and down", "down and up", "no loop"],
)
def test_a_build_of_symlinks_costs_few_calls_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, most: int
) -> None:
    deep = tmp_path.joinpath(*["d"] * 50)
    (deep / "d").mkdir(parents=True)
    for place in range(10):
        (deep / f"{place}.js").symlink_to(text.format(deep=deep))
    roots, calls = Roots([tmp_path]), Calls(monkeypatch)

    problems = find(roots, ".").problems

    assert len(problems) == 10
    assert calls.count < 10 * most


def test_the_names_in_a_folder_are_listed_without_following_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pack").mkdir()
    for place in range(200):
        (tmp_path / "pack" / f"{place:03}.idx").symlink_to("000.idx")
    roots, calls = Roots([tmp_path]), Calls(monkeypatch)

    assert names(roots, tmp_path / "pack", 200) == [f"{place:03}.idx" for place in range(200)]
    assert names(roots, tmp_path / "none", 200) == []
    assert calls.count < 50
    with pytest.raises(RepositoryError, match="too many"):
        names(roots, tmp_path / "pack", 199)


def test_alternates_that_lead_in_a_loop_are_given_up_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_dir = bare_bones(tmp_path)
    (git_dir / "objects" / "info").mkdir()
    (git_dir / "objects" / "loop").symlink_to("loop")
    (git_dir / "objects" / "info" / "alternates").write_text("loop\n" * 10_000)
    roots, calls = Roots([tmp_path]), Calls(monkeypatch)

    with pytest.raises(RepositoryError, match="too many alternates"):
        Objects(roots, git_dir / "objects", Budget())
    assert calls.count < 3_000
    with pytest.raises(RepositoryError, match="too long"):
        Objects(roots, git_dir / "objects", Budget(1_000))


def test_packs_that_lead_in_a_loop_are_given_up_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_dir = bare_bones(tmp_path)
    head = commit_of(git_dir, tree(git_dir, ("100644", "cart.ts", loose(git_dir, "blob", b"one\n"))))
    (git_dir / "refs" / "heads" / "main").write_text(head)
    for place in range(200):
        (git_dir / "objects" / "pack" / f"{place}.idx").symlink_to("0.idx")
    roots, calls = Roots([tmp_path]), Calls(monkeypatch)

    assert last_commit(roots, tmp_path / "cart.ts", {1: "one"}, Budget()) is None
    assert calls.count < 500


def test_by_path_a_chain_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system limits the symlinks itself if it has no descriptors of folders."""
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setattr(open_folder, "BY_DESCRIPTOR", False)

    with pytest.raises(WorkflowError):
        Roots([tmp_path]).read("loop", 10)
