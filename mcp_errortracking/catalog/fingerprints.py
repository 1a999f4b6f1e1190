"""Fingerprints: which issue owns which group of exceptions (contract 4). Merging and splitting issues moves them."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Steps
from mcp_errortracking.catalog.identifiers import FingerprintId, IssueId
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.catalog.paging import PagedEndpoint, note_on_filters, note_on_offset, read_page

_RESOLVED = "about August 2026"


class ListFingerprints(
    PagedEndpoint,
    tool="error-tracking-fingerprints-list",
    request="GET fingerprints/",
):
    """List fingerprints (hashes), each with the issue it belongs to; with issue_id those of this issue, also merged
    ones."""

    # Not in the docs, but the server takes it (contract 4.1).
    issue_id: IssueId | None = None

    meant = {
        "issue": "issue_id",
        "id": "issue_id",
        "fingerprint": "call error-tracking-fingerprints-resolve-retrieve with fingerprint",
    }

    def steps(self) -> Steps:
        page = read_page((yield self.request()))
        wanted = dict[str, Callable[[dict[str, Any]], bool]]()
        if self.issue_id:
            wanted["issue_id"] = lambda row: row.get("issue_id") == str(self.issue_id)
        return Outcome(page, note_on_filters(page, wanted) + note_on_offset(page, self.offset))


class RetrieveFingerprint(
    Endpoint,
    tool="error-tracking-fingerprints-retrieve",
    request="GET fingerprints/{id}/",
):
    """Get one fingerprint record (entry) by its id: the fingerprint, when it was made, and its issue."""

    id: FingerprintId

    meant = {"fingerprint": "call error-tracking-fingerprints-resolve-retrieve with fingerprint"}
    advice = {
        "not_found": "The id is that of the record, not of the issue: error-tracking-fingerprints-list with issue_id "
        "finds the records of an issue.",
    }


class ResolveFingerprint(
    Endpoint,
    tool="error-tracking-fingerprints-resolve-retrieve",
    request="GET fingerprints/resolve/",
    since=_RESOLVED,
    older_status=400,
):
    """Find the issue that a fingerprint text belongs or points to: its record and issue id."""

    fingerprint: Annotated[str, Shown("<fingerprint text>")] = Field(min_length=1, examples=["81fa0b9f..."])

    # An older server takes "resolve" for the id of a record.
    advice = {
        "invalid_fingerprint_id": f"Added to PostHog in {_RESOLVED}. Upgrade PostHog, or find the text with "
        "error-tracking-fingerprints-list.",
    }


ENDPOINTS = (
    ListFingerprints,
    RetrieveFingerprint,
    ResolveFingerprint,
)
