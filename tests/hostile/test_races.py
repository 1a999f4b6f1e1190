"""Another process swaps a folder and a symlink that leads out, at the worst moment: nothing outside is touched.

The worst moments are tried one by one: before each call to the system that names a file, of which the interpreter tells
its audit hooks. Each choice of up to three of them (of two, where there are many) is a case.
"""

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.files.open_folder import OpenFolder
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.maps.source_paths import find_on_disk
from mcp_errortracking.workflows.source_maps.maps.sources import Source, SourcesError, write_sources
from mcp_errortracking.workflows.source_maps.resolve.local_build import LocalBuild
from mcp_errortracking.workflows.source_maps.upload.content import Body, ContentError, fingerprint
from tests.hostile import swaps
from tests.hostile.tree import state
from tests.workflows.source_maps.builds import content_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no calls that are safe from it")

_SWAPS = 3
_TIMES = 1500
_NAMING = {"open", *(f"os.{name}" for name in ("scandir", "listdir", "remove", "rename", "mkdir", "chmod", "truncate"))}
_MAP = b'{"version":3,"sources":["a.ts"],"sourcesContent":["%s"],"names":[],"mappings":"AAAA"}'
_SECRET = b"secret"


class Steps:
    """The calls of this thread that name a file. `before` is called before each, with its number."""

    def __init__(self) -> None:
        self.before: Callable[[int], None] | None = None
        self.count = 0
        self._thread = threading.get_ident()
        sys.addaudithook(self._hook)  # for good: it cannot be removed

    def _hook(self, event: str, _arguments: tuple[Any, ...]) -> None:
        before = self.before
        if before is not None and event in _NAMING and threading.get_ident() == self._thread:
            self.before = None
            before(self.count)
            self.count += 1
            self.before = before

    @contextmanager
    def watched(self, before: Callable[[int], None]) -> Generator[None]:
        self.count, self.before = 0, before
        try:
            yield
        finally:
            self.before = None


_STEPS = Steps()


class Ground:
    """A root with a folder `dist` and a symlink `swap`, which leads to a folder of the same files outside."""

    def __init__(self, folder: Path) -> None:
        self.root, self.outside = folder / "root", folder / "outside"
        for at, content in ((self.root / "dist", b"inside"), (self.outside / "dist", _SECRET)):
            (at / "sub").mkdir(parents=True)
            for name in ("a.js", "sub/b.js"):
                (at / name).write_bytes(content + b"()\n")
                (at / f"{name}.map").write_bytes(_MAP % content)
        (self.outside / "dist" / f"{_SECRET.decode()}.js").write_bytes(_SECRET)
        (self.root / "swap").symlink_to("../outside/dist")
        self.roots = Roots([self.root])
        self.dist = os.open(self.root / "dist", os.O_RDONLY)

    def put_back(self) -> None:
        """Makes the file again that an act deletes, where it was."""
        os.close(os.open("a.js", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=self.dist))

    def swap(self) -> None:
        swaps.exchange(self.root / "dist", self.root / "swap")


def read(ground: Ground) -> Any:
    return ground.roots.read("dist/sub/b.js", 100)


def read_end(ground: Ground) -> Any:
    return ground.roots.read_part("dist/a.js", 100, from_end=True)


def replace(ground: Ground) -> Any:
    ground.roots.write(("dist/a.js", b"new"), ("dist/sub/b.js", b"new"))


def create(ground: Ground) -> Any:
    ground.roots.write(("dist/new.js", b"new"))


def delete(ground: Ground) -> Any:
    ground.roots.delete("dist/a.js")


def make_folder(ground: Ground) -> Any:
    ground.roots.make_folder("dist/new/folder")


def write_out(ground: Ground) -> Any:
    write_sources([Source("new/a.ts", "new"), Source("b.ts", "new")], "dist", ground.roots)


def search(ground: Ground) -> Any:
    return find(ground.roots, ".")


def prepare_all(ground: Ground) -> Any:
    return [content_of(one) for one in prepare(ground.roots, find(ground.roots, ".")) if isinstance(one, Chunk)]


def hash_and_send(ground: Ground) -> Any:
    from mcp_errortracking.workflows.files.local_file import LocalFile

    part = LocalFile(ground.roots, ground.root / "dist" / "a.js")
    chunk = Chunk("one", part, kind=DataType.HERMES_MAP)
    known = fingerprint(chunk)
    body = Body(chunk, known, 1, compressed=False)
    return b"".join(body.pieces())


