"""A checkout made of every trick that a file system has, as data: what to make, and what may come of it.

Each trick is made in `inside`, the only root; what none may reach lies in `outside`, beside it.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SECRET = b"secret-of-outside()\n//# chunkId=00000000-0000-4000-8000-00000000dead\n"
"""The content of the files outside: a bundle, so that it would be taken for one."""
HUGE, DEEP = 500, 300
_MAP = b'{"version":3,"sources":["a.ts"],"sourcesContent":["a"],"names":[],"mappings":"AAAA"}'


@dataclass(frozen=True, slots=True)
class Trick:
    """One entry below the root. `code`: of the error that reading `path` is answered with; None: it can be read."""

    name: str
    path: str
    make: Callable[[Path, Path], None]
    """Makes it: is given the path, and the folder outside."""
    code: str | None


def _link(text: str) -> Callable[[Path, Path], None]:
    """A symlink; `{out}` is the folder outside, `{in}` the root."""

    def make(path: Path, outside: Path) -> None:
        path.symlink_to(text.replace("{out}", str(outside)).replace("{in}", str(outside.with_name("inside"))))

    return make


def _file(content: bytes = b"mine") -> Callable[[Path, Path], None]:
    def make(path: Path, _: Path) -> None:
        path.write_bytes(content)

    return make


def _bound(path: Path, _: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _device(path: Path, _: Path) -> None:
    with suppress(PermissionError):  # only root makes devices
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero never ends


def _sparse(path: Path, _: Path) -> None:
    path.touch()
    os.truncate(path, 5 << 30)


def _bare(name: bytes) -> str:
    return os.fsdecode(name)


TRICKS = (
    Trick("link to a file outside", "out.js", _link("{out}/secret.js"), "outside_roots"),
    Trick("relative link to a file outside", "up.js", _link("../outside/secret.js"), "outside_roots"),
    Trick("link to a folder outside", "folder/secret.js", _link("{out}"), "outside_roots"),
    Trick("link to a link outside that leads in", "there/back/a.js", _link("{out}/back"), None),
    Trick("link out by way of a folder inside", "way.js", _link("plain/../../outside/secret.js"), "outside_roots"),
    Trick("link out by way of a missing folder", "gone.js", _link("missing/../../outside/secret.js"), "outside_roots"),
    Trick("link to nothing outside", "dangling.js", _link("{out}/nothing"), "outside_roots"),
    Trick("link to the root of the disk", "disk/etc/passwd", _link("/"), "outside_roots"),
    Trick("link to the folder above", "above/outside/secret.js", _link(".."), "outside_roots"),
    Trick("link to a descriptor", "fd", _link("/proc/self/fd/0"), "outside_roots"),
    Trick("link to the working folder", "cwd/pyproject.toml", _link("/proc/self/cwd"), "outside_roots"),
    Trick("link to the environment", "environ", _link("/proc/self/environ"), "outside_roots"),
    Trick("link to the root by way of /proc", "proc/etc/passwd", _link("/proc/self/root"), "outside_roots"),
    Trick("link that leads to itself", "loop", _link("loop"), "unreadable"),
    Trick("link that leads to itself, and grows", "grows", _link("grows/a/b/c/d/e/f"), "unreadable"),
    Trick("link that leads to itself by the folder above", "again", _link("plain/../again"), "unreadable"),
    Trick("link to a file inside", "in.js", _link("plain/a.js"), None),
    Trick("absolute link to a file inside", "in2.js", _link("{in}/plain/a.js"), None),
    Trick("link in and out and in again", "in3.js", _link("../outside/../inside/plain/a.js"), None),
    Trick("link to a folder inside", "twin/a.js", _link("plain"), None),
    Trick("hard link to a file outside", "hard.js", lambda path, out: os.link(out / "secret.js", path), None),
    Trick("pipe", "pipe.js", lambda path, _: os.mkfifo(path), "unreadable"),
    Trick("socket", "socket.js", _bound, "unreadable"),
    Trick("device", "zero.js", _device, "unreadable"),
    Trick("folder named as a bundle", "dir.js", lambda path, _: path.mkdir(), "unreadable"),
    Trick("line break in a name", "a\nb.js", _file(), None),
    Trick("control characters in a name", "\x1b[2J\r\x07.js", _file(), None),
    Trick("bidi override in a name", "a\u202esj.b.js", _file(), None),
    Trick("name that is not UTF-8", _bare(b"\xff\xfe.js"), _file(b"f()\n"), None),
    Trick("its map", _bare(b"\xff\xfe.js.map"), _file(_MAP), None),
    Trick("name that is half a surrogate", _bare(b"\xed\xa0\x80.js"), _file(), None),
    Trick("twin by case, upper", "Twin.js", _file(b"upper"), None),
    Trick("twin by case, lower", "twin.js", _file(b"lower"), None),
    Trick("twin by Unicode, composed", "\u00e9.js", _file(b"composed"), None),
    Trick("twin by Unicode, decomposed", "e\u0301.js", _file(b"decomposed"), None),
    Trick("name of options", "--help.js", _file(), None),
    Trick("name with a backslash", "..\\..\\outside\\secret.js", _file(), None),
    Trick("sparse file of 5 GiB", "sparse.js", _sparse, "too_large"),
    Trick("folder without permission", "closed/a.js", lambda path, _: path.mkdir(0), "vanished"),
    Trick("file without permission", "closed.js", lambda path, _: path.touch(0), None),
)


def build(folder: Path) -> tuple[Path, Path]:
    """Makes the tree, and returns the root and the folder outside."""
    inside, outside = folder / "inside", folder / "outside"
    (inside / "plain").mkdir(parents=True)
    (inside / "plain" / "a.js").write_bytes(b"a")
    outside.mkdir()
    (outside / "secret.js").write_bytes(SECRET)
    (outside / "back").mkdir()
    (outside / "back" / "back").symlink_to(inside / "plain")
    for trick in TRICKS:
        trick.make(inside / trick.path.split("/")[0], outside)
    return inside, outside


def build_huge(folder: Path) -> None:
    """Makes a folder of many files and one of many folders within folders."""
    (folder / "huge").mkdir()
    for number in range(HUGE):
        (folder / "huge" / f"{number}.js").touch()
    at = os.open(folder, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("deep", dir_fd=at)
        inner = os.open("deep", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)


def state(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return the content of a folder, with modes and inodes, to see that none of it changed."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mode,
            path.lstat().st_ino,
            path.read_bytes() if path.is_file() and not path.is_symlink() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }
