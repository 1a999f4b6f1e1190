"""Lines of source for the frames that PostHog resolved itself: its events do not have them (contract 6.13.4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_errortracking.catalog.frame_positions import failure_of, position_of, text_of
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError, printable
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines, decode_pieces
from mcp_errortracking.workflows.source_maps.maps.source_paths import find_on_disk, readable_path
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols

_MOST_FRAMES = 20
_LARGEST_SOURCE = 10 * 1024 * 1024
_LONGEST_LINE = 300


@dataclass(frozen=True, slots=True)
class ReadableFrame:
    """A frame of the app's own code with its position in the source, from 1; `column` None: unknown."""

    function: str
    source: str
    line: int
    column: int | None
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
            "context": [{"number": number, "line": text} for number, text in self.context.items()],
        }

    def lines(self) -> list[str]:
        """Return the frame and its source as people read them."""
        place = ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)
        marked = [f"  {'>' if number == self.line else ' '} {number}| {text}" for number, text in self.context.items()]
        return [f"{self.function} ({place}), lines from {self.origin}", *marked]


def readable_frames(frames: Iterable[dict[str, Any]], library: Any) -> list[ReadableFrame]:
    """Return the frames of the app's own code whose line is certain, in their order, 20 at most.

    Args:
        library: `$lib` of the event.
    """
    found = list[ReadableFrame]()
    for frame in frames:
        source, position = text_of(frame, "source"), position_of(frame, library)
        if failure_of(frame) or not frame.get("in_app") or not source or position.line is None or position.is_uncertain:
            continue
        if position.line < 1:
            continue
        name = text_of(frame, "resolved_name", "mangled_name") or "?"
        found.append(ReadableFrame(name, source, position.line, position.column))
    return found[:_MOST_FRAMES]


def with_source(
    frames: Sequence[ReadableFrame], roots: Roots, downloaded: Iterable[tuple[str, Symbols]], around: int
) -> list[ReadableFrame]:
    """Return the frames whose source lies below the roots or in a symbol set, with its lines.

    Args:
        downloaded: symbol sets that are here already, by their ref.
        around: the number of lines before and after.
    """
    if not frames:
        return []
    uploaded = dict[str, tuple[str, str]]()
    for ref, symbols in downloaded:
        for name, text in symbols.map.contents().items():
            uploaded.setdefault(readable_path(name), (f"symbol set {ref}", text))
    shown = list[ReadableFrame]()
    for frame in frames:
        path = find_on_disk(roots, frame.source, None)
        text = _text(roots, path) if path else None
        origin = printable(str(path))
        if text is None:
            origin, text = uploaded.get(readable_path(frame.source), ("", None))
        lines = Lines(text) if text is not None else ()
        if frame.line > len(lines):
            continue  # the source is of another version
        first, last = max(1, frame.line - around), min(len(lines), frame.line + around)
        context = {number: lines[number - 1][:_LONGEST_LINE] for number in range(first, last + 1)}
        shown.append(ReadableFrame(frame.function, frame.source, frame.line, frame.column, origin, context))
    return shown


def _text(roots: Roots, path: Path) -> str | None:
    try:
        return "".join(decode_pieces(roots.read(path, _LARGEST_SOURCE)))
    except WorkflowError:
        return None
