"""The desktop bundle holds its manifest, the package, and what builds it; .ci/bundle compares the packed one."""

import subprocess
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[1]
NEEDED = ("LICENSE", "README.md", "manifest.json", "pyproject.toml")
"""Beside the package."""


def files() -> list[str]:
    """Return the committed files that are packed."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = (ROOT / ".mcpbignore").read_text("utf-8").splitlines()
    ignored = GitIgnoreSpec.from_lines(["*.map", *lines])  # as the packer
    return [name for name in listed.splitlines() if not ignored.match_file(name)]


def test_the_bundle_has_the_package_and_what_builds_it() -> None:
    packed = files()

    assert [name for name in packed if not name.startswith("mcp_errortracking/")] == list(NEEDED)
    package = ROOT / "mcp_errortracking"
    kept = {name.removeprefix("mcp_errortracking/") for name in packed if name.startswith("mcp_errortracking/")}
    assert {
        "__main__.py",
        "py.typed",
        "server/tool_list.json",
        "server/apps/frame.html",
        "server/apps/issues.js",
        "demo/bundle/checkout.min.js.map",
    } <= kept
    code = {file.relative_to(package).as_posix() for file in package.rglob("*.py")}
    assert code - kept == set()


def test_every_line_of_the_list_of_what_is_left_out_leaves_something_out() -> None:
    lines = (ROOT / ".mcpbignore").read_text("utf-8").splitlines()
    generated = {"dist/", "__pycache__/"}
    named = [line for line in lines if line and line[0] not in "#!*" and line not in {*generated, ".*/"}]

    assert [line for line in named if not (ROOT / line).exists()] == []
