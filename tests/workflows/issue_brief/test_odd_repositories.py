"""Repositories that are not plain checkouts: submodules, linked worktrees, tags, and several roots."""

from pathlib import Path

import pytest

from mcp_errortracking.workflows.deploys.commits import commits_of
from mcp_errortracking.workflows.deploys.releases import FoundRelease, Release
from mcp_errortracking.workflows.times import moment_of
from tests.sandbox_process import SandboxProcess
from tests.workflows.deploys.shop import KEY, NOW, Project, report
from tests.workflows.file_issues import test_report as file_issues
from tests.workflows.issue_brief.repositories import History
from tests.workflows.issue_brief.test_brief import CART, ORDERS, brief, python_seed

pytestmark = pytest.mark.anyio


@pytest.fixture
def around(tmp_path: Path) -> History:
    """A checkout with the submodule `vendor/lib`, which has `shop/cart.py`."""
    library = History(tmp_path / "lib")
    library.commit("Begin", {"shop/cart.py": CART})
    history = History(tmp_path / "shop")
    history.commit("Begin", {"shop/orders.py": ORDERS})
    history.git("submodule", "--quiet", "add", f"file://{library.folder}", "vendor/lib")
    history.commit("Add the library")
    return history


async def source(sandbox: SandboxProcess, *roots: Path) -> list[str]:
    return (await brief(sandbox, *roots, sections=["source"])).structured["sections"]["source"]


async def test_submodules_are_named_where_a_frame_has_no_file(around: History) -> None:
    head = around.git("rev-parse", "HEAD")
    with SandboxProcess(python_seed(head, around.git("rev-parse", "HEAD~1"))) as sandbox:
        whole = await source(sandbox, around.folder)
        alone = await source(sandbox, around.folder / "vendor/lib", around.folder / ".git")
        in_file = await file_issues.ask(sandbox, around.folder, paths=["vendor/lib/shop/cart.py"])

    why = "it is a submodule, and releases name commits of the project around it."
    assert "Submodules are not searched: to search one, make it the only root." in whole
    assert "place (shop/orders.py:2)" in whole
    assert f"The release's commit {head[:10]} is not in the checkout lib: {why}" in alone
    assert "  > 2|     return sum(items)" in alone
    assert [(row["file"], row["line"]) for row in in_file.structured["issues"]] == [("shop/cart.py", 2)]
    assert f"The commit {head[:10]} of the release 1.1 is not in the checkout lib: {why}" in in_file.text


async def test_a_worktree_whose_repository_is_outside_says_so(around: History, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    around.git("worktree", "add", "--quiet", str(tree), "HEAD")
    head = around.git("rev-parse", "HEAD")
    with SandboxProcess(python_seed(head, around.git("rev-parse", "HEAD~1"))) as sandbox:
        alone = await source(sandbox, tree)
        both = await source(sandbox, tree, around.folder)
        in_file = await file_issues.ask(sandbox, tree, paths=["shop/orders.py"])
        of_branch = await file_issues.ask(sandbox, tree)

    assert any(line.startswith("The git folder of tree cannot be read: ") for line in alone)
    assert "  > 2|     order.check()" in alone
    assert f"Lines are those of the release's commit {head[:10]} in tree." in both
    assert "The git folder of shop cannot be read: " in in_file.text
    assert "The git folder of tree cannot be read: " in of_branch.text


async def test_an_annotated_tag_is_a_base(around: History) -> None:
    around.git("tag", "--annotate", "--message", "One", "v1")
    around.git("tag", "--annotate", "--message", "Of a tag", "v1-again", "v1")
    around.commit("Verify", {"shop/orders.py": ORDERS.replace("check", "verify")})
    with SandboxProcess(python_seed("a" * 40, "b" * 40)) as sandbox:
        for tag in ("v1", "v1-again", "refs/tags/v1"):
            reply = await file_issues.ask(sandbox, around.folder, base=tag)
            assert reply.structured["files"] == ["shop/orders.py"]


def test_a_root_that_cannot_be_read_does_not_hide_the_commits_of_another(around: History, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / ".git").write_text("gitdir: /elsewhere\n", "utf-8")
    ids = around.git("rev-list", "HEAD").split()

    def release(commit: str) -> Release:
        created = moment_of("2026-06-01T00:00:00Z")
        assert created
        return Release("", "", "1", "", created, commit, "")

    found = FoundRelease(release(ids[0]), release(ids[1]), (), ())
    both = commits_of(found, [tmp_path / "broken", around.folder])
    alone = commits_of(found, [tmp_path / "broken"])

    assert [one.id for one in both.shown] == [ids[0]]
    assert alone.note.startswith("The git folder of broken cannot be read: ")


@pytest.mark.parametrize("release", [" ", "v", "V "])
async def test_a_blank_name_is_the_newest_release_and_a_letter_none(release: str) -> None:
    project = Project()
    project.issue("Boom", 6, first_seen=NOW)
    project.seed["releases"].insert(0, {"version": "1.4.0", "created_at": "-9d"})
    with SandboxProcess(project.seed) as sandbox:
        reply = await report(sandbox, key=KEY, release=release)

    if release.strip():
        assert reply.structured["error"]["code"] == "unknown_release"
        assert '"1.4.2"' in reply.text
    else:
        assert reply.structured["release"]["version"] == "1.4.2"
        assert "fits this name too" not in reply.text
