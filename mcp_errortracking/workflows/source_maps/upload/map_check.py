"""The strict reading of maps that had their chunk id before this run: another version or tool may have written them."""

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.maps.strict import read_strictly
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, read_map


def check_map(chunk: Chunk) -> None:
    """Check that PostHog reads a chunk's map, unless that was checked. Blocks.

    Raises:
        ContentError: PostHog refuses it, or it cannot be read.
    """
    if chunk.is_checked:
        return
    try:
        read_strictly(read_map(chunk))
    except InvalidMapError as error:
        explained = error.explanation
        raise ContentError(error.code, f"{explained.what} {explained.why}", error.next_step) from None
