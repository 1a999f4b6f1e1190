"""Ids as PostHog writes them: UUIDs, and where an agent finds real ones (contract 1.7)."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.addresses import read_address
from mcp_errortracking.catalog.declaration import ListedBy
from mcp_errortracking.catalog.meanings import Means

_NIL = UUID(int=0)


def refuse_nil(value: UUID) -> UUID:
    """Refuses the all-zero UUID, which stands for "I do not know" and never for an object."""
    if value == _NIL:
        raise PydanticCustomError("nil_uuid", "the all-zero UUID is a placeholder, not a real id")
    return value


def issue_of_url(value: Any) -> Any:
    """The issue's id in the address of its page, `https://us.posthog.com/project/1/error_tracking/<id>?...`."""
    page = read_address(value)
    return page.issue if page and page.issue else value


RealUUID = Annotated[UUID, AfterValidator(refuse_nil)]
"""A UUID in any spelling, sent in PostHog's: lower case with hyphens."""

_EXAMPLE = Field(examples=["01936f2e-7a51-7000-8000-3d0f1c9a42b7"])

AssignmentRuleId = Annotated[RealUUID, _EXAMPLE, ListedBy("assignment rule", "error-tracking-assignment-rules-list")]
GroupingRuleId = Annotated[RealUUID, _EXAMPLE, ListedBy("grouping rule", "error-tracking-grouping-rules-list")]
SuppressionRuleId = Annotated[RealUUID, _EXAMPLE, ListedBy("suppression rule", "error-tracking-suppression-rules-list")]
BypassRuleId = Annotated[RealUUID, _EXAMPLE, ListedBy("bypass rule", "error-tracking-bypass-rules-list")]
SeverityRuleId = Annotated[RealUUID, _EXAMPLE, ListedBy("severity rule", "error-tracking-severity-rules-list")]
SymbolSetId = Annotated[RealUUID, _EXAMPLE, ListedBy("symbol set", "error-tracking-symbol-sets-list")]
AlertId = Annotated[RealUUID, _EXAMPLE, ListedBy("alert", "error-tracking-alerts-list")]
ReleaseId = Annotated[RealUUID, _EXAMPLE, ListedBy("release", "error-tracking-releases-list")]
StackFrameId = Annotated[RealUUID, _EXAMPLE, ListedBy("stack frame", "error-tracking-stack-frames-list")]
ReferenceId = Annotated[RealUUID, _EXAMPLE, ListedBy("external reference", "error-tracking-external-references-list")]
RecommendationId = Annotated[RealUUID, _EXAMPLE, ListedBy("recommendation", "error-tracking-recommendations-list")]
FingerprintId = Annotated[
    RealUUID,
    Field(description="Record id, not the fingerprint text.", examples=_EXAMPLE.examples),
    ListedBy("fingerprint record", "error-tracking-fingerprints-list"),
    Means(advice="for a fingerprint text, call error-tracking-fingerprints-resolve-retrieve with fingerprint"),
]
IssueId = Annotated[
    RealUUID,
    BeforeValidator(issue_of_url),
    _EXAMPLE,
    ListedBy("issue", "query-error-tracking-issues-list", "a merged issue lives on in the one it went into"),
]
"""An issue's id. The address of the issue's page in PostHog is accepted too."""
