"""The reader of Mach-O files: the UUIDs that `dwarfdump` prints, and damaged files."""

import io
import re
import struct
import subprocess
from pathlib import Path

import pytest

from mcp_errortracking.workflows.source_maps.debug_files.mach_o import MachOError, read_slices
from tests.required import program
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

TWO = ((X86_64_CPU, thin(X86_64, cpu=X86_64_CPU, content=b"intel")), (ARM64_CPU, thin(content=b"arm")))
OTHER = struct.pack("<2I", 0x2, 24) + bytes(16)  # LC_SYMTAB
READABLE = {
    "64 bits": (thin(), [ARM64]),
    "32 bits": (thin(bits=32), [ARM64]),
    "big-endian": (thin(order=">"), [ARM64]),
    "not the first command": (thin(commands=OTHER + uuid_command(ARM64), count=2), [ARM64]),
    "two architectures": (fat(*TWO), [X86_64, ARM64]),
    "64-bit offsets": (fat(*TWO, bits=64), [X86_64, ARM64]),
}
DAMAGED = {
    "empty": (b"", "cut off"),
    "ELF": (b"\x7fELF" + bytes(60), "not a Mach-O file"),
    "a cut header": (thin()[:20], "cut off"),
    "cut commands": (thin()[:-1], "cut off"),
    "commands past the end": (thin(length=4096), "cut off"),
    "commands of 4 GiB": (thin(length=0xFFFFFFFF), "4294967295 bytes"),
    "a command of no length": (thin(commands=bytes(24)), "too short"),
    "a command past the others": (thin(commands=struct.pack("<2I", 2, 4096)), "longer than all"),
    "a short UUID": (thin(commands=struct.pack("<2I", 0x1B, 16) + bytes(8)), "damaged"),
    "an empty UUID": (thin("00000000-0000-0000-0000-000000000000"), "damaged"),
    "no UUID": (thin(None), "no UUID"),
    "a count beyond the commands": (thin(commands=OTHER, count=0xFFFFFFFF), "no UUID"),
    "no architectures": (fat(), "0 architectures"),
    "a Java class": (b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(99), "65 architectures"),
    "4 billion architectures": (fat(*TWO, count=0xFFFFFFFF), "4294967295 architectures"),
    "a cut table": (fat(*TWO)[:30], "cut off"),
    "architectures outside": (fat(*TWO, shift=1 << 20), "outside the file"),
    "offsets near 2**64": (fat(*TWO, bits=64, shift=(1 << 64) - 4096), "outside the file"),
    "architectures in the table": (fat(*TWO, shift=-40), "outside the file or used twice"),
    "fat within fat": (fat((ARM64_CPU, fat(*TWO))), "not a Mach-O file for one"),
    "one UUID twice": (fat(TWO[1], TWO[1]), "the same UUID"),
}


@pytest.mark.parametrize("name", READABLE)
def test_each_slice_is_found_with_its_uuid(name: str) -> None:
    content, expected = READABLE[name]
    slices = read_slices(io.BytesIO(content))
    assert [one.uuid for one in slices] == expected
    if len(expected) == 2:
        assert [content[one.offset : one.offset + one.size] for one in slices] == [one for _, one in TWO]
    else:
        assert [(one.offset, one.size) for one in slices] == [(0, len(content))]


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused_with_the_reason(name: str) -> None:
    content, reason = DAMAGED[name]
    with pytest.raises(MachOError, match=reason):
        read_slices(io.BytesIO(content))


def test_every_cut_of_a_file_is_refused() -> None:
    content = fat(*TWO)
    for end in range(len(content)):
        with pytest.raises(MachOError):
            read_slices(io.BytesIO(content[:end]))


@pytest.mark.parametrize("name", READABLE)
def test_dwarfdump_finds_the_same_uuids(tmp_path: Path, name: str) -> None:
    """Ask the program that PostHog's own command line runs to find the ids of a bundle."""
    bundle = write_dsym(tmp_path, "Shop.app", Shop=READABLE[name][0])
    dwarfdump = program("llvm-dwarfdump", "dwarfdump")
    done = subprocess.run(
        [dwarfdump, "--uuid", bundle / "Contents" / "Resources" / "DWARF" / "Shop"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert re.findall(r"UUID: (\S+)", done.stdout) == READABLE[name][1], done.stderr
