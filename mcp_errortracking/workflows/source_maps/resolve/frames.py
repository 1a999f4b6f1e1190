"""Stack frames in one form, from an engine (see `stack_text`) or from PostHog.

Engines count differently. V8 (Chrome, Node), Firefox and Safari write lines and columns from 1. Hermes' compiled frames
(`address at`) have a bytecode offset from 0 as their column. PostHog's SDKs send `lineno` and `colno` as the engine
wrote them, so its frames are read in the same way; frames of platform `hermes` have an offset.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NOT_OF_THE_APP = (
    ("of Node itself", re.compile(r"node:|internal/")),
    ("of the engine itself", re.compile(r"<anonymous>$|native$|\[native code\]|(?:ext|bun):|InternalBytecode\.js$")),
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

    @property
    def place(self) -> str:
        """File, line and column, both from 1: `main.js:1:48213`."""
        return ":".join([self.file, str(self.line), *([] if self.column is None else [str(self.column + 1)])])


def foreign_origin(frame: Frame) -> str | None:
    """Return the origin of a frame that is not of the app, like "of Node itself"; source maps do not exist for it."""
    return next((whose for whose, files in _NOT_OF_THE_APP if files.match(frame.file)), None)


def parse_event_frames(frames: Sequence[Mapping[str, Any]]) -> list[Frame]:
    """Return the frames of PostHog's `$exception_list[].stacktrace.frames` with file and line, innermost call first.

    PostHog lists the outermost call first. Frames that it has resolved itself are left out.
    Both the SDKs' names of the fields (`filename`, `lineno`, `colno`, `function`) and those of the server's frames
    (`source`, `line`, `column`, `mangled_name`) are read. `symbol_set_ref` is a chunk id, or the script's URL or path.
    """
    found: list[Frame] = []
    for fields in reversed(frames):
        file = _text(fields, "filename", "source", "abs_path")
        line, column = _number(fields, "lineno", "line"), _number(fields, "colno", "column")
        if file is None or line is None or fields.get("resolved") is True:
            continue
        starts_at = 0 if _text(fields, "platform", "lang") == "hermes" else 1
        function = _text(fields, "function", "mangled_name")
        ref = _text(fields, "symbol_set_ref") or ""
        is_place = ref == file or "/" in ref or "\\" in ref
        found.append(
            Frame(
                file,
                line,
                None if column is None else max(0, column - starts_at),
                None if function in ("?", "<anonymous>") else function,
                _text(fields, "chunk_id") or (None if is_place else ref or None),
                ref if is_place else None,
            )
        )
    return found


def _text(fields: Mapping[str, Any], *names: str) -> str | None:
    values = (fields.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), None)


def _number(fields: Mapping[str, Any], *names: str) -> int | None:
    values = (fields.get(name) for name in names)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), None)
