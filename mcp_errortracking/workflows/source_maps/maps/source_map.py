"""A source map of either kind, with a lookup from a position in the bundle to the original source."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Protocol, cast

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps.map_json import Fields, is_index_map, parse_map, sections_of, text_of
from mcp_errortracking.workflows.source_maps.maps.mappings import UNMAPPED, MappedPosition, Mappings, check_letters
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines

LONGEST_NAME = 4096
"""Characters of a source's name; longer ones, which are the source itself as a data URL, are cut off."""
_LONGEST_IDENTIFIER = 1000
_DEPTH = 16
"""Levels of index maps within index maps."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in an original source.

    `source`: as the map names it, below its `sourceRoot`; None if the map names none, or the code has no original.
    `line` counts from 1, `column` from 0, as in JavaScript's own tools. `name`: the original identifier. `is_ignored`:
    the map marks it as not the user's own code. `text`: the lines of the source, if the map holds them.
    """

    source: str | None
    line: int
    column: int
    name: str | None
    is_ignored: bool
    text: Lines | None


class SourceMap(Protocol):
    """A map of either kind."""

    @property
    def sources(self) -> list[str | None]:
        """The original sources, each below its `sourceRoot`."""
        ...

    @property
    def text_count(self) -> int:
        """The number of strings in `sources` and `names`."""
        ...

    def contents(self) -> dict[str, str]:
        """Return the sources that the map holds, by name."""
        ...

    def find(self, line: int, column: int, *, before: bool = False) -> Position | None:
        """Return the original of a position in the bundle (from 0); see `Mappings.find`.

        None: its line has no segment up to there. A position without a source: the bundler generated that code.

        Raises:
            InvalidMapError: the mappings lead outside the sources.
        """
        ...


def read(content: bytes) -> SourceMap:
    """Return the map in a file's content. Its mappings are decoded on first use.

    Raises:
        InvalidMapError: it is not a source map.
    """
    return map_from_fields(parse_map(content))


def map_from_fields(fields: Fields) -> SourceMap:
    """Return the map of parsed JSON fields. Of its mappings only the letters are checked.

    Raises:
        InvalidMapError: they are not a source map.
    """
    return _map(fields, _DEPTH)


def version_of(fields: Fields) -> int | float | str | None:
    """Return the version that a map names, if it is a number or a string."""
    version = fields.get("version")
    return version[:20] if isinstance(version, str) else version if isinstance(version, int | float) else None


def is_hermes(fields: Fields) -> bool:
    """True if it maps Hermes bytecode (contract 5.1), whose columns are bytecode offsets."""
    return "x_hermes_function_offsets" in fields


def _map(fields: Fields, depth: int) -> SourceMap:
    if fields.get("version") != 3:
        found = f"Its version is {version_of(fields)}" if "version" in fields else "It names no version"
        raise InvalidMapError(f"{found}; only version 3 is supported.")
    if depth == 0:
        raise InvalidMapError("Its sections are nested too deeply.")
    return _IndexMap(fields, depth) if is_index_map(fields) else _PlainMap(fields)


class _PlainMap:
    def __init__(self, fields: Fields) -> None:
        mappings = fields.get("mappings")
        if not isinstance(mappings, str):
            raise InvalidMapError("It has neither mappings nor sections.")
        check_letters(mappings)
        self._root = text_of(fields, "sourceRoot")
        self._sources = _texts(fields, "sources")
        self._names = _texts(fields, "names")
        self._contents = _texts(fields, "sourcesContent")
        ignored: Any = fields.get("ignoreList", fields.get("x_google_ignoreList"))
        self._ignored: list[Any] = cast("list[Any]", ignored) if isinstance(ignored, list) else []
        self._text = mappings
        self._mappings: Mappings | None = None
        self._lines: dict[int, Lines] = {}

    @property
    def sources(self) -> list[str | None]:
        return [self._below_root(source) for source in self._sources]

    @property
    def text_count(self) -> int:
        return len(self._sources) + len(self._names)

    def contents(self) -> dict[str, str]:
        pairs = zip(self.sources, self._contents, strict=False)
        return {source: text for source, text in pairs if source is not None and text is not None}

    def find(self, line: int, column: int, *, before: bool = False) -> Position | None:
        if self._mappings is None:
            self._mappings = Mappings(self._text)
            self._text = ""
        mapped = self._mappings.find(line, column, before=before)
        return self._position(mapped) if mapped else None

    def _position(self, mapped: MappedPosition) -> Position:
        if mapped is UNMAPPED:
            return Position(None, 0, 0, None, is_ignored=False, text=None)
        if mapped.source >= len(self._sources):
            raise InvalidMapError(f"Its mappings name source {mapped.source} of {len(self._sources)}.")
        if mapped.name is not None and mapped.name >= len(self._names):
            raise InvalidMapError(f"Its mappings name name {mapped.name} of {len(self._names)}.")
        name = self._names[mapped.name] if mapped.name is not None else None
        return Position(
            self._below_root(self._sources[mapped.source]),
            mapped.line + 1,
            mapped.column,
            name and name[:_LONGEST_IDENTIFIER],
            mapped.source in self._ignored,
            self._text_lines(mapped.source),
        )

    def _below_root(self, source: str | None) -> str | None:
        return None if source is None else below_root(self._root, source)

    def _text_lines(self, source: int) -> Lines | None:
        text = self._contents[source] if source < len(self._contents) else None
        if text is None:
            return None
        if source not in self._lines:
            self._lines[source] = Lines(text)
        return self._lines[source]


class _IndexMap:
    def __init__(self, fields: Fields, depth: int) -> None:
        sections = sections_of(fields)
        self._offsets = [(line, column) for _, line, column, _ in sections]
        self._maps = [_map({"version": 3, **nested}, depth - 1) for *_, nested in sections]
        self._before: dict[int, Position | None] = {}

    @property
    def sources(self) -> list[str | None]:
        return [source for nested in self._maps for source in nested.sources]

    @property
    def text_count(self) -> int:
        return sum(nested.text_count for nested in self._maps)

    def contents(self) -> dict[str, str]:
        return {source: text for nested in self._maps for source, text in nested.contents().items()}

    def find(self, line: int, column: int, *, before: bool = False) -> Position | None:
        at = bisect_right(self._offsets, (line, column)) - 1
        found: Position | None = None
        passed: list[int] = []
        while at >= 0:
            starts_line, starts_column = self._offsets[at]
            shift = starts_column if starts_line == line else 0
            found = self._maps[at].find(line - starts_line, column - shift, before=before)
            if found or starts_line < line:
                break
            # The section has nothing in this line yet: the last segment of the section before counts.
            if at in self._before:
                found = self._before[at]
                break
            passed.append(at)
            column, before, at = starts_column, True, at - 1
        self._before.update(dict.fromkeys(passed, found))
        return found


def below_root(root: str | None, source: str) -> str:
    """Return the name of a source below the `sourceRoot`."""
    name = f"{root[:LONGEST_NAME].rstrip('/')}/{source}" if root else source
    return name[:LONGEST_NAME]


def _texts(fields: Fields, name: str) -> list[str | None]:
    listed: Any = fields.get(name)
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise InvalidMapError(f"Its {name} are not a list.")
    if not set(map(type, cast("list[Any]", listed))) <= {str, type(None)}:
        if name == "names":  # some bundlers write numbers
            return [item if isinstance(item, str) else str(item) for item in cast("list[Any]", listed)]
        raise InvalidMapError(f"Its {name} are not a list of strings.")
    return cast("list[str | None]", listed)
