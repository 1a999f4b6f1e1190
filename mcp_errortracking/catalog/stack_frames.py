"""Stack frames as PostHog resolved them, or why it could not (contract 6.8)."""

from typing import Annotated

from pydantic import Field

from mcp_errortracking.catalog.endpoint import Endpoint
from mcp_errortracking.catalog.identifiers import StackFrameId, SymbolSetId
from mcp_errortracking.catalog.paging import PagedEndpoint


class ListStackFrames(PagedEndpoint, tool="error-tracking-stack-frames-list", request="GET stack_frames/"):
    """Stack frames of the project, with the reason where one is not resolved."""


class RetrieveStackFrame(Endpoint, tool="error-tracking-stack-frames-retrieve", request="GET stack_frames/{id}/"):
    """One stack frame with its source context."""

    id: StackFrameId


class GetStackFrames(
    Endpoint,
    tool="error-tracking-stack-frames-batch-get-create",
    request="POST stack_frames/batch_get/",
    read_only=True,
):
    """Stack frames by the raw_id that events name."""

    # PostHog answers a call without any with every frame of the project (contract 6.8), so it is required here.
    raw_ids: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1, examples=[["6b1f0c2e/0"]])
    symbol_set: SymbolSetId | None = None


ENDPOINTS = (
    ListStackFrames,
    RetrieveStackFrame,
    GetStackFrames,
)
