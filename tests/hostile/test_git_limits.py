"""Huge git repositories: objects, lists and paths, of which each costs bounded memory and is counted as work."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.blame import blame
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.checkout import find_checkout
from mcp_errortracking.workflows.repository.last_commit import Commit, last_commit
from mcp_errortracking.workflows.repository.line_diff import kept_lines, split_lines
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.repository.packs import apply_delta
from tests.hostile.repositories import bare_bones, commit_of, entry, loose, number, pack, tree
from tests.hostile.test_git import TEXT, name_of

MIB = 2**20
BLOB = bytes.fromhex(name_of(TEXT.encode()))


class CountedBudget(Budget):
    """A budget that counts the steps."""

    spent = 0

    def spend(self, steps: int) -> None:
        self.spent += steps
        super().spend(steps)


def peak_of(call: Callable[[], Any]) -> int:
    """Return the memory that a call takes at most, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def versions(git_dir: Path, old: bytes, new: bytes) -> str:
    """Commit two versions of the file; the id of the last commit."""
    blobs = [loose(git_dir, "blob", content) for content in (old, new)]
    first, last = [tree(git_dir, ("100644", "cart.ts", blob)) for blob in blobs]
    return commit_of(git_dir, last, commit_of(git_dir, first))


def of_text(git_dir: Path) -> str:
    return tree(git_dir, ("100644", "cart.ts", loose(git_dir, "blob", TEXT.encode())))


def line_breaks(git_dir: Path) -> str:
    breaks = b"\n" * (9 * MIB)
    return versions(git_dir, TEXT.encode() + breaks, TEXT.encode() + breaks + b"x\n")


def headers(git_dir: Path) -> str:
    return commit_of(git_dir, of_text(git_dir), more="a\n" * (4 * MIB) + "a")


def long_subject(git_dir: Path) -> str:
    text = f"tree {of_text(git_dir)}\nauthor {'e' * (4 * MIB)} <> 1 +0\ncommitter <> 1 +0\n\n{'s' * (4 * MIB)}"
    return loose(git_dir, "commit", text.encode())


def parents(git_dir: Path) -> str:
    first = commit_of(git_dir, tree(git_dir, ("100644", "cart.ts", loose(git_dir, "blob", b"old\n"))))
    return commit_of(git_dir, of_text(git_dir), *[first] * 20_000)


def tree_entries(git_dir: Path) -> str:
    """Search a huge folder for the file that was renamed."""
    huge = loose(git_dir, "tree", b"".join(b"100644 %06x\0" % number + BLOB for number in range(280_000)))
    return commit_of(git_dir, of_text(git_dir), commit_of(git_dir, tree(git_dir, ("40000", "huge", huge))))


def shallow(git_dir: Path) -> str:
    (git_dir / "shallow").write_bytes(b"".join(b"%x\n" % number for number in range(900_000)))
    return commit_of(git_dir, of_text(git_dir))


HUGE = (line_breaks, headers, long_subject, parents, tree_entries, shallow)


@pytest.mark.parametrize("make", HUGE, ids=lambda make: make.__name__)
def test_what_is_huge_takes_little_memory(make: Callable[[Path], str], tmp_path: Path) -> None:
    git_dir = bare_bones(tmp_path)
    (git_dir / "refs" / "heads" / "main").write_text(make(git_dir))
    budget = CountedBudget(seconds=50)
    answers = list[Commit | None]()

    peak = peak_of(lambda: answers.append(last_commit(Roots([tmp_path]), tmp_path / "cart.ts", {1: "one"}, budget)))

    assert answers == [None]
    assert peak < 80 * MIB
    assert budget.spent < 1_000_000


def test_each_line_takes_bounded_memory() -> None:
    count = 30_000
    text = b"".join(b"%06x\n" % place for place in range(count))
    budget = CountedBudget(seconds=50)

    def compare() -> None:
        old, new = split_lines(b"a\n" + text + b"b\n", budget), split_lines(b"c\n" + text + b"d\n", budget)
        assert kept_lines(old, new, [9], budget) == {9: 9}

    assert peak_of(compare) < 600 * count
    assert budget.spent > 3 * count
    with pytest.raises(RepositoryError, match="too many lines"):
        split_lines(b"\n" * 300_001, budget)


def test_lines_that_are_not_wanted_cost_no_comparison() -> None:
    same = [b"%d" % number for number in range(1000)]
    budget = CountedBudget()

    kept = kept_lines([*same, b"a", b"b", *same], [*same, b"b", b"c", b"a", *same], [5, 1500], budget)

    assert kept == {5: 5, 1500: 1499}
    assert budget.spent == (2002 + 2003) // 4


