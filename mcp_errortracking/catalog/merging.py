"""Merging issues, and splitting them again (contract 6.6)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog import issue_meanings
from mcp_errortracking.catalog.endpoint import (
    Endpoint,
    Outcome,
    Request,
    Snapshot,
    StepError,
    Steps,
    as_object,
    as_objects,
    call_of,
    text_of,
)
from mcp_errortracking.catalog.identifiers import IssueId
from mcp_errortracking.catalog.issue_ids import missing_issues, note_on_missing
from mcp_errortracking.catalog.issue_reading import SCOPED, read_back, read_issue
from mcp_errortracking.catalog.meanings import Shown

_UNKNOWN_ISSUE = "Find issues with query-error-tracking-issues-list; a merged issue lives on in the one it went into."
_ANOTHER = "01936f30-0c4d-7000-8000-77b1e6d2f0a9"
_MOST_MERGED = 10
"""Merged issues that are read before the merge, for its undo."""
_MOST_FINGERPRINTS = 100
_NAMES = ("name", "description")


class MergeIssues(
    Endpoint,
    tool="error-tracking-issues-merge-create",
    request="POST issues/{id}/merge/",
    toolset="issues",
    since=SCOPED,
    older_status=403,
    destructive=True,
):
    """Merge (combine, join) duplicate issues, the same bug or root cause: they are deleted for good, their fingerprints
    move here; split takes them out again."""

    id: IssueId
    ids: list[IssueId] = Field(min_length=1, description="Issues to merge in.", examples=[[_ANOTHER]])

    meant = {
        **issue_meanings.ID,
        **dict.fromkeys(("issue_ids", "issues", "sources", "source", "source_ids", "merge_ids"), "ids"),
    }
    meant_by = {"combine": "", "deduplicate": "", "duplicate": ""}
    advice = {
        "not_found": f"Nothing was merged. {_UNKNOWN_ISSUE}",
        "merge_conflict": "Nothing was merged. Call again with the same arguments.",
    }

    @model_validator(mode="after")
    def not_into_itself(self) -> "MergeIssues":
        """Refuses what PostHog would answer with success: false."""
        if self.id in self.ids:
            raise PydanticCustomError("into_itself", "ids: an issue cannot be merged into itself, leave its id out")
        return self

    snapshot_is_object = False
    undo_loss = (
        "The split issues have other ids, are active and unassigned, and have no comments, links, cohort or spike "
        "events. Each fingerprint becomes an issue of its own. An assignee that the other issue took over stays."
    )

    def snapshot(self) -> Snapshot:
        """Read the merged issues with their fingerprints; none of them if they are many, or have many."""
        results = list[dict[str, Any]]()
        for one in dict.fromkeys(self.ids) if len(set(self.ids)) <= _MOST_MERGED else ():
            query = {"issue_id": str(one), "limit": _MOST_FINGERPRINTS}
            page = as_object((yield Request("GET", "error_tracking/fingerprints/", query=query)))
            own = [text_of(row, "fingerprint") for row in as_objects(page.get("results")) if _is_of(row, one)]
            if page.get("next") or not all(own):
                return {}
            try:
                results.append({**as_object((yield read_issue(one))), "fingerprints": own})
            except StepError as failure:
                if failure.status != 404:
                    raise  # one that does not exist is left out by PostHog, too
        return {"results": results}

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        """Return the split that takes the fingerprints out again, with the names that their issues had."""
        parts = list[dict[str, str]]()
        for issue in as_objects(before.get("results")):
            names = {name: text for name in _NAMES if (text := text_of(issue, name))}
            fingerprints: list[str] = issue["fingerprints"]
            parts += [{"fingerprint": one, **names} for one in fingerprints]
        return call_of(SplitIssue, {"id": self.id, "fingerprints": parts})

    def steps(self) -> Steps:
        # PostHog silently leaves unknown ids out (contract 6.6), and the merged ones are gone afterwards.
        missing = yield from missing_issues(self.ids)
        answer = as_object((yield self.request()))
        if answer.get("success") is False:
            notes = ["Nothing was merged: PostHog found nothing left to merge."]
            return Outcome(answer, notes + note_on_missing(missing, len(self.ids)), failed=True)
        outcome = yield from read_back(str(self.id), answer)
        return replace(outcome, notes=[*note_on_missing(missing, len(self.ids)), *outcome.notes])


class SplitFingerprint(BaseModel):
    """A fingerprint that becomes an issue of its own."""

    model_config = ConfigDict(extra="forbid", defer_build=True, hide_input_in_errors=True)

    fingerprint: str = Field(min_length=1)
    name: str | None = None
    description: str | None = None

    meant: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("id", "fingerprint_id", "text", "value"), "fingerprint"),
        "title": "name",
    }


class SplitIssue(
    Endpoint,
    tool="error-tracking-issues-split-create",
    request="POST issues/{id}/split/",
    toolset="issues",
    since=SCOPED,
    older_status=403,
    destructive=True,
):
    """Split an issue that mixes (lumps together) different bugs, or undo a merge (unmerge, separate): take fingerprints
    (error-tracking-fingerprints-list has them) out, each into a new issue."""

    id: IssueId
    fingerprints: Annotated[list[SplitFingerprint], Shown([{"fingerprint": "<fingerprint text>"}])] = Field(
        min_length=1, examples=[[{"fingerprint": "81fa0b9f..."}]]
    )

    meant = {**issue_meanings.ID, "fingerprint": "fingerprints", "ids": "fingerprints"}
    undo_loss = "Comments, links and changes of the new issues since the split are lost: merging deletes those issues."

    def steps(self) -> Steps:
        answer = as_object((yield self.request()))
        made = answer.get("new_issue_ids")
        missing = len(self.fingerprints) - len(made) if isinstance(made, list) else 0  # pyright: ignore[reportUnknownArgumentType]
        notes = list[str]()
        if missing > 0:
            notes.append(
                f"{missing} of {len(self.fingerprints)} fingerprints were skipped: this issue does not own them. "
                "error-tracking-fingerprints-list with issue_id shows those it owns."
            )
        if made:
            notes.append("PostHog deleted the spike events of the split issue; new issues are active and unassigned.")
        return Outcome(answer, notes, failed=missing == len(self.fingerprints))

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return call_of(MergeIssues, {"id": self.id, "ids": after.get("new_issue_ids")})


def _is_of(fingerprint: Mapping[str, Any], issue: object) -> bool:
    """True if a fingerprint belongs to an issue: an older PostHog lists those of all."""
    return fingerprint.get("issue_id") == str(issue)
