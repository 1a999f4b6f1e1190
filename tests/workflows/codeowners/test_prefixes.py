"""Prefixes of sources, learnt from the files of a repository."""

from pathlib import Path

from mcp_errortracking.cli.repository_files import repository_files, repository_root
from mcp_errortracking.workflows.codeowners.prefixes import learn

FILES = {"src/a.ts", "src/b.ts", "backend/app/x.py", "README.md", "lib/x.py"}


def test_the_longest_end_that_is_a_file_leaves_the_prefix() -> None:
    sources = ["webpack:///./src/a.ts?4f2a", "webpack:///./src/b.ts", "/srv/src/a.ts", "src/a.ts", "src/a.ts"]
    learnt = learn([*sources, "dist/main.js", "<anonymous>"], FILES)

    assert learnt.prefixes == {"webpack:///./": 2, "/srv/": 1, "": 1}
    assert learnt.examples["webpack:///./"] == "webpack:///./src/a.ts?4f2a"
    assert learnt.unmatched == ["dist/main.js", "<anonymous>"]
    assert learnt.stripped == {}


def test_a_folder_that_sources_leave_out_is_learnt_if_one_file_alone_fits() -> None:
    learnt = learn(["app/x.py", "x.py"], FILES)
    assert (learnt.stripped, learnt.prefixes) == ({"backend": 1}, {"": 1})
    assert learnt.unmatched == ["x.py"]
    assert learn(["app/x.py"], {*FILES, "other/app/x.py"}).unmatched == ["app/x.py"]


def test_files_are_those_of_the_repository_without_packages(tmp_path: Path) -> None:
    for name in (".github/CODEOWNERS", "src/a.ts", "node_modules/p/i.js", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")

    assert repository_root(tmp_path / ".github" / "CODEOWNERS") == tmp_path.resolve()
    assert repository_root(tmp_path / "CODEOWNERS") == tmp_path.resolve()
    assert repository_files(tmp_path) == {".github/CODEOWNERS", "src/a.ts"}
