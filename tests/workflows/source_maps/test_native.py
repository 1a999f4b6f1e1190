"""Native programs and libraries in a build folder: found, packed as PostHog takes them, uploaded and checked."""

import io
import json
import struct
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.problems import Problem
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType, decode
from mcp_errortracking.workflows.source_maps.debug_files import native
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, fingerprint, read_map
from tests import command
from tests.sandbox_process import WITHOUT_EVENTS, SandboxProcess
from tests.workflows.source_maps.builds import contents, looked_through, prepared
from tests.workflows.source_maps.written_elf import DEBUG_ID, elf, note
from tests.workflows.source_maps.written_mach_o import (
    ARM64,
    ARM64_CPU,
    X86_64,
    X86_64_CPU,
    fat,
    thin,
    uuid_command,
    write_dsym,
)

INFO, ID = (".debug_info", b"units" * 1000), (".note.gnu.build-id", note())
PROGRAM, STRIPPED = elf(ID, INFO, (".text", b"code")), elf(ID, (".text", b"code"))


def section(name: bytes, offset: int = 4096) -> bytes:
    """The load command of a segment with one section."""
    head = struct.pack("<2I16s4Q4I", 0x19, 152, b"__DWARF", 0, 0, 0, 0, 7, 7, 1, 0)
    return head + struct.pack("<16s16s2Q8I", name, b"__DWARF", 0, 8, offset, 0, 0, 0, 0, 0, 0, 0)


def mach_o(name: bytes = b"__debug_info", offset: int = 4096, *, uuid: str = ARM64, cpu: int = ARM64_CPU) -> bytes:
    return thin(commands=uuid_command(uuid) + section(name, offset), count=2, cpu=cpu, content=b"code" * 100)


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(WITHOUT_EVENTS) as running:
        yield running


