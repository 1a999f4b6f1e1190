"""Mach-O files and dSYM bundles, written byte by byte."""

import plistlib
import struct
import uuid
from pathlib import Path

ARM64, X86_64, ARM64_CPU, X86_64_CPU = (
    "6D1C7F0A-51B2-3E44-9C55-0A1B2C3D4E5F",
    "0F8E7D6C-5B4A-3928-8170-6F5E4D3C2B1A",
    0x0100000C,
    0x01000007,
)
_DSYM = 0xA  # the file type


def uuid_command(identifier: str, order: str = "<") -> bytes:
    return struct.pack(f"{order}2I", 0x1B, 24) + uuid.UUID(identifier).bytes


def thin(
    identifier: str | None = ARM64,
    *,
    cpu: int = ARM64_CPU,
    content: bytes = b"",
    commands: bytes | None = None,
    count: int | None = None,
    length: int | None = None,
    order: str = "<",
    bits: int = 64,
) -> bytes:
    """A file for one architecture; its load commands can be set apart from what its header says of them."""
    if commands is None:
        commands = uuid_command(identifier, order) if identifier else b""
    count = (1 if commands else 0) if count is None else count
    length = len(commands) if length is None else length
    magic = 0xFEEDFACF if bits == 64 else 0xFEEDFACE
    head = struct.pack(f"{order}7I", magic, cpu, 0, _DSYM, count, length, 0)
    return head + (bytes(4) if bits == 64 else b"") + commands + content


def fat(*slices: tuple[int, bytes], bits: int = 32, count: int | None = None, shift: int = 0) -> bytes:
    """A file for several architectures: each with its CPU type. `shift` is added to the offsets in the table."""
    layout = struct.Struct(">5I" if bits == 32 else ">2I2Q2I")
    at, table, content = 8 + layout.size * len(slices), b"", b""
    for cpu, one in slices:
        at += (gap := -at % 16)
        fields = (cpu, 0, at + shift, len(one), 4)
        table += layout.pack(*fields, *((0,) if bits == 64 else ()))
        content += bytes(gap) + one
        at += len(one)
    head = struct.pack(">2I", 0xCAFEBABE if bits == 32 else 0xCAFEBABF, len(slices) if count is None else count)
    return head + table + content


def write_dsym(folder: Path, name: str, **files: bytes) -> Path:
    """Write a dSYM bundle with debug files, as Xcode lays it out; return the bundle."""
    bundle = folder / f"{name}.dSYM"
    place = bundle / "Contents" / "Resources" / "DWARF"
    place.mkdir(parents=True)
    facts = {
        "CFBundleIdentifier": "com.apple.xcode.dsym.com.example.shop",
        "CFBundleShortVersionString": "1.4.2",
        "CFBundleVersion": "57",
    }
    (bundle / "Contents" / "Info.plist").write_bytes(plistlib.dumps(facts))
    for file, content in files.items():
        (place / file).write_bytes(content)
    return bundle
