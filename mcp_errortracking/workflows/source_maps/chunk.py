"""What is to be uploaded: one bundle, or one mapping file, with the id that PostHog knows it by."""

from collections.abc import Callable
from dataclasses import dataclass

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.source_maps.container import DataType

Part = LocalFile | Callable[[], bytes]
"""Where bytes come from: a file, or a function that makes them whenever they are needed (an inline map, a map rewritten
in memory). The function is called in a worker thread, more than once, and must make the same bytes each time."""


@dataclass(frozen=True, slots=True)
class ReleaseMark:
    """The release id that a bundle itself tells PostHog's SDK: the code that does, and at which byte it stands."""

    id: str
    at: int
    text: bytes

    @property
    def end(self) -> int:
        """The byte after it."""
        return self.at + len(self.text)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One symbol set to be: `map` is the source map, the Hermes map, the ProGuard mapping or the debug file.

    The files hold what is uploaded: a source with its chunk id injected, as it is deployed.
    """

    chunk_id: str
    map: Part
    source: Part | None = None
    """The minified bundle; there is one exactly for a `SOURCE_AND_MAP`."""
    kind: DataType = DataType.SOURCE_AND_MAP
    name: str = ""
    """What people call it: the bundle's path in its folder."""
    release: ReleaseMark | None = None
    """What the source has of a release. The content hash leaves it out: it changes where nothing else does."""

    def __post_init__(self) -> None:
        if (self.source is not None) != (self.kind is DataType.SOURCE_AND_MAP):
            raise ValueError("a source goes with a source map, and with nothing else")

    @property
    def parts(self) -> tuple[Part, ...]:
        """What its container holds, in that order."""
        return (self.map,) if self.source is None else (self.source, self.map)

    @property
    def label(self) -> str:
        """Its name, or what else tells it apart."""
        part = self.parts[0]
        return self.name or (part.name if isinstance(part, LocalFile) else self.chunk_id)
