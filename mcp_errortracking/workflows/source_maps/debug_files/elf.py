"""Reader of ELF files, as far as their build ids and the names of their sections.

The linker gives a binary a build id, which stays in its stripped copy and in its debug file (`objcopy
--only-keep-debug`). PostHog's SDKs send it as a debug id, the UUID of its first 16 bytes. Only headers, notes and the
names of sections are read.
"""

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"\x7fELF"
MAX_TABLE = 16 * 1024 * 1024
"""Bytes of a table of headers, or of the names of sections; large programs have some hundred kilobytes."""
MAX_NOTES = 64 * 1024
"""Bytes of one section or segment of notes."""

_LAYOUTS = {
    1: ("HHI3II6H", "8I", "10I", (1, 4, 7)),
    2: ("HHI3QI6H", "2I6Q", "2I4Q2I2Q", (2, 5, 7)),
}
"""By class (32 or 64 bits): the file header, a program header, a section header; and the places of offset, size and
alignment in a program header."""
_ORDERS = {1: "<", 2: ">"}
_IDENT = 16
_LOADABLE = (2, 3, 0xFE10, 0xFE18)
"""Types of files: programs and libraries, also their debug files; not objects (.o) and core dumps."""
_PT_NOTE, _SHT_NOBITS, _BUILD_ID = 4, 8, 3
_NOTE_SECTION = b".note.gnu.build-id"
_DEBUG_SECTIONS = (b".debug_info", b".zdebug_info")
_ADDRESSES = b".debug_addr"
_COMPRESSED = 0x800
_UNIT, _LONG_FORM, _TYPED_UNITS, _SKELETON = 15, 0xFFFFFFFF, 5, 4
_MOST_UNITS = 10_000
_MANY_SECTIONS = 0xFFFF
_LONGEST_NAME = 64
_MOST_NOTES = 64
"""Sections and segments of notes that are read; programs have less than ten."""
_NOTE = 12


