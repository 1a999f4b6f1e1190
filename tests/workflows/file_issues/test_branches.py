"""The fork of two branches, and the files that differ since: as git itself finds them."""

from pathlib import Path
from random import Random

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.budget import Budget
from mcp_errortracking.workflows.repository.checkout import find_checkout
from mcp_errortracking.workflows.repository.merge_base import merge_base
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.repository.tree_changes import changed_files
from tests.workflows.issue_brief.repositories import History


def test_forks_and_changed_files_are_those_of_git(tmp_path: Path) -> None:
    history, random = History(tmp_path / "shop"), Random(5)
    history.commit("Begin", {"a/x.py": "1\n", "b.py": "2\n", "c/d/e.py": "3\n"})
    for branch in ("left", "right"):
        history.git("branch", branch)
    for number in range(14):
        branch, other = random.sample(["left", "right"], 2)
        history.git("checkout", "--quiet", branch)
        if number % 5 == 4:
            history.git("merge", "--quiet", "--strategy", "ours", "--message", "Merge", other)
        name = f"{random.choice('abc')}{branch}/{number}.py"
        history.commit(f"Commit {number}", {name: f"{number}\n"})
        if number % 3 == 2:
            history.git("rm", "--quiet", name)
            history.commit("Delete", {"a/x.py": f"{number}\n"})
    checkout = find_checkout(Roots([history.folder]), history.folder, Budget())
    assert checkout
    with Objects(checkout.roots, checkout.common_dir / "objects", Budget()) as objects:
        for first, second in (("left", "right"), ("right", "left"), ("left~2", "right"), ("main", "left")):
            one_id, other_id = history.git("rev-parse", first), history.git("rev-parse", second)
            fork = merge_base(objects, one_id, other_id, frozenset())
            judged = history.git("merge-base", "--all", one_id, other_id).split()
            assert fork
            assert fork.id in judged
            changed = changed_files(objects, fork.tree, objects.commit(other_id).tree, with_added=True)
            rows = [
                f"{'A' if one.before is None else 'D' if one.after is None else 'M'}\t{b'/'.join(one.path).decode()}"
                for one in changed
            ]
            named = history.git("diff", "--no-renames", "--name-status", fork.id, other_id)
            assert sorted(rows) == sorted(named.split("\n") if named else [])
        history.git("checkout", "--quiet", "--orphan", "other")
        alone = history.commit("Alone")
        assert merge_base(objects, alone, history.git("rev-parse", "left"), frozenset()) is None


def test_refs_are_found_as_git_finds_them(tmp_path: Path) -> None:
    history = History(tmp_path / "shop")
    begin = history.commit("Begin")
    end = history.commit("End")
    history.git("update-ref", "refs/remotes/origin/main", begin)
    history.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    history.git("branch", "feature/one", begin)
    history.git("pack-refs", "--all")
    history.git("tag", "v1")
    checkout = find_checkout(Roots([history.folder]), history.folder, Budget())
    assert checkout

    for name, commit in {"origin": begin, "origin/main": begin, "feature/one": begin, "main": end, "v1": end}.items():
        assert checkout.commit_of(name) == commit == history.git("rev-parse", name)
    for name in ("", "feature", "../HEAD", "/etc/passwd", "-v", "main\0", "refs/heads/../../HEAD", "x" * 5000):
        assert checkout.commit_of(name) == ""
