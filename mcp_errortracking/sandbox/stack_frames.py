"""Stack frames (contract 6.8)."""

from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "stack_frame"
_FIELDS = ("id", "raw_id", "created_at", "contents", "resolved", "context", "symbol_set_ref")


def show(call: Call, frame: Document) -> Document:
    """Return a frame with its release in full."""
    release = call.store.get("release", call.project_id, frame["release"]) if frame.get("release") else None
    return {**{name: frame[name] for name in _FIELDS}, "release": release}


def list_frames(call: Call) -> Response:
    frames = call.store.all(KIND, call.project_id)
    return json_answer(page(frames, call.query, call.url, lambda frame: show(call, frame)))


def retrieve(call: Call) -> Response:
    return json_answer(show(call, find(call, KIND)))


def batch_get(call: Call) -> Response:
    fields = call.fields()
    frames = call.store.all(KIND, call.project_id)
    asked: Any = fields.get("raw_ids")
    if isinstance(asked, list):
        wanted = {str(raw) if "/" in str(raw) else f"{raw}/0" for raw in cast("list[Any]", asked)}
        frames = [frame for frame in frames if frame["raw_id"] in wanted]
    if symbol_set := fields.get("symbol_set"):
        found = call.store.get("symbol_set", call.project_id, symbol_set)
        ref = found["ref"] if found else None
        frames = [frame for frame in frames if ref is not None and frame["symbol_set_ref"] == ref]
    return json_answer({"results": [show(call, frame) for frame in frames]})


ROUTES = [
    Route("stack_frames", {"GET": Action(list_frames)}),
    Route("stack_frames/batch_get", {"POST": Action(batch_get)}),
    Route("stack_frames/{id}", {"GET": Action(retrieve)}),
]