def run(sandbox: SandboxProcess, folder: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    settings = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": sandbox.key, "POSTHOG_PROJECT_ID": "1"}
    code, out, err = command.run_here("source-maps", *words, "--json", folder=folder, **settings)
    return code, json.loads(out) if out else {}, err


def made(folder: Path) -> dict[str, str]:
    """The names of all chunks and problems of a folder, each with its id or code."""
    return {
        one.label if isinstance(one, Chunk) else one.path: one.chunk_id
        if isinstance(one, Chunk)
        else one.explanation.code
        for one in prepared(folder)
        if isinstance(one, Chunk | Problem)
    }


def write(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_a_program_is_uploaded_under_its_build_id_and_checked(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """Assert the ZIP that PostHog gets, its release in event mode, and that no file is changed."""
    sandbox.reset()
    (tmp_path / "release").mkdir()
    write(tmp_path / "release", shop=PROGRAM)
    before = contents(tmp_path)
    release = ("--release", "1.4.2", "--release-project", "shop")

    code, found, err = run(sandbox, tmp_path, "upload", "release", *release)

    assert (code, found["uploaded"], found["files_written"], err) == (0, 1, [], "")
    rows = sandbox.api("GET", "symbol_sets/").json()["results"]
    (row,) = [row for row in rows if row["ref"] == DEBUG_ID]
    assert row["release"]["version"] == "1.4.2"
    url = sandbox.api("GET", f"symbol_sets/{row['id']}/download/").json()["url"]
    symbols = decode(sandbox.http.get(url).content)
    packed = zipfile.ZipFile(io.BytesIO(symbols.data))
    assert symbols.kind is DataType.ELF_DEBUG_INFO
    assert {entry.filename: packed.read(entry) for entry in packed.infolist()} == {"dwarf": PROGRAM}
    code, found, _ = run(sandbox, tmp_path, "check", "release", *release)
    assert (code, found["uploaded"], found["symbolication"]) == (0, 1, {"bundles": 1, "covered": 1})
    assert contents(tmp_path) == before


def test_of_a_binary_and_its_debug_file_the_larger_is_uploaded(tmp_path: Path) -> None:
    debug_file = elf(ID, INFO, (".debug_line", b"lines" * 1000))
    write(tmp_path, shop=STRIPPED, **{"shop.debug": debug_file, "libshop.so.1.2": PROGRAM})

    assert made(tmp_path) == {"shop.debug": DEBUG_ID}

    (chunk,) = prepared(tmp_path)
    assert zipfile.ZipFile(io.BytesIO(read_map(chunk))).read("dwarf") == debug_file


def test_each_architecture_of_a_mach_o_file_is_a_chunk(tmp_path: Path) -> None:
    arm, intel = mach_o(), mach_o(uuid=X86_64, cpu=X86_64_CPU)
    write(tmp_path, shop=fat((X86_64_CPU, intel), (ARM64_CPU, arm)))

    chunks = {chunk.chunk_id: chunk for chunk in prepared(tmp_path)}

    assert {key: chunk.kind for key, chunk in chunks.items()} == dict.fromkeys((ARM64, X86_64), DataType.APPLE_DSYM)
    assert zipfile.ZipFile(io.BytesIO(read_map(chunks[ARM64]))).read("dwarf") == arm


def test_a_binary_with_a_dsym_bundle_is_left_to_it(tmp_path: Path) -> None:
    write_dsym(tmp_path, "Shop.app", Shop=thin())
    write(tmp_path, Shop=mach_o(), stripped=thin())

    assert made(tmp_path) == {"Shop.app.dSYM/Contents/Resources/DWARF/Shop": ARM64}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (STRIPPED, "no_debug_info"),
        (thin(), "no_debug_info"),
        (mach_o(offset=0), "no_debug_info"),
        (elf(INFO), "no_build_id"),
        (elf(ID, (".debug_info", struct.pack("<IHB", 8, 5, 4) + bytes(20))), "bad_debug_file"),
        (mach_o(b"__zdebug_info"), "bad_debug_file"),
        (PROGRAM[:80], "bad_debug_file"),
        (elf(ID, INFO, kind=1), None),
        (b"#!/bin/sh\n", None),
        (b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(100), None),  # a Java class
        (fat((ARM64_CPU, thin()), shift=1 << 20), "bad_debug_file"),
    ],
)
def test_a_file_that_cannot_be_used_has_its_reason(tmp_path: Path, content: bytes, code: str | None) -> None:
    write(tmp_path, shop=content)

    assert made(tmp_path) == ({"shop": code} if code else {})


def test_files_of_other_types_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read_part = native.Roots.read_part

    def counted(roots: native.Roots, path: str | Path, size: int, *, from_end: bool = False) -> bytes:
        opened.append(Path(path).name)
        return read_part(roots, path, size, from_end=from_end)

    monkeypatch.setattr(native.Roots, "read_part", counted)
    write(tmp_path, shop=PROGRAM, LICENSE=b"", **{"logo.png": PROGRAM, "style.css": PROGRAM, "main.o": PROGRAM})

    _, build = looked_through(tmp_path)

    assert [path.name for path in build.natives] == ["shop"]
    assert sorted(opened) == ["LICENSE", "shop"]


def test_split_debug_information_and_stripped_files_are_noted(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", shop=PROGRAM, libc=elf(("x", b"")), **{"shop.dwo": PROGRAM})

    code, found, _ = run(sandbox, tmp_path, "upload", "out", "--dry-run")

    assert (code, [row["path"] for row in found["chunks"]]) == (0, ["shop"])
    notes = " ".join(found["notes"])
    assert "Split debug information, which PostHog does not read: shop.dwo." in notes
    assert 'Native files without debug information, so that their frames stay addresses: "libc".' in notes


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "MAX_IMAGE", len(PROGRAM) - 1)
    write(tmp_path, shop=PROGRAM)

    assert made(tmp_path) == {"shop": "too_large"}


def test_a_file_that_changes_after_the_search_is_not_sent(tmp_path: Path) -> None:
    write(tmp_path, shop=PROGRAM)
    (chunk,) = prepared(tmp_path)
    write(tmp_path, shop=elf(ID, INFO))

    with pytest.raises(ContentError, match="changed during the upload"):
        fingerprint(chunk)
