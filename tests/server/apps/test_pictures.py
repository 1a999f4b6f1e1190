"""The pictures of the pages in the docs, and the program that makes them small."""

import struct
import zlib
from pathlib import Path

import pytest

from mcp_errortracking.server.apps.pages import PAGES
from tools.pictures import FOLDER, LARGEST
from tools.png import with_palette

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", PAGES)
def test_each_page_has_a_small_picture_in_the_docs(page: str) -> None:
    content = (FOLDER / f"{page}.png").read_bytes()

    assert content.startswith(b"\x89PNG")
    assert len(content) < LARGEST
    assert f"pictures/{page}.png)" in (DOCS / "pages.md").read_text("utf-8")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize(
    ("rows", "filters"),
    [
        ([[255, 0, 0, 255, 0, 0], [0, 0, 255, 255, 0, 0]], (0, 0)),
        ([[255, 0, 0, 0, 0, 0], [1, 0, 255, 0, 0, 0]], (1, 4)),
    ],
)
def test_colours_survive_in_a_palette(rows: list[list[int]], filters: tuple[int, int]) -> None:
    packed = b"".join(bytes([kind, *row]) for kind, row in zip(filters, rows, strict=True))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
    small = with_palette(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b""))

    palette = small[small.index(b"PLTE") + 4 :]
    data = small[small.index(b"IDAT") - 4 :]
    (size,) = struct.unpack(">I", data[:4])
    lines = zlib.decompress(data[8 : 8 + size])
    pixels = [[tuple(palette[3 * one : 3 * one + 3]) for one in lines[at + 1 : at + 3]] for at in (0, 3)]
    red, blue = (255, 0, 0), (0, 0, 255)
    assert pixels == ([[red, red], [blue, red]] if filters == (0, 0) else [[red, red], [blue, blue]])
