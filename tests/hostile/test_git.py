"""Hostile git repositories: nothing of them runs, nothing outside the roots is read, no work is without bound."""

import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository import packs
from mcp_errortracking.workflows.repository.blame import blame
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.last_commit import Commit, last_commit
from mcp_errortracking.workflows.repository.line_diff import kept_lines
from mcp_errortracking.workflows.repository.objects import Objects
from mcp_errortracking.workflows.repository.remote import public_address
from mcp_errortracking.workflows.source_maps.jobs.build import _git as facts_of  # pyright: ignore[reportPrivateUsage]
from tests.fuzz.effort import effort
from tests.hostile.repositories import bare_bones, commit, commit_of, entry, git, init, loose, number, pack, tree

BEGIN = 1_700_000_000
TEXT = "one\ntwo\nthree\n"
URL = "https://git.example/outside.git"

PROGRAMS = (
    *("core.fsmonitor", "core.hooksPath", "core.pager", "core.editor", "core.sshCommand", "core.askPass"),
    *("core.gitProxy", "core.alternateRefsCommand", "core.attributesFile", "core.excludesFile", "core.worktree"),
    *("diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge"),
    *("filter.evil.process", "merge.evil.driver", "gpg.program", "gpg.ssh.program", "gpg.x509.program"),
    *("gpg.ssh.defaultKeyCommand", "credential.helper", "remote.origin.uploadpack", "remote.origin.receivepack"),
    *("remote.origin.vcs", "remote.origin.proxy", "uploadpack.packObjectsHook", "sequence.editor", "pager.blame"),
    *("interactive.diffFilter", "alias.blame", "alias.rev-parse", "alias.config", "trailer.evil.command"),
    *("trailer.evil.cmd", "difftool.evil.cmd", "mergetool.evil.cmd", "browser.evil.cmd", "man.evil.cmd"),
    *("sendemail.smtpServer", "instaweb.httpd", "web.browser", "init.templateDir", "submodule.lib.update"),
    *("blame.ignoreRevsFile", "commit.template", "mailmap.file", "ssh.variant", "log.showSignature"),
)
"""Settings of a repository that name a program, or a file that git would read."""
HOOKS = (
    *("pre-commit", "post-checkout", "post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-auto-gc"),
    *("post-merge", "post-rewrite", "pre-push", "proc-receive", "sendemail-validate", "post-commit"),
)


def facts(folder: Path, *roots: Path) -> dict[str, str]:
    return facts_of(Roots(roots or (folder,)), folder)


def known(folder: Path, *roots: Path, line: int = 1) -> Commit | None:
    text = TEXT.splitlines()[line - 1]
    return last_commit(Roots(roots or (folder,)), folder / "cart.ts", {line: text}, Budget())


def test_nothing_that_a_repository_configures_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even git: one that is first in PATH, and one in the working folder."""
    folder, marker, script = init(tmp_path / "shop"), tmp_path / "ran", tmp_path / "evil"
    last = commit(folder, TEXT, BEGIN)
    script.write_text(f'#!/bin/sh\necho "$0" >> {marker}\ncat\n')
    script.chmod(0o755)
    for name in PROGRAMS:
        git(folder, "config", name, str(script))
    git(folder, "config", "extensions.partialClone", "origin")
    git(folder, "config", "remote.origin.promisor", "true")
    git(folder, "config", "remote.origin.url", f"ext::{script} %S /shop")
    for name in HOOKS:
        (folder / ".git" / "hooks" / name).symlink_to(script)
    (folder / ".gitattributes").write_text("* diff=evil filter=evil merge=evil ident working-tree-encoding=utf-16\n")
    (tmp_path / "bin").mkdir()
    for program in (tmp_path / "bin" / "git", folder / "git", folder / "git.exe"):
        program.symlink_to(script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(folder)

    found = known(folder)

    assert found
    assert found.id == last
    assert facts(folder) == {"commit_id": last, "branch": "main"}
    assert not marker.exists()


def test_a_missing_object_is_not_fetched(tmp_path: Path) -> None:
    """A lazy fetch would run the program that the promisor remote names."""
    folder, marker = init(tmp_path / "shop"), tmp_path / "ran"
    commit(folder, "first\n", BEGIN)
    last = commit(folder, TEXT, BEGIN + 1)
    blob = git(folder, "rev-parse", "HEAD~1:cart.ts")
    (folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for name, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", str(tmp_path / "nowhere")),
        ("remote.origin.uploadpack", f"touch {marker}; false"),
    ):
        git(folder, "config", name, value)

    assert known(folder) is None
    assert facts(folder)["commit_id"] == last
    assert not marker.exists()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A repository that is not below the root, with a remote whose URL must not get out."""
    folder = init(tmp_path / "outside")
    commit(folder, TEXT, BEGIN)
    git(folder, "config", "remote.origin.url", URL)
    return folder


