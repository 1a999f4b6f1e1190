"""The sources inside a map, and writing them where they may go and nowhere else."""

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.maps import sources as sources_module
from mcp_errortracking.workflows.source_maps.maps.sources import (
    Source,
    SourcesError,
    list_sources,
    source_path,
    write_sources,
)

PLAIN = {"version": 3, "sources": ["webpack://shop/./src/a.ts", "src/b.ts"], "sourcesContent": ["let a", None]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (PLAIN, [Source("webpack://shop/./src/a.ts", "let a"), Source("src/b.ts", None)]),
        ({"sources": ["a.ts", None], "sourceRoot": "/src/"}, [Source("/src/a.ts", None), Source("unnamed-1", None)]),
        ({"sources": ["a.ts"], "sourcesContent": "odd"}, [Source("a.ts", None)]),
        ({"sources": []}, []),
        (
            {"sections": [{"map": PLAIN}, {"map": {"sources": ["src/b.ts", "c"], "sourcesContent": ["let b"]}}, {}, 3]},
            [Source("webpack://shop/./src/a.ts", "let a"), Source("src/b.ts", "let b"), Source("c", None)],
        ),
    ],
)
def test_list(fields: dict[str, Any], expected: list[Source]) -> None:
    assert list_sources(fields) == expected


@pytest.mark.parametrize("fields", [{}, {"sources": {}}, {"sections": [{"map": []}]}])
def test_what_is_no_map(fields: dict[str, Any]) -> None:
    with pytest.raises(SourcesError, match=r"\.$"):
        list_sources(fields)


def test_sections_within_sections_end_somewhere() -> None:
    nested: dict[str, Any] = PLAIN
    for _ in range(20):
        nested = {"sections": [{"map": nested}]}
    with pytest.raises(SourcesError, match="too deep"):
        list_sources(nested)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("webpack://shop/./src/a.ts", "shop/src/a.ts"),
        ("webpack:///src/a.vue?abcd", "src/a.vue"),
        ("../../../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("file:///C:/Users/x.ts", "C_/Users/x.ts"),
        ("C:\\Users\\..\\x.ts", "Users/x.ts"),
        ("..\\..\\x.ts", "x.ts"),
        ("src/.git/hooks/pre-commit", "src/_.git/hooks/pre-commit"),
        ("\u200c.git/hooks/a", "_.git/hooks/a"),
        (".g\u200dit/\ufeff.b/\u202e.c.", "_.git/_.b/_.c"),
        ("git~1/hooks/a", "_git~1/hooks/a"),
        ("a . ./b .", "a/b"),
        ("webpack:///./node_modules/react/index.js", "_node_modules/react/index.js"),
        ("Node_Modules ./site-packages/a.pth", "_Node_Modules/_site-packages/a.pth"),
        ("com\xb9/CONIN$.ts", "_com\xb9/_CONIN$.ts"),
        (".bashrc", "_.bashrc"),
        ("src/con.ts", "src/_con.ts"),
        ("a\x00b/\x1b[31m.ts", "a_b/_[31m.ts"),
        ("src/ /... /x", "src/x"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("webpack/bootstrap", "webpack/bootstrap"),
        ("src/日本.ts", "src/日本.ts"),
    ],
)
def test_source_path(name: str, expected: str) -> None:
    assert source_path(name).as_posix() == expected


@settings(max_examples=150, deadline=None)
@example("\ud800/../x")
@example("a/" * 500)
@example("x" * 5000)
@given(st.text() | st.lists(st.sampled_from(["..", ".", "", "~", "c:", "a", "\\", "//", "\x00"])).map("/".join))
def test_no_name_leads_out(name: str) -> None:
    path = source_path(name)

    assert not path.is_absolute()
    assert path.parts
    assert ".." not in path.parts
    assert not any(part.startswith(".") or len(part.encode()) > 200 for part in path.parts)
    assert len(path.parts) <= 40


def test_write(tmp_path: Path) -> None:
    names = ["src/a.ts", "./src/a.ts", "SRC/A.ts", "../b.ts", "none.ts"]
    sources = [Source(name, text) for name, text in zip(names, ["1", "2", "3", "é", None], strict=True)]

    written = write_sources(sources, "out", Roots([tmp_path]))

    found = {str(path.relative_to(tmp_path / "out")): path.read_text("utf-8") for path in written}
    assert [*found.values()] == ["1", "2", "3", "é"]
    assert [name for name in found if "-" not in name] == ["src/a.ts", "b.ts"]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(written), "no half file is left"
    written[0].chmod(0o444)
    assert write_sources(sources, tmp_path / "out", Roots([tmp_path])) == written, "the same again is no conflict"


