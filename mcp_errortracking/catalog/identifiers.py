"""Ids as PostHog writes them: UUIDs, and where an agent finds real ones (contract 1.7)."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.endpoint import ListedBy

_NIL = UUID(int=0)
_EXAMPLE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"


def refuse_nil(value: UUID) -> UUID:
    """Refuses the all-zero UUID, which stands for "I do not know" and never for an object."""
    if value == _NIL:
        raise PydanticCustomError("nil_uuid", "the all-zero UUID is a placeholder, not a real id")
    return value


RealUUID = Annotated[UUID, AfterValidator(refuse_nil)]
"""A UUID in any spelling, sent in PostHog's: lower case with hyphens."""

RuleId = Annotated[
    RealUUID,
    Field(examples=[_EXAMPLE]),
    ListedBy("assignment rule", "error-tracking-assignment-rules-list"),
]
FingerprintId = Annotated[
    RealUUID,
    Field(description="Record id, not the fingerprint text.", examples=[_EXAMPLE]),
    ListedBy("fingerprint record", "error-tracking-fingerprints-list"),
]
IssueId = Annotated[
    RealUUID,
    Field(examples=[_EXAMPLE]),
    ListedBy("issue", "error-tracking-fingerprints-list"),
]
SymbolSetId = Annotated[
    RealUUID,
    Field(examples=[_EXAMPLE]),
    ListedBy("symbol set", "error-tracking-symbol-sets-bulk-start-upload"),
]
