"""The files that may be touched, and their replacement: as a whole or not at all."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_errortracking.workflows.files.errors import as_workflow_error
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "a.js").write_text("a")
    (tmp_path / "secret").write_text("s")
    return folder


def test_paths_below_a_root_are_resolved(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = Roots([root, root.parent / "root"])

    assert roots.resolve("a.js") == root / "a.js"
    assert roots.resolve(root / "new" / "b.js") == root / "new" / "b.js"
    assert roots.resolve("x/../a.js") == root / "a.js"
    assert roots.folder(".") == root
    assert roots.read("a.js", 1) == b"a"
    monkeypatch.chdir(root)
    assert Roots().folders == (root,)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "x/../../secret", "../root2", ".."])
def test_a_path_outside_is_refused(root: Path, path: str) -> None:
    with pytest.raises(WorkflowError, match="may not be used") as caught:
        Roots([root]).resolve(path)

    assert caught.value.code == "outside_roots"
    assert "it lies outside" in caught.value.why
    assert "--root" in caught.value.next_step


def test_a_symlink_that_leads_out_is_refused(root: Path) -> None:
    (root / "link").symlink_to(root.parent / "secret")
    (root / "up").symlink_to(root.parent)
    (root / "inside").symlink_to(root / "a.js")
    roots = Roots([root])

    for path in ("link", "up/secret"):
        with pytest.raises(WorkflowError, match="symlink that leads out"):
            roots.read(path, 10)
    with pytest.raises(WorkflowError, match="symlink that leads out"):
        roots.write(("link", b"x"))
    assert roots.read("inside", 10) == b"a"
    assert (root.parent / "secret").read_text() == "s"


def test_a_loop_a_nul_and_nothing_are_no_paths(root: Path) -> None:
    (root / "loop").symlink_to("loop")
    roots = Roots([root])

    for path in ("", "a\0b"):
        with pytest.raises(WorkflowError, match="is not a path"):
            roots.resolve(path)
    with pytest.raises(WorkflowError):
        roots.read("loop", 10)


def test_only_folders_are_roots_and_folders(root: Path) -> None:
    for wrong in (root / "a.js", root / "nothing"):
        with pytest.raises(WorkflowError, match="is not a folder"):
            Roots([wrong])
        with pytest.raises(WorkflowError, match="is not a folder"):
            Roots([root]).folder(wrong)


def test_a_folder_is_made_below_a_root_only(root: Path) -> None:
    roots = Roots([root])

    assert roots.make_folder("x/y") == roots.make_folder("x/y") == root / "x" / "y"
    assert (root / "x" / "y").is_dir()
    for path, code in (("a.js", "in_the_way"), ("a.js/b", "vanished"), ("../x", "outside_roots")):
        with pytest.raises(WorkflowError) as caught:
            roots.make_folder(path)
        assert caught.value.code == code
    assert not (root.parent / "x").exists()


def test_reading_is_limited_to_regular_files_of_a_size(root: Path) -> None:
    os.mkfifo(root / "pipe")
    roots = Roots([root])

    with pytest.raises(WorkflowError, match="not a regular file"):
        roots.read("pipe", 10)
    with pytest.raises(WorkflowError) as caught:
        roots.read("a.js", 0)
    assert caught.value.code == "too_large"
    with pytest.raises(WorkflowError) as caught:
        roots.read("gone.js", 10)
    assert caught.value.code == "vanished"


def test_writing_keeps_the_mode_and_leaves_nothing_else(root: Path) -> None:
    (root / "a.js").chmod(0o751)
    Roots([root]).write(("a.js", b"new"), ("b.js", b"b"))

    assert (root / "a.js").read_bytes() == b"new"
    assert (root / "a.js").stat().st_mode & 0o777 == 0o751
    assert sorted(os.listdir(root)) == ["a.js", "b.js"]


def test_the_longest_name_that_a_file_can_have_can_be_written(root: Path) -> None:
    names = ["x" * 255, "\u65e5" * 85, "\U0001f5fa" * 63]
    Roots([root]).write(*((name, b"x") for name in names))

    assert {path.name for path in root.iterdir()} == {"a.js", *names}


def test_a_read_only_file_stays_and_so_do_the_others(root: Path) -> None:
    (root / "b.js").write_text("b")
    (root / "b.js").chmod(0o444)

    with pytest.raises(WorkflowError, match=r"b\.js could not be written\. It is read-only") as caught:
        Roots([root]).write(("a.js", b"new"), ("b.js", b"new"))

    assert caught.value.code == "read_only"
    assert {path.name: path.read_text() for path in root.iterdir()} == {"a.js": "a", "b.js": "b"}


def test_a_folder_that_vanished_is_said(root: Path) -> None:
    with pytest.raises(WorkflowError, match="no longer exists") as caught:
        Roots([root]).write(("gone/a.js", b"x"))

    assert caught.value.code == "vanished"


def test_a_file_too_large_for_the_disk_leaves_the_old_one(root: Path) -> None:
    script = (
        "import sys; from mcp_errortracking.workflows.files.roots import Roots\n"
        "try: Roots([sys.argv[1]]).write(('b.js', b'b'), ('a.js', b'x' * 100_000))\n"
        "except Exception as error: print(error.code, error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, root],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )

    assert ran.stdout.startswith("disk_full a.js could not be written. The disk")
    assert {path.name: path.read_text() for path in root.iterdir()} == {"a.js": "a"}


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk_full"), (errno.EROFS, "read_only"), (errno.ENOTDIR, "vanished"), (errno.EIO, "unreadable")],
)
def test_what_the_system_says_is_explained(number: int, code: str) -> None:
    error = as_workflow_error(OSError(number, os.strerror(number)), "dist/a.js", "written")

    assert error.code == code
    assert error.what == "dist/a.js could not be written."
    assert error.why
    assert error.next_step


def test_a_name_that_no_file_can_have_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match=r"^'\[{200}\.\.\.' is not a path\.") as caught:
        Roots([tmp_path]).folder("[" * 3000)
    assert caught.value.code == "no_path"
    with pytest.raises(WorkflowError, match="is not a path"):
        Roots([tmp_path]).folder("a/" * 3000)


def test_only_what_lies_below_the_roots_is_deleted(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "a.map").write_text("a")
    (inside / "b.map").write_text("b")
    roots = Roots([inside])

    with pytest.raises(WorkflowError, match="may not be used"):
        roots.delete("../a.map")
    roots.delete("b.map")
    with pytest.raises(WorkflowError, match=r"b\.map could not be deleted\. It, or its folder") as caught:
        roots.delete("b.map")

    assert caught.value.code == "vanished"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.map", "inside"]
