"""The unit of an upload: one bundle with its map, or one mapping file, under the id that PostHog knows it by."""

from collections.abc import Callable
from dataclasses import dataclass

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.source_maps.container import DataType

Part = LocalFile | Callable[[], bytes]
"""A source of bytes: a file, or a function that returns them (an inline map, a map rewritten in memory). The function
is called in a worker thread, more than once, and must return the same bytes each time."""


@dataclass(frozen=True, slots=True)
class ReleaseMark:
    """The release id in a bundle, for PostHog's SDK: the code that sets it, and its byte offset."""

    id: str
    at: int
    text: bytes

    @property
    def end(self) -> int:
        """The offset of the byte after it."""
        return self.at + len(self.text)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One symbol set to upload: `map` is the source map, the Hermes map, the ProGuard mapping or the debug file.

    The files are as they will be deployed, the source with its chunk id injected.
    """

    chunk_id: str
    map: Part
    source: Part | None = None
    """The minified bundle; only a `SOURCE_AND_MAP` has one."""
    kind: DataType = DataType.SOURCE_AND_MAP
    name: str = ""
    """The name for messages: the bundle's path in its folder."""
    release: ReleaseMark | None = None
    """The release id in the source. The content hash leaves it out: builds that are otherwise equal differ in it."""
    written: tuple[str, ...] = ()
    """The names of the files that were changed for it; in a dry run, of those that would be."""
    repairs: tuple[str, ...] = ()
    """Repairs of the map that let PostHog read it, as sentences."""
    is_checked: bool = True
    """False if the map has not been read strictly yet; it must be before it is sent."""

    def __post_init__(self) -> None:
        if (self.source is not None) != (self.kind is DataType.SOURCE_AND_MAP):
            raise ValueError("a source goes with a source map, and with nothing else")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of its container, in order."""
        return (self.map,) if self.source is None else (self.source, self.map)

    @property
    def label(self) -> str:
        """Its name, or else the name of its file or its chunk id."""
        part = self.parts[0]
        return self.name or (part.name if isinstance(part, LocalFile) else self.chunk_id)
