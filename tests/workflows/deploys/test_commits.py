"""The commits of a release, from real repositories."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_errortracking.workflows.deploys.commits import ReleaseCommits, commits_of
from mcp_errortracking.workflows.deploys.releases import FoundRelease, Release
from tests.workflows.deploys.checkouts import commit, git, history


def between(old: str | None, new: str, *roots: Path) -> ReleaseCommits:
    """Return the commits of a release of one commit after that of another."""

    def release(version: str, commit_id: str) -> Release:
        return Release(version, version, version, "web", datetime(2026, 6, 1, tzinfo=UTC), commit_id, "main")

    previous = None if old is None else release("1.4.1", old)
    return commits_of(FoundRelease(release("1.4.2", new), previous, [], []), roots)


def subjects(found: ReleaseCommits) -> list[str]:
    return [one.subject for one in found.shown]


def test_the_commits_after_the_release_before_up_to_this_one(tmp_path: Path) -> None:
    ids = history(tmp_path, 15)

    found = between(ids[3], ids[6], tmp_path)
    assert (subjects(found), found.count, found.note) == (["Change 6", "Change 5", "Change 4"], 3, "")
    assert [(one.id, one.author) for one in found.shown] == [(name, "Ada") for name in (ids[6], ids[5], ids[4])]
    many = between(ids[0], ids[14].upper(), tmp_path)
    assert (len(many.shown), many.count) == (10, 14)


def test_a_merge_counts_once(tmp_path: Path) -> None:
    first = history(tmp_path, 1)[0]
    git(tmp_path, "checkout", "--quiet", "-b", "side")
    side = commit(tmp_path, "Side")
    git(tmp_path, "checkout", "--quiet", "main")
    git(tmp_path, "merge", "--quiet", "--no-ff", "--message", "Merge side", "side")
    merged = git(tmp_path, "rev-parse", "HEAD")

    assert subjects(between(first, merged, tmp_path)) == ["Merge side"]
    other = between(side, merged, tmp_path)
    assert (subjects(other), other.count) == ([], 0)
    assert other.note == 'The commit of "1.4.1" is not a first parent of this release\'s: it lies on another branch.'


def test_a_shallow_clone_shows_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "origin").mkdir()
    ids = history(tmp_path / "origin", 6)
    git(tmp_path, "clone", "--quiet", "--depth", "2", f"file://{tmp_path}/origin", "clone")
    clone = tmp_path / "clone"

    found = between(ids[0], ids[5], clone)
    assert (subjects(found), found.count) == (["Change 5", "Change 4"], 2)
    assert found.note.startswith('The clone is shallow and ends before the commit of "1.4.1"')
    lacking = between(ids[0], ids[2], clone)
    assert (lacking.count, lacking.note) == (
        0,
        f"The checkout clone lacks the commit {ids[2][:10]} of this release: the clone is shallow; fetch its history "
        "(git fetch --unshallow).",
    )


def test_of_several_roots_the_checkout_that_has_the_commits_is_read(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("empty", "other", "shop")]
    for folder in folders:
        folder.mkdir()
    history(folders[1], 1, subject="Other")
    ids = history(folders[2], 2)

    assert subjects(between(ids[0], ids[1], *folders)) == ["Change 1"]
    assert between(ids[0], ids[1], folders[0]).note == "No git checkout lies at the top of this server's roots."
    assert "or the checkout is another project" in between(ids[0], ids[1], folders[1]).note
    missing = between("0" * 40, ids[1], folders[2])
    lacks = "fetch it, or the checkout is another project's."
    assert missing.count == 0
    assert missing.note == f'The checkout shop lacks the commit 0000000000 of "1.4.1": {lacks}'


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("a" * 40, "", "The release names no commit, so its commits are not listed."),
        (None, "b" * 40, "No release of this product came before, so its commits are not listed."),
        ("", "b" * 40, '"1.4.1", the release before, names no commit.'),
        ("b" * 40, "B" * 40, '"1.4.1", the release before, has the same commit.'),
        ("a" * 7, "b" * 40, "The releases name their commits by short ids, which are not looked up."),
        ("../../../../x", "b" * 40, "The releases name their commits by short ids, which are not looked up."),
    ],
)
def test_releases_without_two_commits_are_said(tmp_path: Path, old: str | None, new: str, note: str) -> None:
    assert between(old, new, tmp_path) == ReleaseCommits(note=note)


def test_a_broken_repository_is_no_error(tmp_path: Path) -> None:
    ids = history(tmp_path, 3)
    (tmp_path / ".git" / "objects" / ids[1][:2] / ids[1][2:]).unlink()

    found = between(ids[0], ids[2], tmp_path)
    assert (found.count, found.note) == (0, "The checkout's git folder cannot be read: an object is missing.")
    assert between(ids[0], ids[2], tmp_path / "gone").note.startswith(
        "The checkout's git folder cannot be read: The root "
    )


def test_a_worktree_of_a_repository_outside_the_roots_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    ids = history(tmp_path / "shop", 3)
    git(tmp_path / "shop", "worktree", "add", "--quiet", str(tmp_path / "tree"))

    assert between(ids[0], ids[2], tmp_path / "tree", tmp_path / "shop").count == 2
    outside = between(ids[0], ids[2], tmp_path / "tree")
    assert outside.count == 0
    assert outside.note.startswith("The git folder of tree cannot be read: Only files below ")


def test_a_long_history_is_followed_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = history(tmp_path, 6)
    monkeypatch.setattr("mcp_errortracking.workflows.deploys.commits._MOST_FOLLOWED", 3)

    found = between(ids[0], ids[5], tmp_path)
    assert found.count == 3
    assert found.note.startswith('The commit of "1.4.1" is not among the last ')
