"""The folder that tools may use if none is named, and the user's home, on each system."""

import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from mcp_errortracking.config import ToolSelection, roots_for
from mcp_errortracking.config.default_root import is_own_folder, is_system_folder
from mcp_errortracking.config.user_folders import cache_folder, home_folder
from mcp_errortracking.workflows.files import open_folder, places
from mcp_errortracking.workflows.files.places import is_on_other_drive
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError

_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="HOME names no home there")
WINDOWS = {
    "SYSTEMROOT": r"C:\WINDOWS",
    "PROGRAMFILES": r"C:\Program Files",
    "PROGRAMFILES(X86)": r"C:\Program Files (x86)",
    "LOCALAPPDATA": r"C:\Users\ada\AppData\Local",
}


@pytest.mark.parametrize(
    ("folder", "is_refused"),
    [
        ("C:\\", True),
        (r"C:\Windows\System32", True),
        (r"c:\windows", True),
        (r"C:\Program Files (x86)\Client", True),
        (r"C:\Users\ada\AppData\Local\AnthropicClaude\app-1.2", True),
        (r"C:\Users\ada\shop", False),
        (r"D:\shop", False),
        (r"\\server\share\shop", False),
    ],
)
def test_folders_of_windows(folder: str, is_refused: bool) -> None:
    assert is_system_folder(PureWindowsPath(folder), WINDOWS, "win32") is is_refused


@pytest.mark.parametrize(
    ("folder", "platform", "is_refused"),
    [
        ("/", "linux", True),
        ("/usr/lib/client", "linux", True),
        ("/etc", "linux", True),
        ("/usr/src/app", "linux", False),
        ("/srv/shop", "linux", False),
        ("/Applications/Client.app", "darwin", True),
        ("/Applications", "linux", False),
        ("/Users/ada/shop", "darwin", False),
    ],
)
def test_folders_of_the_system(folder: str, platform: str, is_refused: bool) -> None:
    assert is_system_folder(PurePosixPath(folder), WINDOWS, platform) is is_refused


@_POSIX
def test_a_folder_of_a_project_is_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.chdir(tmp_path)

    assert roots_for(ToolSelection(), over_network=False) == (tmp_path,)
    assert roots_for(ToolSelection(), over_network=True) == ()


@_POSIX
def test_neither_the_home_nor_a_folder_above_it_is_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path, tmp_path / "ada", tmp_path / "ada" / "shop"):
        folder.mkdir(exist_ok=True)
    (tmp_path / "link").symlink_to(tmp_path / "ada")
    found = dict[str, tuple[Path, ...]]()
    for home in ("ada", "link"):
        monkeypatch.setenv("HOME", str(tmp_path / home))
        for folder in (tmp_path, tmp_path / "ada", tmp_path / "ada" / "shop"):
            monkeypatch.chdir(folder)
            found[f"{home} {folder.name}"] = roots_for(ToolSelection(), over_network=False)

    shop = (tmp_path / "ada" / "shop",)
    assert {name: roots for name, roots in found.items() if roots} == {"ada shop": shop, "link shop": shop}


@_POSIX
def test_a_user_without_a_home_gets_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.chdir(tmp_path)

    assert roots_for(ToolSelection(), over_network=False) == (tmp_path,)


def test_the_folder_of_a_bundle_is_not_the_root_but_a_checkout_is(tmp_path: Path) -> None:
    inner = tmp_path / "mcp_errortracking"
    inner.mkdir()
    unpacked = [is_own_folder(folder, tmp_path) for folder in (tmp_path, inner, tmp_path.parent)]
    (tmp_path / ".git").touch()

    assert unpacked == [True, True, False]
    assert not is_own_folder(tmp_path, tmp_path)


def test_the_home_on_windows_is_that_of_the_profile() -> None:
    ada = r"C:\Users\ada"
    named = {"USERPROFILE": ada, "HOME": "/c/msys/ada"}

    assert home_folder(named, "win32") == Path(ada)
    assert home_folder({"HOMEDRIVE": "C:", "HOMEPATH": r"\Users\ada", "HOME": "/x"}, "win32") == Path(ada)
    assert home_folder({"HOME": "/x"}, "win32") is None
    assert home_folder(named, "linux") == Path("/c/msys/ada")


def test_the_cache_on_windows_lies_in_the_profile(tmp_path: Path) -> None:
    (tmp_path / "AppData/Local").mkdir(parents=True)

    assert cache_folder({"USERPROFILE": str(tmp_path)}, "win32") == tmp_path / "AppData/Local/mcp_errortracking"
    assert cache_folder({"LOCALAPPDATA": "/l", "USERPROFILE": str(tmp_path)}, "win32") == Path("/l/mcp_errortracking")


@pytest.mark.parametrize(
    ("name", "is_other"),
    [
        (r"\\evil.example\share\a.ts", True),
        ("//evil.example/share/a.ts", True),
        (r"\\?\C:\shop\a.ts", True),
        (r"\\.\PhysicalDrive0", True),
        (r"D:\a.ts", True),
        ("D:a.ts", True),
        (r"c:\shop\a.ts", False),
        (r"..\a.ts", False),
        ("/src/a.ts", False),
    ],
)
def test_a_share_of_another_machine_is_not_looked_up(name: str, is_other: bool) -> None:
    root = PureWindowsPath(r"C:\shop")

    assert is_on_other_drive([root], root / name) is is_other


@_POSIX
@pytest.mark.parametrize(
    "name", ["/evil.example/share/a.ts", "link", "folder/a.ts", "far/a.ts", "extended/a.ts", "nothing/../link"]
)
def test_a_share_is_refused_also_through_symlinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    share = "/evil.example/share"
    (tmp_path / "link").symlink_to(f"{share}/a.ts")
    (tmp_path / "folder").symlink_to(share)
    (tmp_path / "far").symlink_to(tmp_path / "folder")
    (tmp_path / "extended").symlink_to("\\\\?\\" + share)
    roots = Roots([tmp_path])
    looked_up = list[Path]()
    monkeypatch.setattr(open_folder, "BY_DESCRIPTOR", False)
    monkeypatch.setattr(places, "is_on_other_drive", lambda _, path: str(path).startswith("/evil.example"))
    monkeypatch.setattr(Path, "resolve", looked_up.append)

    with pytest.raises(WorkflowError, match="may not be used"):
        roots.file(name)

    assert looked_up == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\\?\C:\shop\a.ts", r"C:\shop\a.ts"),
        (r"\\?\UNC\evil.example\share\a.ts", r"\\evil.example\share\a.ts"),
        (r"UNC\a.ts", r"UNC\a.ts"),
        (r"..\a.ts", r"..\a.ts"),
    ],
)
def test_the_prefix_of_an_extended_path_hides_no_share(text: str, expected: str) -> None:
    assert places.plain_target(text) == expected


@_POSIX
def test_symlinks_on_the_same_drive_are_followed_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/a.ts").touch()
    (tmp_path / "link").symlink_to("inner")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "out").symlink_to("/etc")
    roots = Roots([tmp_path])
    monkeypatch.setattr(open_folder, "BY_DESCRIPTOR", False)

    assert roots.file("link/a.ts") == tmp_path / "inner/a.ts"
    for name in ("loop", "out/passwd"):
        with pytest.raises(WorkflowError):
            roots.file(name)
