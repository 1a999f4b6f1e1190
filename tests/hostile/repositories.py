"""Git repositories for tests: made by the real git, or byte by byte."""

import hashlib
import os
import subprocess
import zlib
from pathlib import Path

from tests.required import program

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example", "-c", "commit.gpgsign=false")
DEFAULTS = ("-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false")


def git(folder: Path, *arguments: str, at: int | None = None) -> str:
    """Return the output of git. `at`: the time of a commit, in seconds."""
    dates = {} if at is None else {"GIT_AUTHOR_DATE": f"{at} +0200", "GIT_COMMITTER_DATE": f"{at} +0200"}
    ran = subprocess.run(
        [program("git"), *IDENTITY, *DEFAULTS, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **dates},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def commit(folder: Path, text: str, at: int, name: str = "cart.ts", message: str = "Change") -> str:
    """Commits a file with this text; the commit's id."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message, at=at)
    return git(folder, "rev-parse", "HEAD")


def init(folder: Path, *options: str) -> Path:
    """A new repository."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", *options)
    return folder


def loose(git_dir: Path, kind: str, content: bytes) -> str:
    """Writes a loose object; its name."""
    stored = b"%s %d\0" % (kind.encode(), len(content)) + content
    name = hashlib.sha1(stored).hexdigest()
    path = git_dir / "objects" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zlib.compress(stored))
    return name


def tree(git_dir: Path, *entries: tuple[str, str, str]) -> str:
    """Writes a tree of entries (mode, name, object), sorted already; its name."""
    return loose(
        git_dir, "tree", b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(of) for mode, name, of in entries)
    )


def commit_of(git_dir: Path, tree: str, *parents: str, at: int = 1_700_000_000, more: str = "") -> str:
    """Writes a commit of a tree; its name."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    person = f"Eve <eve@shop.example> {at} +0000"
    text = "\n".join([*lines, f"author {person}", f"committer {person}", *([more] if more else [])]) + "\n\nSell\n"
    return loose(git_dir, "commit", text.encode())


def bare_bones(folder: Path) -> Path:
    """A repository of hand: its git folder, with HEAD on a branch that is not there yet."""
    git_dir = folder / ".git"
    (git_dir / "objects" / "pack").mkdir(parents=True)
    (git_dir / "refs" / "heads").mkdir(parents=True)
    (git_dir / "HEAD").write_text("ref: refs/heads/main\n")
    return git_dir


def number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def entry(kind: int, content: bytes, base: bytes = b"", *, size: int | None = None) -> bytes:
    """An object as a pack holds it; `size`: what it says of its size."""
    said = len(content) if size is None else size
    first = kind << 4 | said & 15
    head = bytes([first | 128]) + number(said >> 4) if said > 15 else bytes([first])
    return head + base + zlib.compress(content)


def pack(
    git_dir: Path, *entries: tuple[str, bytes], offsets: dict[str, int] | None = None, name: str = "pack-1"
) -> None:
    """Writes a pack of entries by their names, and its index; `offsets`: other ones than the true, for the index."""
    data, places = bytearray(b"PACK\0\0\0\2" + len(entries).to_bytes(4)), dict[str, int]()
    for of, stored in entries:
        places[of] = len(data)
        data += stored
    data += hashlib.sha1(data).digest()
    places |= offsets or {}
    names = sorted(places)
    counts = [sum(int(of[:2], 16) <= first for of in names) for first in range(256)]
    index = b"\xfftOc\0\0\0\2" + b"".join(count.to_bytes(4) for count in counts)
    index += b"".join(map(bytes.fromhex, names)) + bytes(4 * len(names))
    index += b"".join(places[of].to_bytes(4) for of in names) + data[-20:]
    index += hashlib.sha1(index).digest()
    (git_dir / "objects" / "pack" / f"{name}.pack").write_bytes(data)
    (git_dir / "objects" / "pack" / f"{name}.idx").write_bytes(index)
