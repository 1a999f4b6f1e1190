"""What PostHog's error-tracking API offers, as data: one class per endpoint, in the order an agent sees them."""

from mcp_errortracking.catalog.assignment_rules import (
    CreateAssignmentRule,
    DeleteAssignmentRule,
    ListAssignmentRules,
    ReorderAssignmentRules,
    RetrieveAssignmentRule,
    UpdateAssignmentRule,
)
from mcp_errortracking.catalog.endpoint import Endpoint, ListedBy, Outcome, Request, StepError
from mcp_errortracking.catalog.fingerprints import ListFingerprints, RetrieveFingerprint
from mcp_errortracking.catalog.symbol_sets import (
    DeleteSymbolSets,
    DownloadSymbolSet,
    FinishSymbolSetUploads,
    StartSymbolSetUploads,
)

__all__ = ["ALIASES", "CATALOG", "Endpoint", "ListedBy", "Outcome", "Request", "StepError"]

_ENDPOINTS: tuple[type[Endpoint], ...] = (
    ListAssignmentRules,
    CreateAssignmentRule,
    RetrieveAssignmentRule,
    UpdateAssignmentRule,
    DeleteAssignmentRule,
    ReorderAssignmentRules,
    ListFingerprints,
    RetrieveFingerprint,
    StartSymbolSetUploads,
    FinishSymbolSetUploads,
    DownloadSymbolSet,
    DeleteSymbolSets,
)

CATALOG: dict[str, type[Endpoint]] = {endpoint.tool: endpoint for endpoint in _ENDPOINTS}
"""Every endpoint by its tool name."""

ALIASES: dict[str, str] = {alias: endpoint.tool for endpoint in _ENDPOINTS for alias in endpoint.aliases}
"""Names that are understood in a call but not listed, and the tool each one means."""
