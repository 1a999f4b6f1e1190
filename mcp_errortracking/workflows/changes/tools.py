"""The tools about changes as an agent reads them: declarations only. `listing` and `undoing` do the work."""

from typing import Annotated

from pydantic import Field

from mcp_errortracking.catalog.declaration import AtMost
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.workflows.base import Workflow

ChangeId = Annotated[int, Field(ge=1, examples=[12]), Shown("<id of a change>")]
_MOST = 2**62


class _OfJournal(Workflow, toolset="changes"):
    """A tool that reads the journal."""

    needs_journal = True


class ListChanges(_OfJournal, tool="error-tracking-changes-list", read_only=True):
    """List the changes that were made through this server (journal), newest first: what was sent when, and if an undo
    is possible."""

    limit: Annotated[int, Field(ge=1, examples=[20]), AtMost(100)] | None = Field(default=None)
    before: Annotated[int, Field(ge=1, le=_MOST)] | None = Field(
        default=None, description="Only changes before this id."
    )

    meant = {
        **dict.fromkeys(("offset", "cursor", "page"), "give before, the lowest id of the last page"),
        **dict.fromkeys(("per_page", "count"), "limit"),
    }
    meant_by = dict.fromkeys(("journal", "change", "audit"), "")


class UndoChange(_OfJournal, tool="error-tracking-changes-undo", destructive=True, idempotent=False):
    """Undo (revert, take back) a change that was made through this server: first says what it would send and what does
    not come back; dry_run false does it."""

    id: ChangeId | None = Field(default=None, le=_MOST, description="Default: the latest that is not undone.")
    dry_run: bool | None = Field(default=None, description="Default true.", examples=[False])
    force: bool | None = Field(default=None, description="Even if changed since.")

    meant = {
        **dict.fromkeys(("change", "change_id"), "id"),
        **dict.fromkeys(("apply", "confirm"), "give dry_run false"),
    }
    meant_by = dict.fromkeys(("revert", "rollback", "restore"), "")

    def writes(self) -> bool:
        return self.dry_run is False

    def rehearsal(self) -> "UndoChange":
        return self.model_copy(update={"dry_run": True})
