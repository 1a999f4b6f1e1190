"""Stack frames in one form, from an engine (see `stack_text`) or from PostHog.

Engines count differently. V8 (Chrome, Node), Firefox and Safari write lines and columns from 1. Hermes' compiled frames
(`address at`) have a bytecode offset from 0 as their column. PostHog's SDKs send `lineno` and `colno` as the engine
wrote them, and PostHog keeps them in frames that it could not resolve: Hermes' have an offset there too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.catalog.endpoint import number_of, text_of
from mcp_errortracking.catalog.frame_positions import failure_of, is_bytecode, lacks_symbol_set, missing_ref

_NO_FILE = "unknown file"
_NOT_OF_THE_APP = (
    ("of Node itself", re.compile(r"node:|internal/")),
    (
        "of the engine itself",
        re.compile(r"<anonymous>$|\(?native\)?$|\[native code\]|(?:ext|bun):|InternalBytecode\.js$"),
    ),
    (
        "of Java or Kotlin",
        re.compile(r"(?:[^:?]{0,500}/)?[\w$]{1,200}\.(?:java|kt)$|(?:Native Method|Unknown Source)$"),
    ),
    ("of the user's browser extensions", re.compile(r"[\w-]*-extension://|webkit-masked-url:")),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A stack frame. `line` counts from 1, `column` from 0, for every engine; None: unknown. `file`: a URL or path.

    `function`: the minified name that the engine reports. `chunk_id`: the one that PostHog's SDK found for the file.
    `script`: if it found none, the URL that PostHog itself searched for a map; a symbol set may have it as its ref.
    """

    file: str
    line: int
    column: int | None
    function: str | None = None
    chunk_id: str | None = None
    script: str | None = None
    is_missed: bool = False
    """PostHog had no symbol set for it when the event arrived."""

    @property
    def place(self) -> str:
        """File, line and column, both from 1: `main.js:1:48213`."""
        return ":".join([self.file, str(self.line), *([] if self.column is None else [str(self.column + 1)])])


def foreign_origin(frame: Frame) -> str | None:
    """Return the origin of a frame that is not of the app, like "of Node itself"; source maps do not exist for it."""
    # PostHog keeps only the path of a script's URL as its file.
    names = (frame.file, frame.script or "")
    origin = next((whose for whose, files in _NOT_OF_THE_APP if any(map(files.match, names))), None)
    return origin or ("with a made-up position: line 0" if frame.line == 0 else None)


def parse_event_frames(frames: Sequence[Mapping[str, Any]], library: Any = None) -> list[Frame]:
    """Return the frames of PostHog's `$exception_list[].stacktrace.frames` with file and line, innermost call first.

    PostHog lists the outermost call first. Frames that it has resolved itself are left out.
    Both the SDKs' names of the fields (`filename`, `lineno`, `colno`, `function`) and those of the server's frames
    (`source`, `line`, `column`, `mangled_name`) are read. `symbol_set_ref` is a chunk id, or the script's URL or path;
    without it, the text of the failure names one. A frame without a file needs a chunk id.

    Args:
        library: `$lib` of the event, if known.
    """
    found: list[Frame] = []
    for fields in reversed(frames):
        line, column = number_of(fields, "lineno", "line"), number_of(fields, "colno", "column")
        if (fields.get("resolved") is True and failure_of(fields) is None) or (line is None and column is None):
            continue
        function = text_of(fields, "function", "mangled_name")
        ref = text_of(fields, "symbol_set_ref") or missing_ref(fields) or ""
        file = text_of(fields, "filename", "source", "abs_path") or (ref and (text_of(fields, "module") or _NO_FILE))
        if not file:
            continue
        is_place = ref == file or any(mark in ref for mark in "/\\:")
        starts_at = 0 if is_bytecode(fields, library) else 1
        found.append(
            Frame(
                file,
                1 if line is None else line,
                None if column is None else max(0, column - starts_at),
                None if function in ("", "?", "<anonymous>") else function,
                text_of(fields, "chunk_id") or (None if is_place else ref or None),
                ref if is_place else None,
                lacks_symbol_set(fields),
            )
        )
    return found
