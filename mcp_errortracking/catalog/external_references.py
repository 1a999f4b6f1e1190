"""Links from issues to issue trackers: GitHub, GitLab, Linear, Jira (contract 6.9)."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from mcp_errortracking.catalog.endpoint import Endpoint
from mcp_errortracking.catalog.identifiers import IssueId, ReferenceId
from mcp_errortracking.catalog.meanings import FIND_INTEGRATIONS, Means, Shown
from mcp_errortracking.catalog.paging import PagedEndpoint

_READ = "error_tracking:read"
_LINKS = "September 2026"

_CONTEXT = {
    "type": "object",
    "properties": {"repository": {"type": "string"}, "number": {"type": "integer"}, "key": {"type": "string"}},
}
"""The known members of the contexts of GitHub and Jira (contract 6.9); any other context is taken as it is."""
_FIELDS = {
    "repository": "github",
    "title": "",
    "body": "github, gitlab",
    "description": "linear, jira",
    "team_id": "linear",
    "project_key": "jira",
}
_CONFIG = {
    "type": "object",
    "properties": {
        name: {"type": "string", **({"description": kinds} if kinds else {})} for name, kinds in _FIELDS.items()
    },
    "required": ["title"],
}

IntegrationId = Annotated[
    int,
    Field(ge=1, examples=[7]),
    Shown("<number of an integration>"),
    Means(advice=f"the number of the connected tracker. {FIND_INTEGRATIONS}"),
]
_ADVICE = {
    "unknown_integration": f"{FIND_INTEGRATIONS}.",
    "unknown_issue": "Find the issue with query-error-tracking-issues-list.",
}
_INTEGRATION = dict.fromkeys(("integration", "tracker"), "integration_id")
_NAMES = {**_INTEGRATION, **dict.fromkeys(("issue_id", "id"), "issue")}


class ListExternalReferences(
    PagedEndpoint, tool="error-tracking-external-references-list", request="GET external_references/"
):
    """List linked tickets: which tickets (GitHub, GitLab, Linear, Jira) are linked to our issues."""


class RetrieveExternalReference(
    Endpoint,
    tool="error-tracking-external-references-retrieve",
    request="GET external_references/{id}/",
):
    """Show one linked ticket, by the id of the link: the tracker (GitHub, GitLab, Linear or Jira), its address and the
    issue it belongs to."""

    id: ReferenceId


class SearchTrackerIssues(
    Endpoint,
    tool="error-tracking-external-references-search",
    request="GET external_references/search_issues/",
    scope=(_READ, "integration:read"),
    since=_LINKS,
    older_status=400,
    aliases=("error-tracking-external-references-search-issues-retrieve",),
):
    """Look up (search) an existing ticket in a connected tracker (GitHub issues, Linear, Jira), to attach to an
    issue; external_context is what link takes."""

    integration_id: IntegrationId
    search: Annotated[str, Shown("<text>")] = Field(min_length=1, examples=["TypeError in checkout"])
    repository: Annotated[str | None, Shown("<name, of GitHub>")] = Field(default=None, description="github.")

    example_fields = ("repository",)

    meant = {**_INTEGRATION, **dict.fromkeys(("query", "text", "q"), "search"), "repo": "repository"}

    # An older server takes "search_issues" for the id of a reference. The tracker may throttle, too (contract 6.9).
    advice = {
        **_ADVICE,
        "invalid_reference_id": f"Added to PostHog in {_LINKS}. Upgrade PostHog to use this tool.",
        "throttled": "The limit may be that of the tracker: retry after some minutes, or link by external_context.",
    }


class LinkExternalReference(
    Endpoint,
    tool="error-tracking-external-references-link",
    request="POST external_references/link_issue/",
    since=_LINKS,
    older_status=403,
    aliases=("error-tracking-external-references-link-issue-create",),
):
    """Link (connect, attach) an issue to an existing ticket in GitHub, Linear or Jira."""

    integration_id: IntegrationId
    issue: IssueId
    external_context: Annotated[
        dict[str, Any], WithJsonSchema(_CONTEXT), Shown({"repository": "<name>", "number": "<number at the tracker>"})
    ] = Field(description="From search.", examples=[{"repository": "web", "number": 42}])

    advice = _ADVICE
    meant = {
        **_NAMES,
        **dict.fromkeys(
            ("url", "external_issue", "number", "key"), "give external_context, as the -search tool has it"
        ),
    }


class CreateExternalReference(
    Endpoint,
    tool="error-tracking-external-references-create",
    request="POST external_references/",
):
    """Create (open, file, report) a ticket for an error in Linear, Jira, GitHub or GitLab: a new bug at the connected
    tracker, linked to the issue."""

    integration_id: IntegrationId
    config: Annotated[
        dict[str, Any],
        WithJsonSchema(_CONFIG),
        Shown({"repository": "<name, of GitHub>", "title": "<title>", "body": "<text>"}),
    ] = Field(
        description="All fields of the tracker's kind.",
        examples=[{"repository": "web", "title": "TypeError in checkout", "body": "..."}],
    )
    issue: IssueId

    advice = _ADVICE
    meant = {**_NAMES, **dict.fromkeys(_FIELDS, "give it in config, an object with the fields of the tracker")}


ENDPOINTS = (
    ListExternalReferences,
    RetrieveExternalReference,
    CreateExternalReference,
    SearchTrackerIssues,
    LinkExternalReference,
)