def test_each_entry_and_each_parent_is_counted(tmp_path: Path) -> None:
    git_dir = bare_bones(tmp_path)
    wide = tree(git_dir, *(("100644", f"{number:04}", BLOB.hex()) for number in range(2000)))
    first = commit_of(git_dir, wide)
    octopus = commit_of(git_dir, wide, *[first] * 900)

    with Objects(Roots([tmp_path]), git_dir / "objects", budget := CountedBudget()) as objects:
        assert len(objects.entries(wide)) == 2000
        assert budget.spent > 20_000
        before = budget.spent
        assert objects.commit(octopus).parents == (first,) * 900
        assert budget.spent > before + 9_000


def test_the_folders_that_wait_are_limited(tmp_path: Path) -> None:
    git_dir = bare_bones(tmp_path)
    wide = loose(git_dir, "tree", b"".join(b"40000 %06x\0" % place + BLOB for place in range(10_001)))
    head = commit_of(git_dir, of_text(git_dir), commit_of(git_dir, wide))

    with (
        Objects(Roots([tmp_path]), git_dir / "objects", Budget()) as objects,
        pytest.raises(RepositoryError, match="too many folders"),
    ):
        blame(objects, head, (b"cart.ts",), [0], frozenset())


def test_long_texts_of_a_commit_are_cut(tmp_path: Path) -> None:
    git_dir = bare_bones(tmp_path)
    text = f"tree {of_text(git_dir)}\nauthor {'e' * 100_000} <> 1 +0\ncommitter <> 1 +0\n\n{'s' * 100_000}"
    head = loose(git_dir, "commit", text.encode())

    with Objects(Roots([tmp_path]), git_dir / "objects", Budget()) as objects:
        found = objects.commit(head)
    assert (found.author, found.subject) == ("e" * 4096, "s" * 4096)


def test_the_objects_of_all_packs_share_a_cache(tmp_path: Path) -> None:
    git_dir = bare_bones(tmp_path)
    names = list[str]()
    for place in range(12):
        content = b"%d" % place + bytes(8 * MIB)
        names.append(name_of(content))
        pack(git_dir, (names[-1], entry(3, content)), name=f"pack-{place}")

    with Objects(Roots([tmp_path]), git_dir / "objects", Budget(seconds=50)) as objects:
        assert peak_of(lambda: all(objects.read(name, "blob") for name in names)) < 80 * MIB


def test_a_delta_of_small_pieces_takes_little_memory() -> None:
    size = MIB // 8
    delta = number(1) + number(size) + b"\x02ab" * (size // 2)

    budget = CountedBudget(seconds=50)

    assert peak_of(lambda: apply_delta(b"x", delta, budget)) < MIB // 2
    assert budget.spent == size // 2 + size // 1024


def test_packed_refs_are_read_in_pieces(tmp_path: Path) -> None:
    git_dir = bare_bones(tmp_path)
    last = commit_of(git_dir, of_text(git_dir))
    lines = [f"{'1' * 40} refs/tags/{number:06}\n" for number in range(150_000)]
    roots, found = Roots([tmp_path]), list[str]()
    for place in (0, 16_000, 16_644, 16_645, 90_000, len(lines)):  # around the ends of pieces
        text = "".join([*lines[:place], f"{last} refs/heads/main\n", *lines[place:]])
        (git_dir / "packed-refs").write_text(text.removesuffix("\n"))
        checkout = find_checkout(roots, tmp_path, Budget())
        assert checkout
        found.append(checkout.head()[0])

        assert peak_of(checkout.head) < 5 * MIB
    assert found == [last] * 6


def test_a_huge_list_of_packed_refs_is_refused(tmp_path: Path) -> None:
    git_dir = bare_bones(tmp_path)
    (git_dir / "packed-refs").touch()
    os.truncate(git_dir / "packed-refs", 2**30)
    checkout = find_checkout(Roots([tmp_path]), tmp_path, budget := CountedBudget(seconds=50))

    assert checkout
    with pytest.raises(RepositoryError, match="too large"):
        checkout.head()
    assert budget.spent > 64 * 1024


def test_a_search_for_a_checkout_is_counted(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a"] * 100)
    deep.mkdir(parents=True)

    assert find_checkout(Roots([tmp_path]), deep, Budget()) is None
    with pytest.raises(RepositoryError, match="too long"):
        find_checkout(Roots([tmp_path]), deep, Budget(10_000))
