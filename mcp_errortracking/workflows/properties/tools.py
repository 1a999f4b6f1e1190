"""The list of properties as an agent reads it: the declaration only. `listing` does the work."""

from typing import Annotated

from pydantic import Field

from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.workflows.base import Workflow


class ListProperties(Workflow, tool="error-tracking-properties-list", toolset="properties", read_only=True):
    """Show what there is to filter by: properties (attributes, fields) that exceptions really have, with their
    commonest values; property: those of one."""

    search: str | None = Field(default=None, min_length=1, max_length=200, examples=["browser"])
    property: Annotated[str, Shown("$browser")] | None = Field(default=None, min_length=1, max_length=400)

    meant = {
        **dict.fromkeys(("query", "q", "text", "searchQuery"), "search"),
        **dict.fromkeys(("key", "name", "property_name", "values_of"), "property"),
    }
    meant_by = dict.fromkeys(("property", "attributes", "values", "fields"), "")
