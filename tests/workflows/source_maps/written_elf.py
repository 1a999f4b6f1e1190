"""ELF files, written byte by byte."""

import struct

BUILD_ID = bytes.fromhex("9c0e0fe2023ce9c485a41a26209317f3c3e8f5b6")
DEBUG_ID, BIG_ENDIAN_ID = "e20f0e9c-3c02-c4e9-85a4-1a26209317f3", "9c0e0fe2-023c-e9c4-85a4-1a26209317f3"
"""The ids that `symbolic`, with which PostHog's SDKs and its command line read files, gives to this build id."""


def note(content: bytes = BUILD_ID, *, kind: int = 3, name: bytes = b"GNU\0", order: str = "<") -> bytes:
    padding = bytes(-len(content) % 4)
    return struct.pack(f"{order}3I", len(name), len(content), kind) + name + content + padding


def elf(
    *sections: tuple[str, bytes],
    bits: int = 64,
    order: str = "<",
    kind: int = 3,
    segment: bytes = b"",
    left_out: tuple[str, ...] = (),
    count: int | None = None,
) -> bytes:
    """A file with these sections, each with its name.

    Args:
        segment: notes that a program header names.
        left_out: the names of sections whose bytes are left out (SHT_NOBITS).
        count: the number of sections in the header.
    """
    head = struct.Struct(order + ("HHI3QI6H" if bits == 64 else "HHI3II6H"))
    program = struct.Struct(order + ("2I6Q" if bits == 64 else "8I"))
    section = struct.Struct(order + ("2I4Q2I2Q" if bits == 64 else "10I"))
    names = b"\0" + b"".join(name.encode() + b"\0" for name, _ in sections) + b".shstrtab\0"
    contents = [*(content for _, content in sections), names]
    at = 16 + head.size + (program.size if segment else 0)
    body, places = segment, list[int]()
    for content in contents:
        places.append(at + len(body))
        body += content
    headers = section.pack(*[0] * 10)
    for (name, _), place, content in zip([*sections, (".shstrtab", b"")], places, contents, strict=True):
        type_of = 8 if name in left_out else 1
        headers += section.pack(names.index(f"{name}\0".encode()), type_of, 0, 0, place, len(content), 0, 0, 4, 0)
    table = at + len(body)
    number = len(contents) + 1 if count is None else count
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    parts = (kind, 62, 1, 0, 16 + head.size if segment else 0, table, 0)
    made = ident + head.pack(*parts, 16 + head.size, program.size, bool(segment), section.size, number, len(contents))
    if segment:
        facts = (4, 4, at, 0, 0, len(segment), 0, 4) if bits == 64 else (4, at, 0, 0, len(segment), 0, 4, 4)
        made += program.pack(*facts)
    return made + body + headers
