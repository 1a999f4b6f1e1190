"""The reader of ELF files: the build ids that `readelf` prints, debug information, and damaged files."""

import io
import re
import struct
import subprocess
import uuid
from pathlib import Path

import pytest

from mcp_errortracking.workflows.source_maps.debug_files.elf import ElfError, ElfFile, read_elf
from tests.required import program
from tests.workflows.source_maps.written_elf import BIG_ENDIAN_ID, DEBUG_ID, elf, note

INFO = (".debug_info", b"units")
ID = (".note.gnu.build-id", note())
READABLE = {
    "a library": (elf(ID, INFO), DEBUG_ID, True),
    "32 bits": (elf(ID, INFO, bits=32), DEBUG_ID, True),
    "big-endian": (elf((ID[0], note(order=">")), INFO, order=">"), BIG_ENDIAN_ID, True),
    "32 bits, big-endian": (elf((ID[0], note(order=">")), INFO, order=">", bits=32), BIG_ENDIAN_ID, True),
    "notes of a segment": (elf(INFO, segment=note(b"ab", kind=1) + note()), DEBUG_ID, True),
    "32 bits, notes of a segment": (elf(INFO, segment=note(), bits=32), DEBUG_ID, True),
    "a short build id": (elf((ID[0], note(b"\1\2\3\4\5")), INFO), "04030201-0005-0000-0000-000000000000", True),
    "compressed as .z": (elf(ID, (".zdebug_info", b"ZLIB")), DEBUG_ID, True),
    "stripped": (elf(ID, (".text", b"code")), DEBUG_ID, False),
    "bytes left out": (elf(ID, INFO, left_out=(".debug_info",)), DEBUG_ID, False),
    "no build id": (elf(INFO), None, True),
    "a build id of zeros": (elf((ID[0], note(bytes(20))), INFO), None, True),
    "an empty build id": (elf((ID[0], note(b"")), INFO), None, True),
    "a note past the section": (elf((ID[0], note()[:-8]), INFO), None, True),
    "another note": (elf((ID[0], note(kind=1)), INFO), None, True),
    "no sections": (elf(count=0)[:64], None, False),
}
DAMAGED = {
    "empty": (b"", "cut off"),
    "Mach-O": (b"\xcf\xfa\xed\xfe" + bytes(60), "not an ELF file"),
    "a class of 3": (elf()[:4] + b"\3" + elf()[5:], "no class or byte order"),
    "an order of 0": (elf()[:5] + b"\0" + elf()[6:], "no class or byte order"),
    "a cut header": (elf()[:40], "cut off"),
    "sections past the end": (elf(INFO, count=40), "cut off"),
    "names past the end": (elf(INFO)[:-40], "cut off"),
    "section headers of 1 byte": (elf()[:58] + b"\1\0" + elf()[60:], "1 bytes each"),
}


@pytest.mark.parametrize("name", READABLE)
def test_the_id_and_the_debug_information_are_found(name: str) -> None:
    content, debug_id, has_debug_info = READABLE[name]
    if name == "no sections":
        content = content[:40] + bytes(8) + content[48:]  # the place of the section headers
    assert read_elf(io.BytesIO(content)) == ElfFile(debug_id, len(content), True, has_debug_info)


def unit(version: int, kind: int, *, is_long: bool = False, order: str = "<") -> bytes:
    body = struct.pack(f"{order}HB", version, kind) + bytes(20)
    return (struct.pack(f"{order}IQ", 2**32 - 1, len(body)) if is_long else struct.pack(f"{order}I", len(body))) + body


@pytest.mark.parametrize(
    ("units", "addresses", "is_split"),
    [
        (unit(5, 1), True, False),
        (unit(5, 4), True, True),
        (unit(5, 1) + unit(5, 1, is_long=True) + unit(5, 4, is_long=True), True, True),
        (unit(4, 0) + unit(4, 0), False, False),
        (unit(4, 0), True, True),
        (b"\xff" * 40, True, False),
        (bytes(40), False, False),
        (unit(5, 4)[:10], True, False),
    ],
)
def test_split_debug_information_is_recognized_by_its_units(units: bytes, addresses: bool, is_split: bool) -> None:
    sections = [(".debug_info", units), *([(".debug_addr", b"x")] if addresses else [])]

    assert read_elf(io.BytesIO(elf(ID, *sections))).is_split is is_split


@pytest.mark.parametrize(("kind", "is_loadable"), [(1, False), (2, True), (3, True), (4, False)])
def test_objects_and_core_dumps_are_not_programs(kind: int, is_loadable: bool) -> None:
    assert read_elf(io.BytesIO(elf(ID, INFO, kind=kind))).is_loadable is is_loadable


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused_with_the_reason(name: str) -> None:
    content, reason = DAMAGED[name]
    with pytest.raises(ElfError, match=reason):
        read_elf(io.BytesIO(content))


def test_every_cut_of_a_file_is_refused() -> None:
    content = elf(ID, INFO, segment=note())
    for end in range(len(content)):
        with pytest.raises(ElfError):
            read_elf(io.BytesIO(content[:end]))


def test_readelf_finds_the_same_build_id(tmp_path: Path) -> None:
    """A program, its stripped copy and its debug file, by the compiler and binutils of the machine, have one id."""
    compiler, objcopy, readelf = program("gcc", "clang"), program("objcopy", "llvm-objcopy"), program("readelf")
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    for command in (
        [compiler, "-g", "-Wl,--build-id=sha1", "-o", "main", "main.c"],
        [objcopy, "--only-keep-debug", "main", "main.debug"],
        [objcopy, "--strip-debug", "main", "stripped"],
        [compiler, "-g", "-c", "-o", "main.o", "main.c"],
        [compiler, "-g", "-gsplit-dwarf", "-o", "split", "main.c"],
        [compiler, "-g", "-gdwarf-4", "-gsplit-dwarf", "-o", "split4", "main.c"],
    ):
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    shown = subprocess.run([readelf, "-n", "main"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Build ID: (\w+)", shown)
    assert found
    expected = str(uuid.UUID(bytes_le=bytes.fromhex(found[1])[:16]))

    files = (path for path in tmp_path.iterdir() if path.suffix not in (".c", ".dwo"))
    read = {path.name: read_elf(io.BytesIO(path.read_bytes())) for path in files}
    assert [name for name, one in sorted(read.items()) if one.is_split] == ["split", "split4"]
    del read["split"], read["split4"]

    assert {name: (one.debug_id, one.has_debug_info, one.is_loadable) for name, one in read.items()} == {
        "main": (expected, True, True),
        "main.debug": (expected, True, True),
        "stripped": (expected, False, True),
        "main.o": (None, True, False),
    }
