"""Nothing outside a hostile checkout is read, written or deleted, and nothing in it keeps a call from ending."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import from_thread, to_thread

from mcp_errortracking.workflows.files import open_folder
from mcp_errortracking.workflows.files import roots as roots_module
from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import LEFTOVER, Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, fingerprint
from tests.hostile.tree import DEEP, HUGE, SECRET, TRICKS, Trick, build, build_huge, state

pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes pipes, devices and symlinks")
_LIMIT = 100 << 20


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(tmp_path_factory.mktemp("tree"))


def is_made(inside: Path, trick: Trick) -> bool:
    return os.path.lexists(inside / trick.path.split("/")[0])


@pytest.mark.parametrize("by_descriptor", [True, False])
@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_each_trick_is_read_or_refused(
    tree: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, trick: Trick, by_descriptor: bool
) -> None:
    inside, outside = tree
    if not is_made(inside, trick):
        pytest.skip("only root makes it")
    monkeypatch.setattr(open_folder, "BY_DESCRIPTOR", by_descriptor)
    roots, before = Roots([inside]), state(outside)

    content, code = None, None
    try:
        content = roots.read(trick.path, _LIMIT)
    except WorkflowError as error:
        code = error.code
    assert code == ("read_only" if os.geteuid() and "without permission" in trick.name else trick.code)
    assert content != SECRET or trick.name.startswith("hard link")
    assert state(outside) == before


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_each_trick_is_hashed_as_it_is_read(tree: tuple[Path, Path], trick: Trick) -> None:
    roots = Roots([tree[0]])
    try:
        content = roots.read(trick.path, _LIMIT)
    except WorkflowError:
        content = None
    chunk = Chunk("one", LocalFile(roots, tree[0] / trick.path), kind=DataType.HERMES_MAP)

    if content:
        made = Chunk("one", lambda: content, kind=DataType.HERMES_MAP)
        assert fingerprint(chunk).content_hash == fingerprint(made).content_hash
    else:
        with pytest.raises(ContentError):
            fingerprint(chunk)


@pytest.mark.parametrize("by_descriptor", [True, False])
@pytest.mark.parametrize(
    "act",
    [
        lambda roots, path: roots.write((path, b"new")),
        lambda roots, path: roots.delete(path),
        lambda roots, path: roots.make_folder(f"{path}/new"),
    ],
    ids=["write", "delete", "make_folder"],
)
def test_no_trick_changes_what_lies_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Roots, str], Any], by_descriptor: bool
) -> None:
    monkeypatch.setattr(open_folder, "BY_DESCRIPTOR", by_descriptor)
    inside, outside = build(tmp_path)
    roots, before = Roots([inside]), state(outside)

    refused = 0
    for trick in TRICKS:
        try:
            act(roots, trick.path)
        except WorkflowError:
            refused += 1
    assert 0 < refused < len(TRICKS)
    assert state(outside) == before
    assert not [name for name in os.listdir(inside) if name.endswith(LEFTOVER)]


def test_a_build_of_tricks_is_prepared_without_what_lies_outside(tmp_path: Path) -> None:
    inside, outside = build(tmp_path)
    roots, before = Roots([inside]), state(outside)

    build_found = find(roots, ".")
    made = list(prepare(roots, build_found))

    assert [one.label for one in made if isinstance(one, Chunk)] == [r"\udcff\udcfe.js"]
    assert state(outside) == before
    problems = {problem.path: problem.explanation.code for problem in build_found.problems}
    assert {name: problems.get(name) for name in ("out.js", "pipe.js", "socket.js", "sparse.js", "up.js")} == {
        "out.js": "outside_roots",
        "pipe.js": "unreadable",
        "socket.js": "unreadable",
        "sparse.js": "too_large",
        "up.js": "outside_roots",
    }
    assert "folder/secret.js" not in {*problems, *build_found.mapless, *(str(one) for one in build_found.deployed)}
    assert "secret" not in str([problem for problem in build_found.problems if problem.path == "out.js"])


def test_huge_and_deep_folders_are_walked_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_huge(tmp_path)
    opened = 0
    really = os.open

    def counted(*arguments: Any, **options: Any) -> int:
        nonlocal opened
        opened += 1
        return really(*arguments, **options)

    monkeypatch.setattr(os, "open", counted)
    found = find(Roots([tmp_path]), ".")

    assert len(found.empty) == HUGE
    (deep,) = found.problems
    assert (deep.explanation.code, deep.path.count("/")) == ("too_deep", 100)
    assert opened < 10 * HUGE + DEEP**2


def counted_listings(monkeypatch: pytest.MonkeyPatch, limit: int) -> list[str]:
    """Lower the limit of entries, and return the list that receives each entry as it is read."""
    read = list[str]()
    really = open_folder._entry  # pyright: ignore[reportPrivateUsage]

    def noted(found: os.DirEntry[str]) -> open_folder.Entry:
        read.append(found.name)
        return really(found)

    monkeypatch.setattr(open_folder, "_entry", noted)
    monkeypatch.setattr(roots_module, "MAX_ENTRIES", limit)
    return read


@pytest.mark.parametrize("folders", [1, 10])
def test_a_walk_ends_at_a_limit_of_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: int) -> None:
    for number in range(folders):
        (tmp_path / str(number)).mkdir()
        for name in range(200 // folders):
            (tmp_path / str(number) / f"{name}.txt").touch()
    read = counted_listings(monkeypatch, 100)

    with pytest.raises(WorkflowError) as caught:
        find(Roots([tmp_path]), ".")

    assert caught.value.code == "too_many_files"
    assert str(caught.value).startswith(f"{tmp_path} has more than 100 files and folders. The limit was reached in ")
    assert "Name a smaller folder, or exclude" in str(caught.value)
    assert len(read) == 101


def test_a_folder_at_the_limit_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in range(100):
        (tmp_path / f"{name}.txt").touch()
    read = counted_listings(monkeypatch, 100)

    find(Roots([tmp_path]), ".")

    assert len(read) == 100


def test_a_cancelled_walk_ends_between_two_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in range(100):
        (tmp_path / f"{name}.txt").touch()
    read = counted_listings(monkeypatch, 1000)

    async def cancelled_walk() -> None:
        with anyio.CancelScope() as scope:
            append = read.append

            def cancel() -> None:
                scope.cancel()
                append("cancelled")

            def walk() -> None:
                from_thread.run_sync(cancel)
                find(Roots([tmp_path]), ".")

            await to_thread.run_sync(walk)
        assert scope.cancelled_caught

    anyio.run(cancelled_walk)

    assert len(read) == 2


def test_a_leftover_that_is_a_symlink_is_deleted_itself(tmp_path: Path) -> None:
    inside, _ = build(tmp_path)
    (inside / f".a.js.{LEFTOVER}").symlink_to("plain/a.js")
    roots = Roots([inside])

    list(prepare(roots, find(roots, ".")))

    assert not os.path.lexists(inside / f".a.js.{LEFTOVER}")
    assert (inside / "plain" / "a.js").read_bytes() == b"a"


def test_no_file_of_ours_runs_as_its_owner(tmp_path: Path) -> None:
    (tmp_path / "a.js").touch()
    os.chmod(tmp_path / "a.js", 0o6755)

    Roots([tmp_path]).write(("a.js", b"theirs"))

    assert (tmp_path / "a.js").stat().st_mode & 0o7777 == 0o755


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.js")

    with pytest.raises(WorkflowError, match="not a regular file"):
        Roots([tmp_path]).write(("a.js", b"x"))
    assert (tmp_path / "a.js").is_fifo()
    assert os.listdir(tmp_path) == ["a.js"]


def test_a_root_below_another_is_not_followed_out_of_it(tmp_path: Path) -> None:
    inside, outside = build(tmp_path)
    named = [inside, inside / "plain"]
    assert Roots(named).folders == (inside, inside / "plain")
    os.rename(inside / "plain", inside / "moved")
    (inside / "plain").symlink_to(outside)

    with pytest.raises(WorkflowError) as caught:
        Roots(named)
    assert caught.value.code == "no_root"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    inside, _ = build(tmp_path)
    roots = Roots([inside])
    before = len(os.listdir("/dev/fd"))

    for trick in TRICKS:
        for act in (
            roots.resolve,
            roots.stat,
            lambda path: roots.read_part(path, 1),
            lambda path: roots.write((path, b"")),
        ):
            with suppress(WorkflowError):
                act(trick.path)
    list(prepare(roots, find(roots, ".")))

    assert len(os.listdir("/dev/fd")) == before


def test_what_shares_a_map_is_reported_in_a_few_words_each(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.js").write_bytes(b"f()\n//# sourceMappingURL=all.map\n")
    (tmp_path / "all.map").write_bytes(b"{}")

    problems = find(Roots([tmp_path]), ".").problems

    assert {problem.explanation.code for problem in problems} == {"shared_map"}
    assert max(len(problem.explanation.reason) for problem in problems) < 200
    assert "and 294 more" in problems[0].explanation.reason