def _git_file(shop: Path, outside: Path) -> None:
    (shop / ".git").write_text(f"gitdir: {outside / '.git'}\n")


def _relative_git_file(shop: Path, outside: Path) -> None:
    (shop / ".git").write_text(f"gitdir: ../{outside.name}/.git\n")


def _git_link(shop: Path, outside: Path) -> None:
    (shop / ".git").symlink_to(outside / ".git")


def _common_dir(shop: Path, outside: Path) -> None:
    (shop / ".git").mkdir()
    (shop / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (shop / ".git" / "commondir").write_text(f"{outside / '.git'}\n")


def _common_link(shop: Path, outside: Path) -> None:
    _common_dir(shop, outside)
    (shop / ".git" / "commondir").write_text("common\n")
    (shop / ".git" / "common").symlink_to(outside / ".git")


def _linked_parts(shop: Path, outside: Path) -> None:
    (shop / ".git").mkdir()
    for part in (outside / ".git").iterdir():
        (shop / ".git" / part.name).symlink_to(part)


def _ref_out(shop: Path, outside: Path) -> None:
    bare_bones(shop)
    (shop / ".git" / "HEAD").write_text(f"ref: refs/heads/../../../../{outside.name}/.git/refs/heads/main\n")


def _linked_ref(shop: Path, outside: Path) -> None:
    bare_bones(shop)
    (shop / ".git" / "refs" / "heads" / "main").symlink_to(outside / ".git" / "refs" / "heads" / "main")


def _include(shop: Path, outside: Path) -> None:
    bare_bones(shop)
    config = outside / ".git" / "config"
    (shop / ".git" / "config").write_text(f'[include]\npath = {config}\n[includeIf "gitdir:/"]\npath = {config}\n')


def _linked_config(shop: Path, outside: Path) -> None:
    bare_bones(shop)
    (shop / ".git" / "config").symlink_to(outside / ".git" / "config")


WAYS_OUT = (
    *(_git_file, _relative_git_file, _git_link, _common_dir, _common_link, _linked_parts, _ref_out, _linked_ref),
    *(_include, _linked_config),
)


@pytest.mark.parametrize("lead_out", WAYS_OUT, ids=lambda way: way.__name__)
def test_nothing_outside_the_roots_is_read(
    lead_out: Callable[[Path, Path], None], outside: Path, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "cart.ts").write_text(TEXT)
    lead_out(shop, outside)

    assert facts(shop) == {}
    assert known(shop) is None


@pytest.mark.parametrize("listed", ["{}", "../../../outside/.git/objects", "{}\n# a comment\n\n/dev\n", "link"])
def test_no_alternate_outside_the_roots_is_read(listed: str, outside: Path, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    git_dir = bare_bones(shop)
    (shop / "cart.ts").write_text(TEXT)
    (git_dir / "refs" / "heads" / "main").write_text(git(outside, "rev-parse", "HEAD"))
    (git_dir / "objects" / "info").mkdir()
    (git_dir / "objects" / "link").symlink_to(outside / ".git" / "objects")
    (git_dir / "objects" / "info" / "alternates").write_text(listed.format(outside / ".git" / "objects") + "\n")

    assert known(shop) is None
    assert known(shop, tmp_path), "with both below the root they are read"


@pytest.mark.parametrize(
    "place",
    [
        *(".git", ".git/HEAD", ".git/config", ".git/commondir", ".git/packed-refs", ".git/refs/heads/main"),
        *(".git/shallow", ".git/objects/info/alternates", ".git/objects/pack/pack-1.idx", "object"),
        *(".git/objects/pack/pack-1.pack",),
    ],
)
@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "loop"])
def test_what_is_not_a_file_is_not_waited_for(place: str, kind: str, tmp_path: Path) -> None:
    shop = init(tmp_path / "shop")
    last = commit(shop, TEXT, BEGIN)
    path = shop / (f".git/objects/{last[:2]}/{last[2:]}" if place == "object" else place)
    (shop / ".git" / "objects" / "pack" / "pack-1.idx").write_bytes(b"")
    if path.is_dir():
        path.rename(shop / "was")
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path.name)

    is_needed = not place.endswith(("config", "packed-refs"))
    assert (known(shop) is None) == is_needed
    assert facts(shop).get("commit_id", last) == last


