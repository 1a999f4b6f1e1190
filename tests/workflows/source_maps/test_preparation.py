"""Files on disk: what is written, in what order, and what is left alone."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.source_maps.bundles import preparation
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.bundles.injection import inject
from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.upload.content import fingerprint
from tests.workflows.source_maps.builds import BUILT, content_of, contents, copied, one_prepared, prepared


def facts_of(chunk: Chunk) -> tuple[object, ...]:
    """Return all of a chunk but its parts."""
    return chunk.chunk_id, chunk.kind, chunk.label, chunk.release, chunk.written


def test_a_dry_run_tells_and_writes_nothing(tmp_path: Path) -> None:
    before = contents(copied(tmp_path))
    planned = prepared(tmp_path, dry_run=True)
    would_be = [content_of(item) for item in planned]
    assert contents(tmp_path) == before

    done = prepared(tmp_path)

    assert [facts_of(item) for item in done] == [facts_of(item) for item in planned]
    assert [content_of(item) for item in done] == would_be
    assert {name for item in done for name in item.written} == {
        name for name, content in contents(tmp_path).items() if content != before[name]
    }
    assert before.keys() == contents(tmp_path).keys()


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    copied(tmp_path)
    first = prepared(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    second = prepared(tmp_path)

    assert not any(item.written for item in second)
    assert [(item.chunk_id, content_of(item)) for item in second] == [
        (item.chunk_id, content_of(item)) for item in first
    ]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times


def test_what_is_prepared_is_what_lies_on_disk(tmp_path: Path) -> None:
    copied(tmp_path)

    for item in prepared(tmp_path, release_id="r1"):
        assert isinstance(item, Chunk)
        assert (item.release and item.release.id) == ("r1" if item.source else None)
        assert item.kind is (DataType.SOURCE_AND_MAP if item.source else DataType.HERMES_MAP)
        assert (tmp_path / item.label).read_bytes() == content_of(item)[0]
        written = {name: (tmp_path / name).read_bytes() for name in item.written}
        assert set(written.values()) <= set(content_of(item))


def test_another_release_is_put_into_bundles_that_have_their_id(tmp_path: Path) -> None:
    copied(tmp_path, "webpack")
    prepared(tmp_path)
    first = prepared(tmp_path, release_id="r1")

    assert [item.written for item in first] == [("webpack/329.js",), ("webpack/shop.js",)]
    assert [item.written for item in prepared(tmp_path, release_id="r1")] == [(), ()]
    assert [(item.written, item.release) for item in prepared(tmp_path)] == [((), item.release) for item in first]
    again = prepared(tmp_path, release_id="r2")
    assert [item.written for item in again] == [("webpack/329.js",), ("webpack/shop.js",)]
    assert [item.release.id for item in again] == ["r2", "r2"]
    assert [item.written for item in prepared(tmp_path, release_id="r2")] == [(), ()]


def test_a_release_behind_a_long_beginning_is_found(tmp_path: Path) -> None:
    heading = f"/*! {'x' * 100_000} */\n"
    (tmp_path / "a.js").write_text(f'{heading}"use strict";\nfail()\n//# sourceMappingURL=a.js.map\n', "utf-8")
    (tmp_path / "a.js.map").write_text('{"version":3,"sources":["a.ts"],"mappings":"AAAA"}', "utf-8")
    made = one_prepared(tmp_path, release_id="r1")
    assert made.release
    assert made.release.at > len(heading)
    again = one_prepared(tmp_path, release_id="r1")
    assert (again.written, again.release) == ((), made.release)


def test_what_a_dry_run_would_write_is_made_again_when_read_and_checked(tmp_path: Path) -> None:
    copied(tmp_path, "webpack")
    broken, whole = prepared(tmp_path, dry_run=True)
    path = tmp_path / "webpack" / "329.js.map"
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(WorkflowError, match="broken JSON"):
        content_of(broken)
    made = content_of(whole)
    assert content_of(whole) == made
    prepared(tmp_path)
    assert made == tuple((tmp_path / "webpack" / name).read_bytes() for name in ("shop.js", "shop.js.map"))


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b'{"version":3,', "broken_map", "The source map cannot be read. It is broken JSON: "),
        (b"", "empty", "The map is empty (0 bytes)."),
        (b'{"version":3,"mappings":"\xff"}', "not_utf8", "The source map cannot be read. It is not UTF-8: "),
        (
            b'{"version":3,"mappings":"AAAA;????"}',
            "broken_map",
            "The source map cannot be read. Its mappings hold letters that are not base 64 digits.",
        ),
        (
            b'{"version":2,"mappings":"AAAA"}',
            "broken_map",
            "The source map cannot be read. Its version is 2; only version 3 is supported.",
        ),
        (b'{"version":3}', "broken_map", "The source map cannot be read. It has neither mappings nor sections."),
    ],
)
def test_a_bad_map_is_reported_and_the_others_are_prepared(
    tmp_path: Path, content: bytes, code: str, message: str
) -> None:
    copied(tmp_path, "webpack")
    (tmp_path / "webpack" / "329.js.map").write_bytes(content)
    before = contents(tmp_path)

    bad, good = prepared(tmp_path)

    assert isinstance(bad, Problem)
    assert (bad.path, bad.explanation.code) == ("webpack/329.js", code)
    assert bad.explanation.reason.startswith(message)
    assert good.written == ("webpack/shop.js", "webpack/shop.js.map")
    assert contents(tmp_path)["webpack/329.js"] == before["webpack/329.js"]
    assert contents(tmp_path)["webpack/329.js.map"] == content


@pytest.mark.parametrize("name", ["329.js", "329.js.map"])
def test_a_read_only_file_leaves_both_as_they_were(tmp_path: Path, name: str) -> None:
    copied(tmp_path, "webpack")
    before = contents(tmp_path)
    (tmp_path / "webpack" / name).chmod(0o444)

    bad, _ = prepared(tmp_path)

    assert (bad.path, bad.explanation.code) == ("webpack/329.js", "read_only")
    assert {name: contents(tmp_path)[name] for name in ("webpack/329.js", "webpack/329.js.map")} == {
        name: before[name] for name in ("webpack/329.js", "webpack/329.js.map")
    }


def test_a_folder_that_vanishes_half_way_is_reported_per_file(tmp_path: Path) -> None:
    copied(tmp_path, "webpack")
    roots = Roots([tmp_path])
    made = prepare(roots, find(roots, tmp_path))
    assert isinstance(next(made), Chunk)
    (tmp_path / "webpack").rename(tmp_path / "moved")

    (gone,) = made

    assert isinstance(gone, Problem)
    assert (gone.path, gone.explanation.code) == ("webpack/shop.js", "vanished")


def test_a_proguard_mapping_needs_the_id_of_its_app(tmp_path: Path) -> None:
    (tmp_path / "mapping.txt").write_text("# compiler: R8\nshop.Cart -> a.a:\n")

    (without,) = prepared(tmp_path)
    assert (without.path, without.explanation.code) == ("mapping.txt", "needs_id")
    with_id = one_prepared(tmp_path, proguard_id="app-1")
    assert (with_id.kind, with_id.chunk_id, with_id.written) == (DataType.PROGUARD_MAPPING, "app-1", ())
    (tmp_path / "mapping.txt").write_bytes(b"shop.Cart -> a.a:\n\xff")
    (bad,) = prepared(tmp_path, proguard_id="app-1")
    assert bad.explanation.code == "not_utf8"


def test_what_a_killed_run_left_is_repaired(tmp_path: Path) -> None:
    whole = copied(tmp_path / "whole", "webpack", "esbuild")
    prepared(whole)
    killed = copied(tmp_path / "killed", "webpack", "esbuild")
    for name in ("webpack/329.js", "esbuild/strict.cjs", "esbuild/command.mjs"):  # their maps were not written yet
        (killed / name).write_bytes((whole / name).read_bytes())
    (killed / "webpack" / ".shop.js.12345678.mcp-errortracking.tmp").write_text("half")

    prepared(killed)

    assert contents(killed) == contents(whole)


def test_killed_at_any_write_the_next_run_completes(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from mcp_errortracking.workflows.files.roots import Roots\n"
        "from mcp_errortracking.workflows.source_maps.bundles.discovery import find\n"
        "from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare\n"
        "replace = os.replace\n"
        "def counted(*paths, **folders):\n"
        "    global left\n"
        "    left -= 1\n"
        "    os._exit(9) if left < 0 else replace(*paths, **folders)\n"
        "os.replace = counted\n"
        "for left, folder in enumerate(sys.argv[1:]):\n"
        "    if not (process := os.fork()):\n"
        "        roots = Roots([folder])\n"
        "        list(prepare(roots, find(roots, '.')))\n"
        "        os._exit(0)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))\n"
    )
    whole = copied(tmp_path / "whole", "esbuild")
    prepared(whole)
    folders = [copied(tmp_path / str(writes), "esbuild") for writes in range(7)]
    ran = subprocess.run([sys.executable, "-c", script, *folders], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["9"] * 7
    for folder in folders:
        assert any(name.endswith(".tmp") for name in contents(folder))
        prepared(folder)
        assert contents(folder) == contents(whole)


def test_modes_are_kept(tmp_path: Path) -> None:
    copied(tmp_path, "esbuild")
    os.chmod(tmp_path / "esbuild" / "command.mjs", 0o755)
    prepared(tmp_path)

    assert (tmp_path / "esbuild" / "command.mjs").stat().st_mode & 0o777 == 0o755
    assert BUILT.exists()


def test_a_dry_run_injects_twice_per_bundle_and_holds_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    injected = list[int]()

    def count(source: bytes, *more: Any) -> Any:
        injected.append(len(source))
        return inject(source, *more)

    monkeypatch.setattr(preparation, "inject", count)
    copied(tmp_path, "webpack")
    planned = prepared(tmp_path, dry_run=True)
    assert len(injected) == len(planned) == 2

    hashes = [fingerprint(item).content_hash for item in planned]

    assert len(injected) == 4
    assert [fingerprint(item).content_hash for item in prepared(tmp_path)] == hashes
