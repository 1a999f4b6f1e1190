"""Symbols: a map, with its bundle if available, as frames are resolved with. Cached in memory between calls."""

import re
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from threading import Lock

from mcp_errortracking.workflows.source_maps.maps.map_json import parse_map, text_of
from mcp_errortracking.workflows.source_maps.maps.pieces import decode_pieces, keep_line_ends_whole
from mcp_errortracking.workflows.source_maps.maps.source_lines import line_starts
from mcp_errortracking.workflows.source_maps.maps.source_map import SourceMap, is_hermes, map_from_fields

_LINE_ENDS = ("\r", "\u2028", "\u2029")
_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")
_TEXT = 60
"""Bytes that a short string takes in memory in addition to its letters."""
_CACHED = 256 * 1024 * 1024


class Symbols:
    """A map with its bundle. `map_path`: the path of the map, if it is a local file."""

    def __init__(self, script: bytes | None, map_text: bytes, map_path: Path | None = None) -> None:
        """Parse the map; costly work is done on first use.

        Raises:
            InvalidMapError: it is not a source map.
        """
        fields = parse_map(map_text)
        self.map: SourceMap = map_from_fields(fields)
        self.is_hermes = is_hermes(fields)
        self.chunk_id = text_of(fields, "chunk_id")
        self.map_path = map_path
        self.size = len(map_text) + len(script or b"") + _TEXT * self.map.text_count
        self.names: dict[tuple[int, int, str], str | None] = {}
        """Results of searches for original function names, by line, column and minified name."""
        self._script = script
        self._text: str | None = None
        self._starts = array("I")

    @property
    def text(self) -> str:
        """The bundle, with columns as JavaScript counts them (UTF-16 units); empty if it is not available.

        Every line ends with `\\n`, also where the bundle has another line end.
        """
        if self._text is None:
            pieces = keep_line_ends_whole(decode_pieces(self._script or b""))
            self._text = text = "".join(map(_in_units, pieces))
            self._script = None
            self._starts = line_starts(text)
        return self._text

    def offset(self, line: int, column: int) -> int | None:
        """Return the offset of a position (from 0) in the text."""
        if not self.text or not 0 <= line < len(self._starts):
            return None
        return self._starts[line] + column

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return the line and column (from 0) of an offset in the text."""
        line = bisect_right(self._starts, offset) - 1
        return line, offset - self._starts[line]


def _in_units(text: str) -> str:
    if not text.isascii():
        text = _TWO_UNITS.sub("??", text)
    text = text.replace("\r\n", " \n")
    for end in _LINE_ENDS:
        text = text.replace(end, "\n")
    return text


class SymbolCache:
    """The symbols used last, within a limit of bytes. Thread-safe."""

    def __init__(self, size: int = _CACHED) -> None:
        self._most = size
        self._kept: OrderedDict[Hashable, Symbols] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, load: Callable[[], Symbols]) -> Symbols:
        """Return the symbols of a key; load them if they are not cached.

        Args:
            key: identifies the content: its hash, or path, size and time of change.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        loaded = load()
        with self._lock:
            self._kept[key] = loaded
            while len(self._kept) > 1 and sum(symbols.size for symbols in self._kept.values()) > self._most:
                self._kept.popitem(last=False)
        return loaded


CACHE = SymbolCache()
"""The cache of this process."""