def test_a_name_that_is_the_folder_of_another_is_written_beside_it(tmp_path: Path) -> None:
    sources = [Source(name, name) for name in ("a.ts", "a.ts/b.ts", "c/d/e.ts", "C/D", "c")]

    written = write_sources(sources, "out", Roots([tmp_path]))

    assert [path.read_text("utf-8") for path in written] == [source.name for source in sources]
    found = [path.relative_to(tmp_path / "out").as_posix() for path in written]
    assert (found[1], found[2]) == ("a.ts/b.ts", "c/d/e.ts")
    assert [re.sub("-[0-9a-f]{8}", "-0", path) for path in found] == ["a-0.ts", *found[1:3], "C/D-0", "c-0"]
    assert write_sources(sources, "out", Roots([tmp_path])) == written
    in_the_way = [*sources, Source(f"{found[0]}/x.ts", "x")]
    assert len(set(write_sources(in_the_way, "more", Roots([tmp_path])))) == 6


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "b.ts").write_text("mine")
    sources = [Source("a.ts", "1"), Source("b.ts", "2")]

    with pytest.raises(SourcesError, match=r"b\.ts already exists with other content\. Choose another folder\.$"):
        write_sources(sources, tmp_path, Roots([tmp_path]))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"b.ts": "mine"}


def test_a_map_without_content_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourcesError, match="built without sourcesContent"):
        write_sources([Source("a.ts", None)], "out", Roots([tmp_path]))
    assert not (tmp_path / "out").exists()


def test_a_symlink_on_the_way_is_refused(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / "src").symlink_to(outside)
    (inside / "a.ts").symlink_to(outside / "a.ts")

    with pytest.raises(SourcesError, match="leads out of the folder"):
        write_sources([Source("src/lib/a.ts", "1")], inside, Roots([tmp_path]))
    with pytest.raises(WorkflowError, match="symlink that leads out"):
        write_sources([Source("a.ts", "1")], inside, Roots([inside]))
    assert list(outside.iterdir()) == []


def test_a_folder_outside_the_roots_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()

    with pytest.raises(WorkflowError, match="may not be used") as caught:
        write_sources([Source("a.ts", "1")], "../out", Roots([inside]))
    assert caught.value.code == "outside_roots"
    assert list(tmp_path.iterdir()) == [inside]


@pytest.mark.parametrize(
    ("in_the_way", "names", "code"),
    [("src", ["a.ts", "src/b.ts"], "in_the_way"), ("src/b.ts/c", ["a.ts", "src/b.ts"], "unreadable")],
)
def test_what_stands_in_the_way_stops_it_before_a_file_is_written(
    tmp_path: Path, in_the_way: str, names: list[str], code: str
) -> None:
    (tmp_path / in_the_way).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / in_the_way).write_text("mine")

    with pytest.raises(WorkflowError) as caught:
        write_sources([Source(name, "1") for name in names], tmp_path, Roots([tmp_path]))
    assert caught.value.code == code
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / in_the_way]


@pytest.mark.parametrize(
    "folder",
    [
        *(".git", ".git/hooks", ".GIT/hooks", "shop/.venv", "venv/lib", "node_modules/.bin", "Node_Modules/x", "bare"),
        *("bare/hooks", "\u200c.git", ".git ", "node_modules.", "lib/site-packages/x"),
    ],
)
def test_nothing_is_written_where_other_programs_run_files(tmp_path: Path, folder: str) -> None:
    for place in ("shop/.venv", "venv", "node_modules", ".git", "bare/objects"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "bare" / "HEAD").touch()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "src").symlink_to(folder)
    before = sorted(tmp_path.rglob("*"))

    for named, source in ((folder, "a.pth"), ("src", "a.pth"), (".", "src/a.pth")):
        with pytest.raises(SourcesError, match="Choose another folder"):
            write_sources([Source(source, "import evil")], named, Roots([tmp_path]))
    assert sorted(tmp_path.rglob("*")) == before


def test_sources_of_packages_are_written_beside_the_others(tmp_path: Path) -> None:
    names = ["webpack:///./src/a.ts", "webpack:///./node_modules/react/index.js"]

    written = write_sources([Source(name, name) for name in names], "out", Roots([tmp_path]))

    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == [
        "src/a.ts",
        "_node_modules/react/index.js",
    ]
    assert written[1].read_text() == names[1]


def test_names_that_differ_in_their_unicode_form_are_two_files(tmp_path: Path) -> None:
    written = write_sources([Source("\u00e9.ts", "1"), Source("e\u0301.ts", "2")], "out", Roots([tmp_path]))

    assert len({unicodedata.normalize("NFC", path.name) for path in written}) == 2


def test_a_map_with_too_many_folders_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_module, "_MOST_FOLDERS", 50)
    sources = [Source(f"{number}/a/b/c.ts", "1") for number in range(20)]

    with pytest.raises(SourcesError, match="sources of more than 50 folders"):
        write_sources(sources, "out", Roots([tmp_path]))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_without_looking_at_each_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = Roots([tmp_path])
    roots.make_folder("/".join("abcdefghijklmnop"))
    followed = list[object]()
    place = Roots._place
    monkeypatch.setattr(Roots, "_place", lambda self, path: followed.append(path) or place(self, path))

    made = roots.make_folder("/".join("abcdefghijklmnopq"))

    assert made.is_dir()
    assert len(followed) == 3


def test_a_root_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()

    written = write_sources([Source("a.ts", "let a")], "out", Roots([tmp_path / ".cache"]))

    assert written == [tmp_path / ".cache" / "out" / "a.ts"]
