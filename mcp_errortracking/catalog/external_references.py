"""Links from issues to issue trackers: GitHub, GitLab, Linear, Jira (contract 6.9)."""

from typing import Any

from pydantic import Field

from mcp_errortracking.catalog.endpoint import Endpoint
from mcp_errortracking.catalog.identifiers import IssueId, ReferenceId
from mcp_errortracking.catalog.paging import PagedEndpoint

_READ = "error_tracking:read"
_WRITE = "error_tracking:write"


class ListExternalReferences(
    PagedEndpoint, tool="error-tracking-external-references-list", request="GET external_references/", scope=_READ
):
    """Links from issues to issue trackers."""


class RetrieveExternalReference(
    Endpoint,
    tool="error-tracking-external-references-retrieve",
    request="GET external_references/{id}/",
    scope=_READ,
):
    """One link to an issue tracker."""

    id: ReferenceId


class CreateExternalReference(
    Endpoint,
    tool="error-tracking-external-references-create",
    request="POST external_references/",
    scope=_WRITE,
):
    """Open a new issue at a connected tracker, for others to see, and link it."""

    integration_id: int = Field(ge=1, description="Of the connected tracker.", examples=[7])
    config: dict[str, Any] = Field(
        description="github: repository, title, body; gitlab: title, body; linear: team_id, title, description; "
        "jira: project_key, title, description.",
        examples=[{"repository": "web", "title": "TypeError in checkout", "body": "..."}],
    )
    issue: IssueId
