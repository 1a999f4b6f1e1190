"""Only the modules that hold descriptors reach files by path: everything else goes through `Roots`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcp_errortracking.workflows

_FOLDER = Path(mcp_errortracking.workflows.__file__).parent
_ALLOWED = {
    "files/open_folder.py": "holds the descriptors",
    "files/places.py": "follows symlinks outside the roots, whose content is trusted",
    "files/roots.py": "follows the roots themselves",
}
_OF_OS = {
    *("access", "chdir", "chmod", "chown", "fwalk", "lchown", "link", "listdir", "lstat", "makedirs", "mkdir"),
    *("mkfifo", "open", "readlink", "remove", "removedirs", "rename", "renames", "replace", "rmdir", "scandir", "stat"),
    *("symlink", "truncate", "unlink", "utime", "walk"),
}
_OF_OS_PATH = {"exists", "getmtime", "getsize", "isdir", "isfile", "islink", "lexists", "realpath", "samefile"}
_OF_PATHS = {
    *("chmod", "exists", "glob", "hardlink_to", "is_dir", "is_symlink", "iterdir", "lstat", "mkdir", "read_bytes"),
    *("read_text", "readlink", "rglob", "rmdir", "samefile", "symlink_to", "touch", "unlink", "write_bytes"),
    *("write_text", "is_fifo"),
}
_OF_PATHS_AND_OURS = {"is_file", "open", "resolve", "stat", "walk"}
_OURS = {"roots", "_roots", "_guard", "self", "part", "search"}
"""The names of what is no path, but has methods of these names."""


def access_by_path(tree: ast.AST) -> Iterator[str]:
    """The calls of a module that look a path up on the disk."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            yield from {"shutil", "glob", "fileinput", "mmap", "linecache"} & set(modules)
            if modules == ["os"] and isinstance(node, ast.ImportFrom):
                yield "from os import"
        if isinstance(node, ast.Name) and node.id == "open":
            yield "open"
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            is_of_path = node.attr in _OF_PATHS or (node.attr in _OF_PATHS_AND_OURS and name not in {*_OURS, "os"})
            if is_of_path or (name == "os" and node.attr in _OF_OS) or (name == "path" and node.attr in _OF_OS_PATH):
                yield f"{name}.{node.attr}"


@pytest.mark.parametrize("module", sorted(_FOLDER.rglob("*.py")), ids=lambda path: path.relative_to(_FOLDER).as_posix())
def test_files_are_reached_through_the_roots(module: Path) -> None:
    found = list(access_by_path(ast.parse(module.read_text("utf-8"))))

    assert bool(found) == (module.relative_to(_FOLDER).as_posix() in _ALLOWED), found