def stored(shop: Path, blob: str) -> str:
    """A commit of a blob as `cart.ts`, on the branch; its id."""
    git_dir = shop / ".git"
    head = commit_of(git_dir, tree(git_dir, ("100644", "cart.ts", blob)))
    (git_dir / "refs" / "heads" / "main").write_text(head)
    return head


def name_of(content: bytes, kind: str = "blob") -> str:
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content).hexdigest()


def test_what_is_written_by_hand_is_read(tmp_path: Path) -> None:
    """Or the broken ones below would prove nothing."""
    shop = tmp_path / "shop"
    git_dir = bare_bones(shop)
    content, base = TEXT.encode(), b"two\nthree\n"
    delta = number(len(base)) + number(len(content)) + b"\x04one\n" + bytes([0x90, len(base)])
    head = stored(shop, name_of(content))
    by_name = entry(7, delta, bytes.fromhex(name_of(base)))
    pack(git_dir, (name_of(base), entry(3, base)), (name_of(content), by_name))

    assert known(shop) == Commit(head, "Eve", "2023-11-14T22:13:20+00:00", "Sell")
    assert git(shop, "show", "HEAD:cart.ts") == TEXT.strip()


def zeros(count: int) -> bytes:
    """Return `count` zero bytes (whole MiB), compressed by zlib: one MiB is compressed, the others are copies of it."""
    deflate = zlib.compressobj(9)
    start = deflate.compress(b"")
    mib = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    end = deflate.flush()[:-4]
    adler = (count % 65521) << 16 | 1
    return start + mib * (count // 2**20) + end + adler.to_bytes(4)


ZEROS = zeros(2**30)  # 1 GiB in 1 MiB
BLOB = name_of(TEXT.encode())
OTHER = "4" * 40
RAW, OTHER_RAW = bytes.fromhex(BLOB), bytes.fromhex(OTHER)
COPIES = number(2**20) + number(2**40) + b"\xf0\xff\xff\x0f" * 10_000
BROKEN: dict[str, list[tuple[str, bytes]]] = {
    "a bomb": [(BLOB, bytes([0xB0]) + number(2**26) + ZEROS)],
    "a bomb that says it is small": [(BLOB, bytes([0x30 | 14]) + ZEROS)],
    "a bomb that says it is enormous": [(BLOB, bytes([0xBF]) + b"\xff" * 8 + b"\x01" + ZEROS)],
    "a number without an end": [(BLOB, b"\xff" * 100_000)],
    "a distance without an end": [(BLOB, bytes([0x6F]) + b"\xff" * 100_000)],
    "a delta of itself, by name": [(BLOB, entry(7, b"\x00\x00", RAW))],
    "a delta of itself, by offset": [(BLOB, entry(6, b"\x00\x00", b"\x00"))],
    "a delta of what is before the pack": [(BLOB, entry(6, b"\x00\x00", b"\x7f"))],
    "a delta of a missing object": [(BLOB, entry(7, b"\x00\x00", b"\x09" * 20))],
    "two deltas of each other": [(BLOB, entry(7, b"\x00\x00", OTHER_RAW)), (OTHER, entry(7, b"\x00\x00", RAW))],
    "a delta that makes a terabyte": [(OTHER, entry(3, bytes(2**20))), (BLOB, entry(7, COPIES, OTHER_RAW))],
    "a delta of another base": [(OTHER, entry(3, b"x")), (BLOB, entry(7, b"\x02\x01\x01x", OTHER_RAW))],
    "a delta that copies from beyond": [(OTHER, entry(3, b"x")), (BLOB, entry(7, b"\x01\x09\x90\x09", OTHER_RAW))],
    "a delta with an unknown step": [(OTHER, entry(3, b"x")), (BLOB, entry(7, b"\x01\x01\x00", OTHER_RAW))],
    "an empty delta": [(OTHER, entry(3, b"x")), (BLOB, entry(7, b"", OTHER_RAW))],
    "an unknown kind": [(BLOB, entry(5, TEXT.encode()))],
    "no kind": [(BLOB, entry(0, TEXT.encode()))],
    "another kind": [(BLOB, entry(4, TEXT.encode()))],
    "other content": [(BLOB, entry(3, b"other\ntwo\nthree\n"))],
    "no content": [(BLOB, b"")],
    "content that is cut": [(BLOB, entry(3, TEXT.encode())[:-8])],
    "content that is not compressed": [(BLOB, bytes([0x3E]) + TEXT.encode())],
    "empty blocks without an end": [(BLOB, bytes([0x3E]) + b"\x78\x01" + b"\x00\x00\x00\xff\xff" * 2_000_000)],
}


class Measured:
    """The bytes that were inflated, and the steps that were spent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inflated = self.steps = 0
        measured, make = self, zlib.decompressobj

        class Inflater:
            def __init__(self) -> None:
                self._inner = make()

            def decompress(self, given: bytes, most: int) -> bytes:
                assert most > 0, "zero is no limit"
                made = self._inner.decompress(given, most)
                measured.inflated += len(made)
                return made

            @property
            def eof(self) -> bool:
                return self._inner.eof

        spend = Budget.spend

        def counted(budget: Budget, steps: int) -> None:
            measured.steps += steps
            spend(budget, steps)

        monkeypatch.setattr(zlib, "decompressobj", Inflater)
        monkeypatch.setattr(Budget, "spend", counted)


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_pack_costs_little(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = tmp_path / "shop"
    git_dir = bare_bones(shop)
    stored(shop, BLOB)
    pack(git_dir, *BROKEN[case])
    measured = Measured(monkeypatch)

    assert known(shop) is None
    assert measured.inflated < 4 * packs.LARGEST
    assert measured.steps < 1_000_000


@pytest.mark.parametrize("offset", [0, 1, 11, 2**31 - 1, 2**31, 2**32 - 1])
def test_an_index_that_points_anywhere_costs_little(offset: int, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    git_dir = bare_bones(shop)
    stored(shop, BLOB)
    pack(git_dir, (BLOB, entry(3, TEXT.encode())), offsets={BLOB: offset})

    assert known(shop) is None


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\0", ZEROS, zlib.compress(b"blob 14"), zlib.compress(b"blob 99999999999999\0x")),
        *(zlib.compress(b"blob 14\0" + TEXT.encode() + b"x"), zlib.compress(b"tree 14\0" + TEXT.encode())),
        *(zlib.compress(b"blob 0\0"), zlib.compress(b"blob -1\0"), zlib.compress(b"evil 14\0" + TEXT.encode())),
    ],
    ids=lambda content: content[:4].hex(),
)
def test_a_broken_loose_object_costs_little(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = tmp_path / "shop"
    git_dir = bare_bones(shop)
    stored(shop, BLOB)
    path = git_dir / "objects" / BLOB[:2] / BLOB[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    measured = Measured(monkeypatch)

    assert known(shop) is None
    assert measured.inflated < 2 * packs.LARGEST


@pytest.mark.parametrize(
    "more",
    [
        *("parent x", f"parent {OTHER}", "tree x", f"parent {'0' * 41}", "encoding idna", "encoding zlib"),
        *("author", "committer\ncommitter", "gpgsig -----BEGIN\n \n x", "mergetag object x"),
    ],
)
def test_odd_headers_of_a_commit_are_no_error(more: str, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    git_dir = bare_bones(shop)
    blob = loose(git_dir, "blob", TEXT.encode())
    head = commit_of(git_dir, tree(git_dir, ("100644", "cart.ts", blob)), more=more)
    (git_dir / "refs" / "heads" / "main").write_text(head)

    found = known(shop)
    assert found is None or found.id == head


@pytest.mark.parametrize("time", ["9" * 9, "9" * 11, "9" * 30, "-1", "x", ""])
def test_odd_times_of_a_commit_are_no_error(time: str, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    git_dir = bare_bones(shop)
    blob = loose(git_dir, "blob", TEXT.encode())
    person = f"Eve <e@x> {time} +0000"
    text = f"tree {tree(git_dir, ('100644', 'cart.ts', blob))}\nauthor {person}\ncommitter {person}\n\nSell\n"
    head = loose(git_dir, "commit", text.encode())
    (git_dir / "refs" / "heads" / "main").write_text(head)

    found = known(shop)
    assert found is None or (found.id, found.author, found.subject) == (head, "Eve", "Sell")


@pytest.mark.parametrize(
    "head",
    [
        *(
            "",
            "x",
            "ref:",
            "ref: HEAD",
            "ref: refs/heads/loop",
            "ref: ../config",
            "ref: refs/heads/\0",
            "ref: /etc/passwd",
        ),
        *(f"ref: refs/{'a' * 300}", "0" * 39, f"{'g' * 40}", "ref: refs/heads/main\n" * 2, "é", "\x7f" * 8193),
    ],
    ids=lambda head: repr(head[:24]),
)
def test_an_odd_head_is_no_error(head: str, tmp_path: Path) -> None:
    git_dir = bare_bones(tmp_path / "shop")
    (git_dir / "HEAD").write_text(head)
    (git_dir / "refs" / "heads" / "loop").write_text("ref: refs/heads/loop\n")

    assert facts(tmp_path / "shop") == {}
    assert known(tmp_path / "shop") is None


def diamonds(git_dir: Path, rows: int) -> str:
    """A history of merges of merges: two commits a row, each with both of the row above as parents; the last one."""
    blobs = [loose(git_dir, "blob", f"{TEXT}{side}\n".encode()) for side in "ab"]
    trees = [tree(git_dir, ("100644", "cart.ts", blob)) for blob in blobs]
    row = [commit_of(git_dir, one, at=BEGIN) for one in trees]
    for place in range(1, rows):
        row = [commit_of(git_dir, one, *sorted(row), at=BEGIN + place) for one in trees]
    return commit_of(git_dir, trees[0], *row, at=BEGIN + rows)


def test_merges_of_merges_cost_no_more_than_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = list[int]()
    for rows in (50, 100):
        git_dir = bare_bones(tmp_path / str(rows))
        head = diamonds(git_dir, rows)
        with monkeypatch.context() as patch:
            measured = Measured(patch)
            with Objects(Roots([tmp_path]), git_dir / "objects", Budget(seconds=50)) as objects:
                assert blame(objects, head, (b"cart.ts",), range(3), frozenset())
            steps.append(measured.steps)

    assert steps[1] < 3 * steps[0]


def test_a_long_history_is_given_up_for_its_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_dir = bare_bones(tmp_path)
    head = diamonds(git_dir, 30)
    with (
        Objects(Roots([tmp_path]), git_dir / "objects", Budget(5_000, 50)) as objects,
        pytest.raises(RepositoryError, match="too long"),
    ):
        blame(objects, head, (b"cart.ts",), range(3), frozenset())


@pytest.mark.parametrize("swapped", [False, True])
def test_versions_that_differ_everywhere_are_given_up(swapped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [b"%d" % number for number in range(20_000)]
    old = lines[::-1] if swapped else [b"x", b"y"] * 10_000
    new = lines if swapped else [b"y", b"y", b"x"] * 7_000
    measured = Measured(monkeypatch)

    with pytest.raises(RepositoryError):
        kept_lines(old, new, [100], Budget(seconds=50))
    assert measured.steps < 3_000_000
    same, every = [b"same"], range(20_000)
    assert len(kept_lines(same * 20_000, same * 30_000, range(30_000), Budget(seconds=50))) == 20_000
    assert kept_lines(lines, [b"x%d" % number for number in every], every, Budget(seconds=50)) == {}


def test_deeply_nested_folders_are_no_error(tmp_path: Path) -> None:
    """The file that another was renamed from is looked for in all folders."""
    git_dir = bare_bones(tmp_path)
    inner = tree(git_dir, ("100644", "old.ts", loose(git_dir, "blob", b"old\n")))
    for _ in range(1500):
        inner = tree(git_dir, ("40000", "a", inner))
    (tmp_path / "cart.ts").write_text(TEXT)
    blob = loose(git_dir, "blob", TEXT.encode())
    head = commit_of(git_dir, tree(git_dir, ("100644", "cart.ts", blob)), commit_of(git_dir, inner))
    (git_dir / "refs" / "heads" / "main").write_text(head)

    assert known(tmp_path) is None


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://git.example/shop.git", "https://git.example/shop.git"),
        ("https://ada:secret@git.example:8443/shop.git", "https://git.example:8443/shop.git"),
        ("https://secret@git.example/shop.git?private_token=secret#secret", "https://git.example/shop.git"),
        ("ssh://git@git.example:22/shop.git", "ssh://git.example:22/shop.git"),
        ("hg::https://ada:secret@git.example/shop", "https://git.example/shop"),
        ("git@git.example:shop/web.git", "git.example:shop/web.git"),
        ("secret@git.example:shop.git?token=secret", "git.example:shop.git"),
        ("ada@secret@git.example:shop.git", "git.example:shop.git"),
        ("git.example:shop.git", "git.example:shop.git"),
        ("https://[::1]:3000/shop.git", "https://[::1]:3000/shop.git"),
        *(
            (local, "")
            for local in ("/home/ada/secret", "../shop", "file:///home/ada/shop", "C:\\ada\\shop", "C:/ada", "")
        ),
        *(
            (odd, "")
            for odd in ("ext::sh -c secret", "ext::ssh://x", "fd::17", "https://", "https:///a", "javascript:x")
        ),
        *(
            (odd, "")
            for odd in ("https://a.example/\nb", "https://[a/b", "https://a:port/b", "https://a.example/x@secret")
        ),
        ("transport::hg::https://secret@git.example/a", ""),
        ("data://text/secret", ""),
    ],
)
def test_the_address_of_a_remote_holds_no_secret(url: str, told: str) -> None:
    assert public_address(url) == told


@given(st.text(st.characters(exclude_characters="/?#"), max_size=40))
@effort(300)
def test_no_user_name_is_in_an_address(text: str) -> None:
    for url in (text, f"https://secret{text}@git.example/x", f"secret{text}@git.example:x", f"https://a/?{text}secret"):
        told = public_address(url)
        assert "@" not in told
        assert "?" not in told
        assert "secret" not in told.partition("://")[2].partition("/")[0]


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A repository of loose objects, and one of a pack with deltas."""
    made = list[Path]()
    for name in ("loose", "packed"):
        folder = init(tmp_path_factory.mktemp("fuzz") / name)
        more = "".join(f"line {line}\n" for line in range(200))
        for place in range(4):
            commit(folder, f"{TEXT}{more}{place}\n", BEGIN + place)
        git(folder, "mv", "cart.ts", "old.ts")
        commit(folder, TEXT + more, BEGIN + 9)
        if name == "packed":
            git(folder, "gc", "--quiet", "--aggressive")
        made.append(folder)
    return made


def _files(folder: Path) -> list[Path]:
    kept = ("objects", "refs", "HEAD", "packed-refs", "config")
    found = sorted(path for path in (folder / ".git").rglob("*") if path.is_file())
    return [path for path in found if path.relative_to(folder / ".git").parts[0] in kept]


@pytest.mark.thorough
@given(
    packed=st.booleans(),
    which=st.floats(0, 1, exclude_max=True),
    where=st.floats(0, 1, exclude_max=True),
    given_bytes=st.binary(min_size=1, max_size=6),
    cut=st.sampled_from(["replace", "insert", "delete", "truncate"]),
)
@effort(200)
def test_no_change_of_a_byte_is_an_error(
    repositories: list[Path], packed: bool, which: float, where: float, given_bytes: bytes, cut: str
) -> None:
    folder = repositories[packed]
    true = known(folder)
    path = (files := _files(folder))[int(which * len(files))]
    content, mode = path.read_bytes(), path.stat().st_mode
    at = int(where * len(content))
    end = {"replace": at + len(given_bytes), "insert": at, "delete": at + len(given_bytes), "truncate": len(content)}[
        cut
    ]
    path.chmod(0o644)
    path.write_bytes(content[:at] + (given_bytes if cut in ("replace", "insert") else b"") + content[end:])
    try:
        found = known(folder)
        facts(folder)
    finally:
        path.write_bytes(content)
        path.chmod(mode)

    assert true
    assert found in (None, true), "the name of each object fits its content"