def look_up(ground: Ground) -> Any:
    path = find_on_disk(ground.roots, "sub/b.js", ground.root / "dist" / "a.js.map")
    return path and ground.roots.read(path, 100)


def load_symbols(ground: Ground) -> Any:
    build = find(ground.roots, ".")
    local = LocalBuild(ground.roots, build)
    return [local._symbols(pair).text for pair in build.pairs]


ACTS = [read, read_end, replace, create, delete, make_folder, hash_and_send, look_up]
LONG_ACTS = [write_out, search, prepare_all, load_symbols]


def steps_of(act: Callable[[Ground], Any], folder: Path) -> int:
    ground = Ground(folder)
    with _STEPS.watched(lambda _: None):
        act(ground)
    os.close(ground.dist)
    return _STEPS.count


def check(act: Callable[[Ground], Any], folder: Path, moments: tuple[int, ...]) -> None:
    """Runs an act with a swap before each of some steps."""
    ground = Ground(folder)
    before, result = state(ground.outside), object()

    def swap(step: int) -> None:
        if step in moments:
            ground.swap()

    try:
        with _STEPS.watched(swap):
            result = act(ground)
    except (WorkflowError, SourcesError, ContentError) as error:
        result = error
    os.close(ground.dist)
    assert state(ground.outside) == before, moments
    assert _SECRET.decode() not in str(result), moments


def choices(steps: int, most: int) -> Iterator[tuple[int, ...]]:
    return itertools.chain.from_iterable(itertools.combinations(range(steps), count) for count in range(1, most + 1))


@pytest.mark.parametrize("act", ACTS)
def test_a_swap_at_any_moment_leads_nowhere(tmp_path: Path, act: Callable[[Ground], Any]) -> None:
    steps = steps_of(act, tmp_path / "first")
    assert steps

    for number, moments in enumerate(choices(steps, _SWAPS if steps < 9 else 2)):
        check(act, tmp_path / str(number), moments)


@pytest.mark.parametrize("act", LONG_ACTS)
def test_a_swap_at_any_moment_of_much_work_leads_nowhere(tmp_path: Path, act: Callable[[Ground], Any]) -> None:
    steps = steps_of(act, tmp_path / "first")

    for step in range(steps):
        check(act, tmp_path / f"{step}", (step,))
        check(act, tmp_path / f"{step}-on", (step, step + 1))


@pytest.fixture
def swapped(tmp_path: Path) -> Generator[Ground]:
    """A ground whose folder and symlink another process swaps all the time."""
    ground = Ground(tmp_path)
    command = [sys.executable, swaps.__file__, str(ground.root / "dist"), str(ground.root / "swap")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        try:
            yield ground
        finally:
            process.kill()
            os.close(ground.dist)


@pytest.mark.parametrize("act", [read, replace, create, delete, make_folder])
def test_a_process_that_swaps_them_all_the_time_gains_nothing(swapped: Ground, act: Callable[[Ground], Any]) -> None:
    before, done = state(swapped.outside), 0
    for _ in range(_TIMES):
        swapped.put_back()
        try:
            assert _SECRET not in (act(swapped) or b"")
            done += 1
        except WorkflowError:
            pass

    assert state(swapped.outside) == before
    assert done, "sometimes it is the folder"


@pytest.mark.parametrize(
    ("become", "code"),
    [
        (lambda path: path.unlink(), "vanished"),
        (lambda path: os.truncate(path, 5 << 30), "too_large"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "unreadable"),
        (lambda path: (path.unlink(), path.mkdir()), "unreadable"),
        (lambda path: (path.unlink(), path.symlink_to("../../outside/dist/a.js")), "unreadable"),
        (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), "unreadable"),
    ],
    ids=["nothing", "huge", "pipe", "folder", "link to a file outside", "link to a device"],
)
def test_a_file_that_becomes_something_else_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, become: Callable[[Path], Any], code: str
) -> None:
    ground = Ground(tmp_path)
    look = OpenFolder.stat

    def look_and_become(folder: OpenFolder, name: str) -> os.stat_result:
        seen = look(folder, name)
        become(ground.root / "dist" / "a.js")
        return seen

    monkeypatch.setattr(OpenFolder, "stat", look_and_become)
    with pytest.raises(WorkflowError) as caught:
        ground.roots.read("dist/a.js", 1 << 20)
    os.close(ground.dist)
    assert caught.value.code == code
