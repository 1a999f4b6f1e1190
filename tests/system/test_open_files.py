"""Files that are replaced or deleted are not open in this process meanwhile: Windows would refuse it each time."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command import run_here
from tests.sandbox_process import SandboxProcess
from tests.workflows.source_maps.builds import BUILT

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


def open_files() -> set[str]:
    """The paths of the files that this process has open."""
    found = set[str]()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # the descriptor of the list itself
            continue
    return found


def whole(name: str | os.PathLike[str], folder: int | None) -> str:
    return os.path.join(os.readlink(f"/proc/self/fd/{folder}") if folder is not None else os.getcwd(), name)


class Watched:
    """A call of the system that moves or deletes files, which notes those of them that are open."""

    def __init__(self, act: Callable[..., Any], open_ones: list[str]) -> None:
        self._act = act
        self._open = open_ones
        self.calls = 0

    def __call__(self, *paths: str, **where: int) -> Any:
        self.calls += 1
        folders = (
            [where.get(name) for name in ("src_dir_fd", "dst_dir_fd")] if len(paths) > 1 else [where.get("dir_fd")]
        )
        touched = {whole(path, folder) for path, folder in zip(paths, folders, strict=True)}
        self._open += sorted(touched & open_files())
        return self._act(*paths, **where)


def test_an_upload_that_writes_and_deletes_holds_none_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(BUILT / "vite", tmp_path / "dist")
    open_ones = list[str]()
    replace, unlink = Watched(os.replace, open_ones), Watched(os.unlink, open_ones)
    with SandboxProcess() as sandbox:
        monkeypatch.setattr(os, "replace", replace)
        monkeypatch.setattr(os, "unlink", unlink)
        code, out, _ = run_here(
            *("source-maps", "upload", "dist", "--release", "1.0.0", "--delete-after"),
            folder=tmp_path,
            POSTHOG_HOST=sandbox.url,
            POSTHOG_PERSONAL_API_KEY=sandbox.key,
            POSTHOG_PROJECT_ID="1",
        )
        monkeypatch.undo()

    assert code == 0, out
    assert (replace.calls >= 4, unlink.calls >= 2) == (True, True)
    assert list(tmp_path.rglob("*.map")) == []
    assert open_ones == []


def test_an_open_file_is_found(tmp_path: Path) -> None:
    open_ones = list[str]()
    file = tmp_path / "app.js"
    with file.open("w"):
        Watched(os.unlink, open_ones)(str(file))

    assert open_ones == [str(file)]
