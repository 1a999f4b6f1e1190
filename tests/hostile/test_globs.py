"""Patterns as in `.gitignore` that take others hours, and the judge of what the rest mean: pathspec."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles import globs
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.bundles.globs import Globs
from tests.fuzz.effort import effort

SLOW = [
    "*?" * 11 + "Z",
    "*?" * 500 + "Z",
    "?*" * 500 + "Z",
    "*a" * 1000 + "Z",
    "*[ab]" * 500 + "Z",
    "**a" * 500 + "Z",
    "*" * 5000 + "Z",
    "a*" * 1000 + "[!a]",
    "*/" * 500 + "Z",
    "**/" * 1000 + "Z",
    "a/**/" * 500 + "Z",
    "**/a/" * 500 + "Z",
    "**/*a*a*a/" * 100 + "Z",
    "*a*/**/" * 200 + "*Z",
]
PATHS = ["a" * 255, "/".join("a" * 1700), "/".join(["a" * 255] * 13), "b" + "a" * 200 + "/" + "a/" * 900]


@pytest.mark.parametrize("pattern", SLOW, ids=lambda pattern: f"{pattern[:8]}... of {len(pattern)}")
def test_no_pattern_takes_more_than_linear_time(pattern: str) -> None:
    for path in PATHS:
        assert not Globs([pattern]).match(path)
        assert not Globs([f"!{pattern}", pattern, f"/{pattern}/"]).match(path)


def test_a_slow_pattern_leaves_a_folder_readable(tmp_path: Path) -> None:
    for length in (34, 40, 47):
        (tmp_path / f"{'a' * length}.js").write_text("a")
    (tmp_path / "b.js").write_text("a")

    build = find(Roots([tmp_path]), tmp_path, exclude=["*?" * 20 + "Z", "b.js"], include=["*a" * 20 + "*"])

    assert list(build.mapless) == [f"{'a' * length}.js" for length in (34, 40, 47)]


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        (["a"] * 1001, "Too many patterns: the limit is 1,000, with 20,000"),
        (["a" * 20_001], "Too many patterns: the limit is 1,000, with 20,000"),
        (["*"] * 100_000, "Too many patterns: the limit is 1,000, with 20,000"),
        (["x" * 1_000_000], "Too many patterns: the limit is 1,000, with 20,000"),
        (["[z-a]"], r"Invalid glob pattern: '\[z-a\]'"),
        (["a\\"], "Invalid glob pattern"),
        (["!"], "Invalid glob pattern"),
        (["[z-a]" + "b" * 500], r"b{90}\.\.\.'"),
    ],
)
def test_patterns_that_are_not_taken_are_explained(patterns: list[str], said: str, tmp_path: Path) -> None:
    for given_as in ({"include": patterns}, {"exclude": patterns}):
        with pytest.raises(WorkflowError, match=said) as caught:
            find(Roots([tmp_path]), tmp_path, **given_as)
        assert caught.value.code == "bad_pattern"
        assert caught.value.next_step


def test_files_times_patterns_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globs, "MOST_WORK", 1000)
    for number in range(20):
        (tmp_path / f"{number}.js").write_text("a")

    assert find(Roots([tmp_path]), tmp_path, exclude=["a"] * 10).mapless
    with pytest.raises(WorkflowError, match="too many files to compare each with 107 patterns"):
        find(Roots([tmp_path]), tmp_path, exclude=["a"] * 100)


names = st.text("abX.-", min_size=1, max_size=5).filter(lambda name: name.strip(".") != "")
letters = st.sampled_from(["a", "b", "X", ".", "-", "*", "*", "?", "[ab]", "[a-b]", "[X.]", "\\a", "\\*", "[]a]"])
parts = st.one_of(
    st.sampled_from(["**", "*", "a", "b"]), st.lists(letters, min_size=1, max_size=6).map("".join), st.just("")
)
patterns = st.builds(
    lambda sign, root, names, end: sign + root + "/".join(names) + end,
    st.sampled_from(["", "", "!", "\\!", "#"]),
    st.sampled_from(["", "", "/"]),
    st.lists(parts, min_size=1, max_size=4),
    st.sampled_from(["", "", "/", " "]),
)
paths = st.builds(
    lambda names, end: "/".join(names) + end, st.lists(names, min_size=1, max_size=5), st.sampled_from(["", "/"])
)


@effort(400)
@given(st.lists(patterns, min_size=1, max_size=4), st.lists(paths, min_size=1, max_size=6))
def test_patterns_mean_what_they_mean_to_pathspec(lines: list[str], candidates: list[str]) -> None:
    try:
        judge = GitIgnoreSpec.from_lines(lines, backend="simple")
    except ValueError:
        with pytest.raises(WorkflowError):
            Globs(lines)
        return
    ours = Globs(lines)

    for path in candidates:
        assert ours.match(path) == judge.match_file(path), (lines, path)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("a[!b]c", "a/c", False),  # as git, unlike pathspec: a bracket is never a slash
        ("dist/*.js", "dist/a\nb.js", True),
        ("**/b.js", "a\n/b.js", True),
        ("b.js", "b.js\n", False),
        ("[[&|~]", "&", True),
        ("[^a]", "b", True),
        ("[a", "[a", False),
    ],
)
def test_corners(pattern: str, path: str, matches: bool) -> None:
    assert Globs([pattern]).match(path) is matches
