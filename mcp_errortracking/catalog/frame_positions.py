"""Positions of stack frames as people count them, lines and columns from 1 (contract 6.13.6).

PostHog stores a source-mapped position as the map has it, from 0, and leaves out a 0. Every other position is as the
SDK sent it: from 1, except the columns of Hermes' bytecode, which are offsets from 0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.catalog.endpoint import number_of, text_of

Fields = Mapping[str, Any]

_MISSING_REF = re.compile(
    r"(?:\bNo \w+(?: \w+)? (?:uploaded )?for (?:chunk id|id|debug_id): |\bfor source url: |\bon chunk )(.++)$",
    re.DOTALL,  # a reference is any text
)
_NO_SYMBOL_SET = re.compile(r"No \w+(?: \w+)? (?:uploaded )?for (?:chunk id|id|debug_id): |Could not find sourcemap ")
_HERMES_FAILURE = re.compile(r"No chunk id sent with frame$|No token for column \d+ on chunk ")
_HERMES_BUNDLE = re.compile(r"address at |.*\.(?:jsbundle|bundle|hbc)$", re.DOTALL)
_REACT_NATIVE = "posthog-react-native"
_NODE = "posthog-node"
_NEVER_NODE = ("web", _REACT_NATIVE)
_JAVASCRIPT = ("web", "js", _NODE, _REACT_NATIVE, "posthog-js", "posthog-js-lite")
_RUNNING_FILE = re.compile(
    r"(?:/|[A-Za-z]:\\|(?:https?|file|app|capacitor)://).*\.(?:[cm]?js|jsbundle|bundle)$", re.DOTALL
)
_COMPILED_LANGUAGE = re.compile(r".*\.(?:[cm]?tsx?|jsx|vue|svelte)$|webpack:", re.DOTALL)
_LONGEST_LINE = 300
"""Columns of a hand-written line."""


@dataclass(frozen=True, slots=True)
class Position:
    """A line and a column from 1; None: unknown. `is_uncertain`: the line may also be the next one."""

    line: int | None = None
    column: int | None = None
    is_uncertain: bool = False

    def __str__(self) -> str:
        if self.line is None:
            return ""
        line = f"{self.line} or {self.line + 1}" if self.is_uncertain else str(self.line)
        return line if self.column is None else f"{line}:{self.column}"


def failure_of(frame: Fields) -> str | None:
    """Return the reason why a frame is not resolved; None if it is.

    A frame may be `resolved` and have a failure: its map failed (contract 6.13.4).
    """
    return text_of(frame, "resolve_failure") or ("no reason given" if frame.get("resolved") is False else None)


def missing_ref(frame: Fields) -> str | None:
    """Return the chunk id, script URL or debug id that the text of a frame's failure ends with."""
    found = _MISSING_REF.search(text_of(frame, "resolve_failure")[-2100:])
    return found[1] if found else None


def lacks_symbol_set(frame: Fields) -> bool:
    """True if ingestion found no symbol set for a frame."""
    return bool(_NO_SYMBOL_SET.match(text_of(frame, "resolve_failure")))


def is_bytecode(frame: Fields, library: Any) -> bool:
    """True if the column is an offset in Hermes' bytecode: an unresolved frame of a React Native app.

    Args:
        library: `$lib` of the event.
    """
    if "hermes" in (frame.get("platform"), frame.get("lang")):
        return True
    if frame.get("lang") not in (None, "javascript") or failure_of(frame) is None:
        return False
    if _HERMES_FAILURE.match(text_of(frame, "resolve_failure")):
        return True
    bundle = _HERMES_BUNDLE.match(text_of(frame, "source", "filename")) is not None
    return number_of(frame, "line", "lineno") in (None, 1) and (bundle or library == _REACT_NATIVE)


def position_of(frame: Fields, library: Any = None) -> Position:
    """Return the position of a frame of an event, or of the contents of a stack frame's record.

    Args:
        library: `$lib` of the event, if known.
    """
    line, column = number_of(frame, "line"), number_of(frame, "column")
    if not _is_javascript_without_failure(frame):
        return Position(line, column)
    if line is None and column is None:
        return Position()
    is_named_alike = frame.get("resolved_name") == frame.get("mangled_name")
    if column is None and is_named_alike and library not in _NEVER_NODE:
        return _of_node(text_of(frame, "source"), line)
    return _from_zero(line, column)


def position_of_top_frame(frame: Fields, library: Any) -> Position:
    """Return the position of a `top_in_app_frame`, which says nothing of a map: it is judged by what it looks like.

    Args:
        library: the issue's.
    """
    if "lang" in frame or "resolved" in frame:
        return position_of(frame, library)
    line, column, source = number_of(frame, "line"), number_of(frame, "column"), text_of(frame, "source")
    is_minified = line in (None, 1) and (column or 0) > _LONGEST_LINE
    if library not in _JAVASCRIPT or is_minified or (_RUNNING_FILE.match(source) and column is not None):
        return Position(line, column)
    if line is None and column is None:
        return Position()
    if column is None and (library == _NODE or _RUNNING_FILE.match(source)):
        return _of_node(source, line)
    return _from_zero(line, column)


def _is_javascript_without_failure(frame: Fields) -> bool:
    return frame.get("lang") == "javascript" and frame.get("resolved") is True and failure_of(frame) is None


def _from_zero(line: int | None, column: int | None) -> Position:
    return Position((line or 0) + 1, (column or 0) + 1)


def _of_node(source: str, line: int | None) -> Position:
    """Return the position of a frame that either was never mapped, or is mapped to the first column of a line."""
    if source.startswith("node:") or line is None:
        return Position(line)
    if _COMPILED_LANGUAGE.match(source):
        return _from_zero(line, None)
    return Position(line, is_uncertain=True)
