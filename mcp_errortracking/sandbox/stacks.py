"""Stacks and their frames as `query/issue_events` returns them (contract 6.13.3, 6.13.4)."""

import json
from typing import Any, cast

from mcp_errortracking.sandbox.store import Document

MAX_FRAMES = 50
_STRIPPED = ("raw_id", "junk_drawer", "chunk_id", "context", "release")
_SPELLINGS = {
    "mangled_name": ("function", "name"),
    "source": ("filename", "abs_path"),
    "line": ("lineno",),
    "column": ("colno",),
}
"""The keys of an SDK that fill a frame which was stored without resolution."""


class References:
    """The stacks that already stand on a page, so that equal ones can point to them."""

    def __init__(self) -> None:
        self._seen = dict[str, tuple[str, int]]()

    def shorten(self, stack: Document, event_id: str, index: int) -> Document:
        """Return a stack, or a reference to the equal one that stands before it on the page."""
        if not stack.get("frames"):
            return stack
        first = self._seen.setdefault(json.dumps(stack, sort_keys=True), (event_id, index))
        if first == (event_id, index):
            return stack
        return {"same_as_event": first[0], "same_as_exception": first[1]}


def show_stack(stack: Document, *, only_app: bool, variables: bool, limit: int | None) -> Document:
    """Return a stack with the frames that were asked for, at most the innermost `limit` of them."""
    frames = [frame for frame in frames_of(stack) if frame.get("in_app") or not only_app]
    omitted = max(0, len(frames) - limit) if limit is not None else 0
    shown = [show_frame(frame, variables=variables) for frame in frames[omitted:]]
    answer: Document = {"type": stack.get("type", "resolved")}
    if shown:
        answer["frames"] = shown
    return {**answer, "frames_omitted": omitted} if omitted else answer


def show_frame(frame: Document, *, variables: bool) -> Document:
    """Return a frame without what ingestion alone needs, and without what is empty: a line or column 0 is, too."""
    left_out = _STRIPPED if variables else (*_STRIPPED, "code_variables")
    whole = dict(frame)
    for name, spellings in _SPELLINGS.items():
        if is_empty(whole.get(name)):
            whole[name] = next((frame[one] for one in spellings if not is_empty(frame.get(one))), None)
    return {
        name: value
        for name, value in whole.items()
        if name not in left_out and not is_empty(value) and not (name in ("line", "column") and value == 0)
    }


def frames_of(stack: Any) -> list[Document]:
    """Return the frames of a stack, the outermost call first."""
    return cast("Document", stack).get("frames") or [] if isinstance(stack, dict) else []


def is_empty(value: Any) -> bool:
    """True for what answers leave out: null, and empty texts, lists and objects."""
    return value is None or value in ("", [], {})
