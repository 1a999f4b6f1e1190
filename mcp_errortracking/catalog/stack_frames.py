"""Stack frames as PostHog resolved them, or why it could not (contract 6.8)."""

from typing import Annotated, Any

from pydantic import Field

from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Steps, as_object, as_objects
from mcp_errortracking.catalog.identifiers import StackFrameId, SymbolSetId
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.catalog.paging import PagedEndpoint, read_page
from mcp_errortracking.catalog.stack_traces import show_record


class ListStackFrames(PagedEndpoint, tool="error-tracking-stack-frames-list", request="GET stack_frames/"):
    """List the project's stored stack frames, with the reason where one is not resolved."""

    def steps(self) -> Steps:
        page = read_page((yield self.request()))
        return Outcome(page, display=_with_frames(page))


class RetrieveStackFrame(Endpoint, tool="error-tracking-stack-frames-retrieve", request="GET stack_frames/{id}/"):
    """Get a single stack frame by id, with its source context."""

    id: StackFrameId

    def steps(self) -> Steps:
        record = as_object((yield self.request()))
        return Outcome(record, display=show_record(record))


class GetStackFrames(
    Endpoint,
    tool="error-tracking-stack-frames-batch-get-create",
    request="POST stack_frames/batch_get/",
    read_only=True,
):
    """Get many stack frames by raw_id, found in the list of frames; events have none."""

    # PostHog answers a call without any with every frame of the project (contract 6.8), so it is required here.
    raw_ids: Annotated[list[Annotated[str, Field(min_length=1)]], Shown(["<raw_id of a frame>"])] = Field(
        min_length=1, examples=[["6b1f0c2e/0"]]
    )
    symbol_set: SymbolSetId | None = None

    meant = {**dict.fromkeys(("ids", "raw_id", "id", "frames"), "raw_ids"), "symbol_set_id": "symbol_set"}

    def steps(self) -> Steps:
        answer = as_object((yield self.request()))
        return Outcome(answer, display=_with_frames(answer))


def _with_frames(page: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(page.get("results"), list):
        return page
    return {**page, "results": [show_record(record) for record in as_objects(page["results"])]}


ENDPOINTS = (
    ListStackFrames,
    RetrieveStackFrame,
    GetStackFrames,
)
