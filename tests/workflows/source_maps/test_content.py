"""The content of a chunk: hashed, packed, and watched for changes."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.chunk import Chunk, ReleaseMark
from mcp_errortracking.workflows.source_maps.container import DataType, SymbolData, decode, encode
from mcp_errortracking.workflows.source_maps.upload import content
from mcp_errortracking.workflows.source_maps.upload.content import Body, ContentError, fingerprint
from tests.workflows.source_maps.written_builds import expected_hash, local, parts_of, write_bundle


def test_the_hash_is_that_of_the_uncompressed_container(tmp_path: Path) -> None:
    chunk = write_bundle(tmp_path, "main", size=600_000)
    known = fingerprint(chunk)

    assert known.content_hash == expected_hash(chunk)
    for compressed in (True, False):
        body = Body(chunk, known, 2, compressed=compressed)
        symbols = decode(b"".join(body.pieces()))
        assert hashlib.sha512(encode(symbols, version=1)).hexdigest() == known.content_hash
        body.close()


def test_parts_made_in_memory_hash_like_files(tmp_path: Path) -> None:
    chunk = write_bundle(tmp_path, "main")
    source, data = parts_of(chunk)
    made = Chunk("main", lambda: data, lambda: source)

    assert fingerprint(made).content_hash == fingerprint(chunk).content_hash
    assert made.label == "main"
    body = Body(made, fingerprint(made), 1, compressed=False)
    assert b"".join(body.pieces()) == encode(SymbolData(DataType.SOURCE_AND_MAP, data, source), version=1)


@pytest.mark.parametrize("at", [0, 100, content._PIECE - 3, content._PIECE, 2 * content._PIECE + 5])  # pyright: ignore[reportPrivateUsage]
def test_a_release_is_left_out_of_the_hash_and_sent_all_the_same(tmp_path: Path, at: int) -> None:
    plain = write_bundle(tmp_path, "plain", size=3 * content._PIECE)  # pyright: ignore[reportPrivateUsage]
    source, source_map = parts_of(plain)
    hashes, sizes = set[str](), set[int]()
    for number in (1, 2):
        mark = ReleaseMark(f"r{number}", at, f"release={number * 'x'};".encode())
        told = tmp_path / f"told-{number}.js"
        told.write_bytes(source[:at] + mark.text + source[at:])
        chunk = Chunk("told", plain.map, local(told), release=mark)
        known = fingerprint(chunk)
        hashes.add(known.content_hash)
        sizes.add(known.size)
        body = Body(chunk, known, 1, compressed=False)
        assert b"".join(body.pieces()) == encode(
            SymbolData(DataType.SOURCE_AND_MAP, source_map, told.read_bytes()), version=1
        )
    assert hashes == {expected_hash(plain)}
    assert len(sizes) == 2


def test_a_release_that_is_not_where_it_was_is_a_change(tmp_path: Path) -> None:
    plain = write_bundle(tmp_path, "plain")
    for mark in (ReleaseMark("r", 5, b"release=r;"), ReleaseMark("r", 10**9, b"release=r;")):
        with pytest.raises(ContentError, match="changed during the upload"):
            fingerprint(Chunk("plain", plain.map, plain.source, release=mark))


@pytest.mark.parametrize("kind", [kind for kind in DataType if kind is not DataType.SOURCE_AND_MAP])
def test_other_types_have_one_part(tmp_path: Path, kind: DataType) -> None:
    file = tmp_path / "mapping.txt"
    file.write_bytes(b"com.shop.Cart -> a.b:\n" * 100)
    chunk = Chunk("m", local(file), kind=kind)

    body = Body(chunk, fingerprint(chunk), 2, compressed=True)
    assert decode(b"".join(body.pieces())) == SymbolData(kind, file.read_bytes())
    assert body.size == len(b"".join(body.pieces())), "it can be sent again"
    body.close()


def test_a_source_goes_with_a_source_map_only(tmp_path: Path) -> None:
    for arguments in ({"kind": DataType.SOURCE_AND_MAP}, {"kind": DataType.HERMES_MAP, "source": local(tmp_path)}):
        with pytest.raises(ValueError, match="goes with a source map"):
            Chunk("a", local(tmp_path), **arguments)  # pyright: ignore[reportArgumentType]


def _directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _forbidden(file: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    file.chmod(0)


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (Path.unlink, "missing", "main.js does not exist any more"),
        (lambda file: file.write_bytes(b""), "empty", "main.js has 0 bytes"),
        (_directory, "no_file", "main.js is not a file"),
        (_pipe, "no_file", "main.js is not a file"),
        (_forbidden, "unreadable", "main.js cannot be read: Permission denied"),
        (lambda file: os.truncate(file, 600 << 20), "too_large", r"600\.0 MiB; the limit is 512 MiB"),
    ],
)
def test_a_file_that_cannot_be_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None], code: str, words: str
) -> None:
    chunk = write_bundle(tmp_path, "main")
    spoil(tmp_path / "main.js")

    with pytest.raises(ContentError, match=words) as raised:
        fingerprint(chunk)
    assert raised.value.code == code


def test_a_folder_that_vanished(tmp_path: Path) -> None:
    roots = Roots([tmp_path])
    source_map, source = (LocalFile(roots, tmp_path / "dist" / name) for name in ("a.map", "a.js"))

    with pytest.raises(ContentError, match="does not exist any more") as raised:
        fingerprint(Chunk("a", source_map, source))
    assert raised.value.code == "missing"


def test_content_that_cannot_be_made(tmp_path: Path) -> None:
    def broken() -> bytes:
        raise RuntimeError("no such section")

    for part, code in ((broken, "unreadable"), (lambda: b"", "empty")):
        with pytest.raises(ContentError) as raised:
            fingerprint(Chunk("a", part, kind=DataType.HERMES_MAP))
        assert raised.value.code == code


@pytest.mark.parametrize("when", ["before", "during"])
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1] + b"!"),
        lambda file: file.write_bytes(b"short"),
        lambda file: os.utime(file, (1, 1)),
        lambda file: os.replace(file.with_suffix(".other"), file),
    ],
)
def test_a_file_that_changes_is_not_sent(
    tmp_path: Path, change: Callable[[Path], None], compressed: bool, when: str
) -> None:
    chunk = write_bundle(tmp_path, "main", size=3_000_000)
    file = tmp_path / "main.js"
    file.with_suffix(".other").write_bytes(file.read_bytes())
    known = fingerprint(chunk)
    if when == "before":
        change(file)
        with pytest.raises(ContentError) as raised:
            list(Body(chunk, known, 2, compressed=compressed).pieces())
        assert raised.value.code == "changed"
        return
    body = Body(chunk, known, 2, compressed=compressed)
    pieces = body.pieces()
    first = next(pieces)
    change(file)
    if compressed:  # it was packed as it was hashed
        assert decode(first + b"".join(pieces)).data
    else:
        with pytest.raises(ContentError) as raised:
            list(pieces)
        assert raised.value.code == "changed"
    body.close()


def test_a_container_over_100_mib_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "big.map"
    file.touch()
    os.truncate(file, 101 << 20)
    chunk = Chunk("big", local(file), kind=DataType.HERMES_MAP, name="big.map")
    known = fingerprint(chunk)

    with pytest.raises(ContentError, match=r"big\.map makes a symbol set of 101\.0 MiB; the limit is 100 MiB"):
        Body(chunk, known, 1, compressed=False)
    body = Body(chunk, known, 2, compressed=True)
    assert body.size < 100_000, "what counts is what is sent"
    body.close()


def test_no_room_to_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = write_bundle(tmp_path, "main", size=100)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(content, "write", full)
    with pytest.raises(ContentError, match="No space left on device") as raised:
        Body(chunk, fingerprint(chunk), 2, compressed=True)
    assert (raised.value.code, "TMPDIR" in raised.value.next_step) == ("no_room", True)


def test_packing_is_zstd_level_3(tmp_path: Path) -> None:
    chunk = write_bundle(tmp_path, "main", size=300_000)
    body = Body(chunk, fingerprint(chunk), 2, compressed=True)
    sent = b"".join(body.pieces())

    assert zstandard.get_frame_parameters(sent[31:]).content_size == fingerprint(chunk).size
    assert len(sent) == body.size < 1000
    body.close()
