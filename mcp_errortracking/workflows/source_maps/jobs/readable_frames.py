"""Lines of source for the frames that PostHog resolved itself: its events do not have them (contract 6.13.4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mcp_errortracking.catalog.endpoint import text_of
from mcp_errortracking.catalog.frame_positions import failure_of, position_of
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import printable
from mcp_errortracking.workflows.source_maps.maps.excerpt import excerpt, lines_on_disk, rows_of, shown
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines
from mcp_errortracking.workflows.source_maps.maps.source_paths import find_on_disk, readable_path
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols

_MOST_FRAMES = 20


@dataclass(frozen=True, slots=True)
class ReadableFrame:
    """A frame of the app's own code with its position in the source, from 1; `column` None: unknown.

    `is_mapped`: a source map resolved it, so a symbol set may have its source.
    """

    function: str
    source: str
    line: int
    column: int | None
    is_mapped: bool = False
    origin: str = ""
    """The place that `context` is from: a path on this machine, or an uploaded symbol set."""
    context: dict[int, str] = field(default_factory=dict[int, str])

    def row(self) -> dict[str, Any]:
        """Return the frame for a program."""
        return {
            "function": self.function,
            "source": self.source,
            "line": self.line,
            "column": self.column,
            "lines_from": self.origin,
            "context": rows_of(self.context),
        }

    def lines(self) -> list[str]:
        """Return the frame and its source as people read them."""
        place = ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)
        return [f"{self.function} ({place}), lines from {self.origin}", *shown(self.context, self.line)]


def readable_frames(frames: Iterable[dict[str, Any]], library: Any) -> list[ReadableFrame]:
    """Return the frames of the app's own code whose line is certain, in their order, 20 at most.

    Args:
        library: `$lib` of the event.
    """
    found = list[ReadableFrame]()
    for frame in frames:
        if len(found) == _MOST_FRAMES:
            break
        source, position = text_of(frame, "source"), position_of(frame, library)
        if failure_of(frame) or not frame.get("in_app") or not source or position.line is None or position.is_uncertain:
            continue
        if position.line < 1:
            continue
        name = text_of(frame, "resolved_name", "mangled_name") or "?"
        found.append(ReadableFrame(name, source, position.line, position.column, frame.get("lang") == "javascript"))
    return found


def lacks_source(frames: Sequence[ReadableFrame], found: Sequence[ReadableFrame]) -> bool:
    """True if a symbol set may have the source of a frame that `with_source` did not find."""
    return sum(one.is_mapped for one in frames) > sum(one.is_mapped for one in found)


def with_source(
    frames: Sequence[ReadableFrame], roots: Roots, downloaded: Iterable[tuple[str, Symbols]], around: int
) -> list[ReadableFrame]:
    """Return the frames whose source lies below the roots or in a symbol set, with its lines.

    Args:
        downloaded: symbol sets that are here already, by their ref.
        around: the number of lines before and after.
    """
    uploaded: dict[str, tuple[str, str]] | None = None
    found = list[ReadableFrame]()
    for frame in frames:
        path = find_on_disk(roots, frame.source, None)
        origin, lines = printable(str(path)), lines_on_disk(roots, path)
        if lines is None:
            uploaded = _uploaded(downloaded) if uploaded is None else uploaded
            origin, text = uploaded.get(readable_path(frame.source), ("", None))
            lines = None if text is None else Lines(text)
        if lines is not None and frame.line <= len(lines):  # else the source is of another version
            found.append(replace(frame, origin=origin, context=excerpt(lines, frame.line, around)))
    return found


def _uploaded(downloaded: Iterable[tuple[str, Symbols]]) -> dict[str, tuple[str, str]]:
    """Return the sources of symbol sets by readable path, each with its origin; of two alike, the first."""
    found = dict[str, tuple[str, str]]()
    for ref, symbols in downloaded:
        for name, text in symbols.map.contents().items():
            found.setdefault(readable_path(name), (f"symbol set {ref}", text))
    return found
