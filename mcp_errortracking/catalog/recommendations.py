"""Recommendations: PostHog's advice on a project's error tracking (contract 6.12)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field

from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Request, Steps, as_objects, call_of
from mcp_errortracking.catalog.identifiers import RecommendationId
from mcp_errortracking.catalog.paging import PagedEndpoint, note_on_offset, read_page

_SINCE = "spring 2026"


class ListRecommendations(
    PagedEndpoint,
    tool="error-tracking-recommendations-list",
    request="GET recommendations/",
    since=_SINCE,
):
    """List PostHog's recommendations: how to improve the project's setup (configuration)."""

    poll: bool | None = Field(default=None, description="true starts no check.")

    def steps(self) -> Steps:
        page = read_page((yield self.request()))
        rows = as_objects(page.get("results"))
        is_computing = any(one.get("status") == "computing" for one in rows)
        notes = ["computing: list them again in a minute, with poll true."] * is_computing
        if self.poll and not rows and not self.offset:
            notes.append("None yet: a list without poll makes PostHog create them.")
        return Outcome(page, notes + note_on_offset(page, self.offset))


class RefreshRecommendation(
    Endpoint,
    tool="error-tracking-recommendations-refresh-create",
    request="POST recommendations/{id}/refresh/",
    since=_SINCE,
    idempotent=True,
):
    """Check a recommendation again: rerun (recompute, refresh, update) it now."""

    id: RecommendationId

    def request(self) -> Request:
        # Without force PostHog leaves alone what is computed already.
        return replace(super().request(), query={"force": True})


class DismissRecommendation(
    Endpoint,
    tool="error-tracking-recommendations-dismiss-create",
    request="POST recommendations/{id}/dismiss/",
    since=_SINCE,
    idempotent=True,
):
    """Dismiss (hide, get rid of) a recommendation (suggestion, advice) for everyone."""

    id: RecommendationId

    meant_by = dict.fromkeys(("delete", "hide", "ignore"), "hides it, and can be undone")

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return call_of(RestoreRecommendation, {"id": self.id})


class RestoreRecommendation(
    Endpoint,
    tool="error-tracking-recommendations-restore-create",
    request="POST recommendations/{id}/restore/",
    since=_SINCE,
    idempotent=True,
):
    """Restore a dismissed (hidden) recommendation (suggestion): bring it back, show (unhide) it again."""

    id: RecommendationId

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return call_of(DismissRecommendation, {"id": self.id})


ENDPOINTS = (
    ListRecommendations,
    RefreshRecommendation,
    DismissRecommendation,
    RestoreRecommendation,
)
