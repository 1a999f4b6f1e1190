"""Reader of Mach-O files, as far as their UUIDs and sections: the slices of a file, one for each architecture.

A file is one slice, or begins with a table of slices ("fat"). A slice has a header and load commands; one command
holds the UUID that the linker gave to the binary and to its debug file. Only headers and load commands are read.
"""

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_SLICES = 64
"""Slices of one file; Apple's tools make less than ten."""
MAX_COMMANDS = 1024 * 1024
"""Bytes of load commands of one slice; a large app has some kilobytes."""

_FAT = {0xCAFEBABE: struct.Struct(">5I"), 0xCAFEBABF: struct.Struct(">2I2Q2I")}
_THIN = {
    b"\xcf\xfa\xed\xfe": ("<", 32),
    b"\xce\xfa\xed\xfe": ("<", 28),
    b"\xfe\xed\xfa\xcf": (">", 32),
    b"\xfe\xed\xfa\xce": (">", 28),
}
"""Byte order and size of the header, by its first bytes."""
_FAT_HEAD = struct.Struct(">2I")
_LC_UUID, _UUID_COMMAND = 0x1B, 24
_SEGMENTS = {0x1: (56, 68, 40), 0x19: (72, 80, 48)}
"""By command: the bytes before its sections, those of a section, and the place of the file offset in a section."""
_SECTION_NAME = 16


class MachOError(ValueError):
    """The bytes are not a Mach-O file with UUIDs; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a file for one architecture. `uuid` is in upper case, as PostHog's SDK sends it.

    `is_compressed`: its debug information is compressed, as by Go, and PostHog cannot read it.
    """

    uuid: str
    offset: int
    size: int
    has_debug_info: bool = False
    is_compressed: bool = False


def read_slices(file: BinaryIO) -> list[Slice]:
    """Return the slices of a Mach-O file, in their order.

    Raises:
        MachOError: it is not such a file, is damaged, or a slice has no UUID.
        OSError: it cannot be read.
    """
    size = file.seek(0, 2)
    head = _read(file, 0, 4, size)
    if head in _THIN:
        return [_slice(file, 0, size)]
    layout = _FAT.get(int.from_bytes(head, "big"))
    if layout is None:
        raise MachOError("It is not a Mach-O file.")
    _, count = _FAT_HEAD.unpack(_read(file, 0, _FAT_HEAD.size, size))
    if not 0 < count <= MAX_SLICES:
        raise MachOError(f"Its header names {count} architectures; 1 to {MAX_SLICES} are possible.")
    table = _read(file, _FAT_HEAD.size, count * layout.size, size)
    places = [(offset, length) for _, _, offset, length, *_ in layout.iter_unpack(table)]
    end = _FAT_HEAD.size + len(table)
    for offset, length in sorted(places):
        if offset < end or offset + length > size:
            raise MachOError(f"Its header names bytes {offset} to {offset + length}, outside the file or used twice.")
        end = offset + length
    slices = [_slice(file, offset, length) for offset, length in places]
    if len({one.uuid for one in slices}) < len(slices):
        raise MachOError("Two of its architectures have the same UUID.")
    return slices


def _slice(file: BinaryIO, offset: int, size: int) -> Slice:
    end = offset + size
    order, header = _THIN.get(_read(file, offset, 4, end), ("", 0))
    if not header:
        raise MachOError(f"What begins at byte {offset} is not a Mach-O file for one architecture.")
    count, length = struct.unpack_from(f"{order}2I", _read(file, offset, header, end), 16)
    if length > MAX_COMMANDS:
        raise MachOError(f"Its load commands have {length} bytes; the limit is {MAX_COMMANDS}.")
    commands = list(_commands(_read(file, offset + header, length, end), count, order))
    names = {name for kind, command in commands for name in _sections(kind, command, order)}
    is_compressed = any(name.startswith(b"__zdebug_") for name in names)
    return Slice(_uuid(commands), offset, size, b"__debug_info" in names, is_compressed)


def _uuid(commands: list[tuple[int, bytes]]) -> str:
    """Return the UUID in load commands."""
    for kind, command in commands:
        if kind == _LC_UUID:
            found = command[8:]
            if len(command) != _UUID_COMMAND or not any(found):
                raise MachOError("Its UUID is damaged.")
            return str(uuid.UUID(bytes=found)).upper()
    raise MachOError("It has no UUID.")


def _sections(kind: int, command: bytes, order: str) -> Iterator[bytes]:
    """Yield the names of the sections of a segment that have bytes in the file; dsymutil leaves empty ones."""
    start, size, place = _SEGMENTS.get(kind, (0, 0, 0))
    for at in range(start, len(command) - size + 1, size) if size else ():
        (offset,) = struct.unpack_from(f"{order}I", command, at + place)
        if offset:
            yield command[at : at + _SECTION_NAME].rstrip(b"\0")


def _commands(commands: bytes, count: int, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield load commands, each with its type. Each has 8 bytes or more, so the bytes bound the number of steps."""
    head, at = struct.Struct(f"{order}2I"), 0
    for _ in range(min(count, len(commands) // head.size)):
        if at + head.size > len(commands):
            break
        command, length = head.unpack_from(commands, at)
        if length < head.size or at + length > len(commands):
            raise MachOError("A load command is longer than all of them, or too short.")
        yield command, commands[at : at + length]
        at += length


def _read(file: BinaryIO, offset: int, size: int, end: int) -> bytes:
    """Return bytes of a file that must lie before `end`."""
    if offset + size > end:
        raise MachOError("The file is cut off.")
    file.seek(offset)
    content = file.read(size)
    if len(content) < size:
        raise MachOError("The file is cut off.")
    return content
