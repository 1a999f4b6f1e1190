"""A source map that answers: what original source stands behind this position of the bundle?"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Protocol, cast

from mcp_errortracking.workflows.map_json import Fields, parsed, sections_of, text_of
from mcp_errortracking.workflows.mappings import UNMAPPED, Mapped, Mappings, check_letters
from mcp_errortracking.workflows.problems import InvalidMapError

_LINE_END = re.compile("\r\n|[\n\r]")
_DEPTH = 16
"""How deep index maps may lie in index maps."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in an original source.

    `source`: as the map has it, below its `sourceRoot`; None where the map names none, or where the code has no
    original. `line` counts from 1, `column`
    from 0, as in JavaScript's own tools. `name`: the identifier there, as it was before it was minified. `is_ignored`:
    the map says that it is not the user's own code. `text`: the lines of the source, if the map holds them.
    """

    source: str | None
    line: int
    column: int
    name: str | None
    is_ignored: bool
    text: tuple[str, ...] | None


class SourceMap(Protocol):
    """A map of either kind."""

    @property
    def sources(self) -> list[str | None]:
        """The original sources, each below its `sourceRoot`."""
        ...

    def contents(self) -> dict[str, str]:
        """The sources that the map holds, by name."""
        ...

    def find(self, line: int, column: int, *, before: bool = False) -> Position | None:
        """The original of a position in the bundle, both from 0; see `Mappings.find`.

        None: its line has no segment up to there. A position without a source: the bundler made that code.

        Raises:
            InvalidMapError: the map leads to nowhere.
        """
        ...


def read(content: bytes) -> SourceMap:
    """The map in a file's content. Its mappings are decoded when they are asked for.

    Raises:
        InvalidMapError: it is none.
    """
    return of_fields(parsed(content))


def of_fields(fields: Fields) -> SourceMap:
    """The map that these JSON fields are. Of its mappings only the letters are looked at here.

    Raises:
        InvalidMapError: they are none.
    """
    return _map(fields, _DEPTH)


def is_hermes(fields: Fields) -> bool:
    """Whether it is a map of Hermes' bytecode (contract 5.1), whose columns are bytecode offsets."""
    return "x_hermes_function_offsets" in fields


def _map(fields: Fields, depth: int) -> SourceMap:
    if fields.get("version") != 3:
        said = f"Its version is {str(fields['version'])[:20]}" if "version" in fields else "It names no version"
        raise InvalidMapError(f"{said}; 3 is the one that is understood.")
    if depth == 0:
        raise InvalidMapError("Its sections are nested too deeply.")
    return _IndexMap(fields, depth) if "sections" in fields else _PlainMap(fields)


class _PlainMap:
    def __init__(self, fields: Fields) -> None:
        mappings = fields.get("mappings")
        if not isinstance(mappings, str):
            raise InvalidMapError("It has neither mappings nor sections.")
        check_letters(mappings)
        root = text_of(fields, "sourceRoot")
        self.sources = [
            f"{root.rstrip('/')}/{source}" if root and source is not None else source
            for source in _texts(fields, "sources")
        ]
        self._names = _texts(fields, "names")
        self._contents = _texts(fields, "sourcesContent")
        ignored: Any = fields.get("ignoreList", fields.get("x_google_ignoreList"))
        self._ignored: list[Any] = cast("list[Any]", ignored) if isinstance(ignored, list) else []
        self._text = mappings
        self._mappings: Mappings | None = None
        self._lines: dict[int, tuple[str, ...]] = {}

    def contents(self) -> dict[str, str]:
        pairs = zip(self.sources, self._contents, strict=False)
        return {source: _clean(text) for source, text in pairs if source is not None and text is not None}

    def find(self, line: int, column: int, *, before: bool = False) -> Position | None:
        if self._mappings is None:
            self._mappings = Mappings(self._text)
            self._text = ""
        mapped = self._mappings.find(line, column, before=before)
        return self._position(mapped) if mapped else None

    def _position(self, mapped: Mapped) -> Position:
        if mapped is UNMAPPED:
            return Position(None, 0, 0, None, is_ignored=False, text=None)
        if mapped.source >= len(self.sources):
            raise InvalidMapError(f"Its mappings name source {mapped.source} of {len(self.sources)}.")
        if mapped.name is not None and mapped.name >= len(self._names):
            raise InvalidMapError(f"Its mappings name name {mapped.name} of {len(self._names)}.")
        return Position(
            self.sources[mapped.source],
            mapped.line + 1,
            mapped.column,
            self._names[mapped.name] if mapped.name is not None else None,
            mapped.source in self._ignored,
            self._text_lines(mapped.source),
        )

    def _text_lines(self, source: int) -> tuple[str, ...] | None:
        text = self._contents[source] if source < len(self._contents) else None
        if text is None:
            return None
        if source not in self._lines:
            clean = _clean(text)
            self._lines[source] = tuple(_LINE_END.split(clean) if "\r" in clean else clean.split("\n"))
        return self._lines[source]


class _IndexMap:
    def __init__(self, fields: Fields, depth: int) -> None:
        sections = sections_of(fields)
        self._offsets = [(line, column) for _, line, column, _ in sections]
        self._maps = [_map({"version": 3, **nested}, depth - 1) for *_, nested in sections]
        self.sources = [source for nested in self._maps for source in nested.sources]

    def contents(self) -> dict[str, str]:
        return {source: text for nested in self._maps for source, text in nested.contents().items()}

    def find(self, line: int, column: int, *, before: bool = False) -> Position | None:
        at = bisect_right(self._offsets, (line, column)) - 1
        while at >= 0:
            starts_line, starts_column = self._offsets[at]
            shift = starts_column if starts_line == line else 0
            found = self._maps[at].find(line - starts_line, column - shift, before=before)
            if found or starts_line < line:
                return found
            # Nothing in this line of the section yet: what the section before has last in it stands.
            column, before, at = starts_column, True, at - 1
        return None


def _texts(fields: Fields, name: str) -> list[str | None]:
    listed: Any = fields.get(name)
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise InvalidMapError(f"Its {name} are no list.")
    if not all(isinstance(item, str) or item is None for item in cast("list[Any]", listed)):
        if name == "names":  # numbers are seen there
            return [item if isinstance(item, str) else str(item) for item in cast("list[Any]", listed)]
        raise InvalidMapError(f"Its {name} are no list of texts.")
    return cast("list[str | None]", listed)


def _clean(text: str) -> str:
    """Half surrogate pairs are replaced: they cannot be written anywhere."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
