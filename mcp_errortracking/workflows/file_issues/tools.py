"""The issues in a file as an agent reads them: the declaration only. `report` does the work."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.date_range import Range
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.workflows.base import Workflow

MOST_PATHS = 50
Paths = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    Field(min_length=1, max_length=MOST_PATHS),
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
]


class IssuesInFile(
    Workflow, tool="error-tracking-issues-in-file", toolset="briefs", read_only=True, since="spring 2026"
):
    """Issues in source files that you edit or review: those with stack frames there, by line as of today. Give paths,
    or base for the files that this branch changes."""

    needs_files = True
    in_default = False

    paths: Annotated[Paths, Shown(["<file>"])] | None = Field(default=None, examples=[["src/cart.ts"]])
    base: str | None = Field(
        default=None, min_length=1, max_length=500, description="Branch or commit; default the remote's main branch."
    )
    dateRange: Range | None = Field(default=None, description="Default -30d.")  # noqa: N815 PostHog's name

    meant = {
        **dict.fromkeys(("path", "file", "files", "filename", "filePath", "file_path"), "paths"),
        **dict.fromkeys(("branch", "against", "since_commit"), "base"),
        **dict.fromkeys(("date_range", "range", "period"), "dateRange"),
    }
    meant_by = {"file": "paths", "changed": "base"}

    @field_validator("paths", mode="before")
    @classmethod
    def one_path(cls, given: Any) -> Any:
        """Take one path for a list of it."""
        return [given] if isinstance(given, str) and not given.lstrip().startswith("[") else given

    @model_validator(mode="after")
    def one_question(self) -> "IssuesInFile":
        """Refuse paths and a base at once."""
        if self.paths is not None and self.base is not None:
            raise PydanticCustomError("both_given", "give paths or base, not both")
        return self