class ElfError(ValueError):
    """The bytes are not an ELF file, or a damaged one; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class ElfFile:
    """An ELF file. `debug_id`: in lower case, as PostHog's SDKs send it; None without a build id.

    `is_loadable`: it is a program or a library, or the debug file of one. `is_split`: files and lines are in `.dwo` or
    `.dwp` files.
    """

    debug_id: str | None
    size: int
    is_loadable: bool
    has_debug_info: bool
    is_split: bool = False


def read_elf(file: BinaryIO) -> ElfFile:
    """Return the facts of an ELF file.

    Raises:
        ElfError: it is not such a file, or is damaged.
        OSError: it cannot be read.
    """
    reader = _Reader(file)
    sections = list(reader.sections())
    build_id = reader.build_id(sections)
    info = next(
        (one for one in sections if one.name in _DEBUG_SECTIONS and one.type != _SHT_NOBITS and one.offset), None
    )
    return ElfFile(
        _debug_id(build_id, is_little_endian=reader.order == "<"),
        reader.size,
        reader.type in _LOADABLE,
        info is not None,
        info is not None and reader.is_split(info, has_addresses=any(one.name == _ADDRESSES for one in sections)),
    )


@dataclass(frozen=True, slots=True)
class _Section:
    name: bytes
    type: int
    flags: int
    offset: int
    size: int
    alignment: int


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        ident = self._read(0, _IDENT)
        layout, order = _LAYOUTS.get(ident[4]), _ORDERS.get(ident[5])
        if not ident.startswith(MAGIC):
            raise ElfError("It is not an ELF file.")
        if layout is None or order is None:
            raise ElfError("Its header names no class or byte order.")
        self.order = order
        head, program, section, self._note_fields = layout
        self._program, self._section = (struct.Struct(order + one) for one in (program, section))
        header = struct.Struct(order + head)
        fields = header.unpack(self._read(_IDENT, header.size))
        self.type, self._programs_at, self._sections_at = fields[0], fields[4], fields[5]
        program_size, self._program_count, section_size, self._section_count, self._names = fields[8:]
        if self._program_count and program_size != self._program.size:
            raise ElfError(f"Its program headers have {program_size} bytes each.")
        if self._sections_at and section_size != self._section.size:
            raise ElfError(f"Its section headers have {section_size} bytes each.")

    def sections(self) -> Iterator[_Section]:
        """Yield the sections with their names."""
        if not self._sections_at:
            return
        first = self._section.unpack(self._read(self._sections_at, self._section.size))
        count: int = self._section_count or first[5]  # 0: there are too many for the file header
        names: int = first[6] if self._names == _MANY_SECTIONS else self._names
        table = self._table(self._sections_at, count * self._section.size)
        headers = list[tuple[int, ...]](self._section.iter_unpack(table))
        if not 0 < names < len(headers):
            return
        texts = self._table(headers[names][4], headers[names][5])
        for name, kind, flags, _, offset, size, _, _, alignment, _ in headers:
            yield _Section(texts[name : name + _LONGEST_NAME].partition(b"\0")[0], kind, flags, offset, size, alignment)

    def build_id(self, sections: list[_Section]) -> bytes | None:
        """Return the build id of the notes of a segment, or else of the section of its name; None without one."""
        table = self._table(self._programs_at, self._program_count * self._program.size)
        at, size, alignment = self._note_fields
        segments = [
            (one[at], one[size], one[alignment]) for one in self._program.iter_unpack(table) if one[0] == _PT_NOTE
        ]
        named = [
            (one.offset, one.size, one.alignment)
            for one in sections
            if one.name == _NOTE_SECTION and one.type != _SHT_NOBITS
        ]
        for place in [*segments, *named][:_MOST_NOTES]:
            if found := self._note(*place):
                return found
        return None

    def is_split(self, info: _Section, *, has_addresses: bool) -> bool:
        """True if a unit of `.debug_info` only names another file.

        DWARF 5 has a type for such units; before, only they needed a table of addresses. Compressed ones are not read.
        """
        if info.flags & _COMPRESSED or info.name != _DEBUG_SECTIONS[0]:
            return False
        at, end = info.offset, min(info.offset + info.size, self.size)
        for _ in range(_MOST_UNITS):
            if at + _UNIT > end:
                return False
            head = self._read(at, _UNIT)
            length, version, kind = struct.unpack_from(f"{self.order}IHB", head)
            start = 4
            if length == _LONG_FORM:
                length, version, kind = struct.unpack_from(f"{self.order}QHB", head, 4)
                start = 12
            if kind == _SKELETON if version >= _TYPED_UNITS else has_addresses:
                return True
            at += start + length
        return False

    def _note(self, at: int, size: int, alignment: int) -> bytes | None:
        # In a debug file, segments name bytes that were left out: notes that are cut off are passed over.
        if size > MAX_NOTES or at + size > self.size:
            return None
        notes, place = self._read(at, size), 0
        step = 8 if alignment == 8 else 4
        while place + _NOTE <= len(notes):
            name, length, kind = struct.unpack_from(f"{self.order}3I", notes, place)
            start = -(-(place + _NOTE + name) // step) * step
            if start + length > len(notes):
                return None
            if kind == _BUILD_ID:
                return notes[start : start + length] or None
            place = -(-(start + length) // step) * step
        return None

    def _table(self, at: int, size: int) -> bytes:
        if size > MAX_TABLE:
            raise ElfError(f"A table of its headers or names has {size} bytes; the limit is {MAX_TABLE}.")
        return self._read(at, size)

    def _read(self, at: int, size: int) -> bytes:
        if at + size > self.size:
            raise ElfError("The file is cut off.")
        self._file.seek(at)
        content = self._file.read(size)
        if len(content) < size:
            raise ElfError("The file is cut off.")
        return content


def _debug_id(build_id: bytes | None, *, is_little_endian: bool) -> str | None:
    """Return the UUID that stands for a build id: 16 bytes of it, whose first three fields are numbers."""
    first = (build_id or b"")[:16].ljust(16, b"\0")
    if not any(first):
        return None
    return str(uuid.UUID(bytes_le=first) if is_little_endian else uuid.UUID(bytes=first))
