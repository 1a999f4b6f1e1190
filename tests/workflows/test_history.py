"""The last commit of a line, from real checkouts."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.budget import Budget
from mcp_errortracking.workflows.repository.last_commit import Commit, last_commit
from mcp_errortracking.workflows.source_maps.resolve.local_build import LocalBuild
from mcp_errortracking.workflows.source_maps.resolve.resolution import resolve
from mcp_errortracking.workflows.source_maps.resolve.stack_text import parse_stack
from tests.required import program
from tests.workflows.source_maps.builds import FIXTURES, copied, looked_through

FIRST = {"GIT_AUTHOR_DATE": "2026-01-01T10:00:00+02:00", "GIT_COMMITTER_DATE": "2026-01-01T10:00:00+02:00"}
SECOND = {"GIT_AUTHOR_DATE": "2026-02-01T10:00:00+00:00", "GIT_COMMITTER_DATE": "2026-02-01T10:00:00+00:00"}


def git(folder: Path, *arguments: str, **environment: str) -> str:
    settings = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example", "-c", "init.defaultBranch=main")
    ran = subprocess.run(
        [program("git"), *settings, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    source = folder / "-cart.ts"
    source.write_text("one\ntwo\nthree\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Begin", **FIRST)
    source.write_text("one\nTWO\nthree\n")
    git(folder, "commit", "--quiet", "--all", "--message", "Shout\n\nmore", **SECOND)
    return folder


def test_the_latest_commit_of_the_lines(checkout: Path) -> None:
    roots, source = Roots([checkout]), checkout / "-cart.ts"
    head, first = git(checkout, "rev-parse", "HEAD", "HEAD~1").split()

    assert last_commit(roots, source, {2: "TWO"}, Budget()) == Commit(head, "Ada", "2026-02-01T10:00:00+00:00", "Shout")
    assert last_commit(roots, source, {3: "three"}, Budget()) == Commit(
        first, "Ada", "2026-01-01T08:00:00+00:00", "Begin"
    )
    both = last_commit(roots, source, {1: "one", 2: "TWO\r"}, Budget())
    assert both
    assert both.id == head


def test_no_commit_where_it_would_be_of_other_code(checkout: Path) -> None:
    roots, source = Roots([checkout]), checkout / "-cart.ts"
    (checkout / "new.ts").write_text("x\n")

    assert last_commit(roots, source, {2: "two"}, Budget()) is None
    assert last_commit(roots, source, {9: "two"}, Budget()) is None
    assert last_commit(roots, checkout / "new.ts", {1: "x"}, Budget()) is None
    assert last_commit(roots, checkout / "gone" / "new.ts", {1: "x"}, Budget()) is None


def test_a_checkout_around_the_root_is_not_looked_into(checkout: Path) -> None:
    inner = checkout / "inner"
    inner.mkdir()
    (inner / "a.ts").write_text("a\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "Inner", **SECOND)

    assert last_commit(Roots([inner]), inner / "a.ts", {1: "a"}, Budget()) is None
    assert last_commit(Roots([checkout]), inner / "a.ts", {1: "a"}, Budget())


def test_nothing_that_the_checkout_configures_is_run(checkout: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f'#!/bin/sh\ntouch {ran}\ncat "$@"\n')
    script.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge"):
        git(checkout, "config", name, str(script))
    (checkout / ".gitattributes").write_text("*.ts diff=evil filter=evil\n")

    assert last_commit(Roots([checkout]), checkout / "-cart.ts", {1: "one"}, Budget())
    assert not ran.exists()


def test_no_git_is_needed_and_a_slow_history_is_no_error(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots, source = Roots([checkout]), checkout / "-cart.ts"

    monkeypatch.setenv("PATH", str(checkout))
    assert last_commit(roots, source, {1: "one"}, Budget())
    assert last_commit(roots, source, {1: "one"}, Budget(seconds=0)) is None


def test_a_frame_of_a_real_build_names_its_commit(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "shop", tmp_path / "shop")
    copied(tmp_path / "shop" / "dist", "webpack")
    git(tmp_path / "shop", "init", "--quiet")
    git(tmp_path / "shop", "add", "src")
    git(tmp_path / "shop", "commit", "--quiet", "--message", "Sell hats", **FIRST)
    roots, build = looked_through(tmp_path / "shop")
    frames = parse_stack("at o.parse (https://shop.example/webpack/shop.js:1:307)")

    (with_history,) = resolve(frames, LocalBuild(roots, build).symbols, roots, history=True)
    (without,) = resolve(frames, LocalBuild(roots, build).symbols, roots)

    assert with_history.original
    assert with_history.original.path == tmp_path / "shop" / "src" / "price.ts"
    assert with_history.original.commit
    assert with_history.original.commit.subject == "Sell hats"
    assert without.original
    assert without.original.commit is None


def test_all_frames_share_a_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(FIXTURES / "shop", tmp_path / "shop")
    copied(tmp_path / "shop" / "dist", "webpack")
    git(tmp_path / "shop", "init", "--quiet")
    git(tmp_path / "shop", "add", "src")
    git(tmp_path / "shop", "commit", "--quiet", "--message", "Sell hats", **FIRST)
    roots, build = looked_through(tmp_path / "shop")
    frames = parse_stack("at o.parse (https://shop.example/webpack/shop.js:1:307)\n" * 3)
    used, spend = list[Budget](), Budget.spend

    def noted(budget: Budget, steps: int) -> None:
        used.append(budget)
        spend(budget, steps)

    monkeypatch.setattr(Budget, "spend", noted)
    resolved = resolve(frames, LocalBuild(roots, build).symbols, roots, history=True)

    assert len([frame for frame in resolved if frame.original and frame.original.commit]) == 3
    assert len({id(budget) for budget in used}) == 1
