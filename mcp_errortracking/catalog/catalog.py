"""Every endpoint, in the order an agent sees them."""

from mcp_errortracking.catalog.alerts import CreateAlert, DeleteAlert, ListAlerts, UpdateAlert
from mcp_errortracking.catalog.assignment_rules import (
    CreateAssignmentRule,
    DeleteAssignmentRule,
    ListAssignmentRules,
    ReorderAssignmentRules,
    RetrieveAssignmentRule,
    UpdateAssignmentRule,
)
from mcp_errortracking.catalog.bypass_rules import (
    CreateBypassRule,
    DeleteBypassRule,
    ListBypassRules,
    ReorderBypassRules,
    RetrieveBypassRule,
    UpdateBypassRule,
)
from mcp_errortracking.catalog.endpoint import Endpoint
from mcp_errortracking.catalog.external_references import (
    CreateExternalReference,
    LinkExternalReference,
    ListExternalReferences,
    RetrieveExternalReference,
    SearchTrackerIssues,
)
from mcp_errortracking.catalog.fingerprints import ListFingerprints, ResolveFingerprint, RetrieveFingerprint
from mcp_errortracking.catalog.grouping_rules import (
    CreateGroupingRule,
    DeleteGroupingRule,
    ListGroupingRules,
    ReorderGroupingRules,
    RetrieveGroupingRule,
    UpdateGroupingRule,
)
from mcp_errortracking.catalog.issues import (
    AssignIssue,
    FindIssueValues,
    IssuesExist,
    ListIssueActivity,
    ListIssues,
    ListIssuesActivity,
    MergeIssues,
    RetrieveIssue,
    SetIssueCohort,
    SplitIssue,
    UpdateIssue,
    UpdateIssuesInBulk,
)
from mcp_errortracking.catalog.queries import QueryIssue, QueryIssueEvents, QueryIssues
from mcp_errortracking.catalog.recommendations import (
    DismissRecommendation,
    ListRecommendations,
    RefreshRecommendation,
    RestoreRecommendation,
)
from mcp_errortracking.catalog.releases import (
    CreateRelease,
    DeleteRelease,
    ListReleases,
    RetrieveRelease,
    RetrieveReleaseByHash,
    UpdateRelease,
)
from mcp_errortracking.catalog.settings import (
    GetSettings,
    GetSpikeDetection,
    ListSpikeEvents,
    UpdateSettings,
    UpdateSpikeDetection,
)
from mcp_errortracking.catalog.severity_rules import (
    CreateSeverityRule,
    DeleteSeverityRule,
    ListSeverityRules,
    ReorderSeverityRules,
    RetrieveSeverityRule,
    UpdateSeverityRule,
)
from mcp_errortracking.catalog.stack_frames import GetStackFrames, ListStackFrames, RetrieveStackFrame
from mcp_errortracking.catalog.suppression_rules import (
    CreateSuppressionRule,
    DeleteSuppressionRule,
    ListSuppressionRules,
    ReorderSuppressionRules,
    RetrieveSuppressionRule,
    UpdateSuppressionRule,
)
from mcp_errortracking.catalog.symbol_sets import (
    CheckSymbolSetUploads,
    DeleteSymbolSet,
    DeleteSymbolSets,
    DownloadSymbolSet,
    FinishSymbolSetUpload,
    FinishSymbolSetUploads,
    ListSymbolSets,
    RetrieveSymbolSet,
    StartSymbolSetUploads,
)

_ENDPOINTS: tuple[type[Endpoint], ...] = (
    QueryIssues,
    QueryIssue,
    QueryIssueEvents,
    ListIssues,
    RetrieveIssue,
    UpdateIssue,
    AssignIssue,
    MergeIssues,
    SplitIssue,
    SetIssueCohort,
    UpdateIssuesInBulk,
    FindIssueValues,
    IssuesExist,
    ListIssuesActivity,
    ListIssueActivity,
    ListAssignmentRules,
    CreateAssignmentRule,
    RetrieveAssignmentRule,
    UpdateAssignmentRule,
    DeleteAssignmentRule,
    ReorderAssignmentRules,
    ListGroupingRules,
    CreateGroupingRule,
    RetrieveGroupingRule,
    UpdateGroupingRule,
    DeleteGroupingRule,
    ReorderGroupingRules,
    ListSuppressionRules,
    CreateSuppressionRule,
    RetrieveSuppressionRule,
    UpdateSuppressionRule,
    DeleteSuppressionRule,
    ReorderSuppressionRules,
    ListBypassRules,
    CreateBypassRule,
    RetrieveBypassRule,
    UpdateBypassRule,
    DeleteBypassRule,
    ReorderBypassRules,
    ListSeverityRules,
    CreateSeverityRule,
    RetrieveSeverityRule,
    UpdateSeverityRule,
    DeleteSeverityRule,
    ReorderSeverityRules,
    ListFingerprints,
    RetrieveFingerprint,
    ResolveFingerprint,
    ListSymbolSets,
    RetrieveSymbolSet,
    DeleteSymbolSet,
    DownloadSymbolSet,
    DeleteSymbolSets,
    FinishSymbolSetUploads,
    FinishSymbolSetUpload,
    StartSymbolSetUploads,
    CheckSymbolSetUploads,
    ListReleases,
    CreateRelease,
    RetrieveRelease,
    RetrieveReleaseByHash,
    UpdateRelease,
    DeleteRelease,
    ListStackFrames,
    RetrieveStackFrame,
    GetStackFrames,
    ListExternalReferences,
    RetrieveExternalReference,
    CreateExternalReference,
    SearchTrackerIssues,
    LinkExternalReference,
    GetSettings,
    UpdateSettings,
    ListSpikeEvents,
    GetSpikeDetection,
    UpdateSpikeDetection,
    ListRecommendations,
    RefreshRecommendation,
    DismissRecommendation,
    RestoreRecommendation,
    ListAlerts,
    CreateAlert,
    UpdateAlert,
    DeleteAlert,
)

CATALOG: dict[str, type[Endpoint]] = {endpoint.tool: endpoint for endpoint in _ENDPOINTS}
"""Every endpoint by its tool name."""

ALIASES: dict[str, str] = {alias: endpoint.tool for endpoint in _ENDPOINTS for alias in endpoint.aliases}
"""Names that are understood in a call but not listed, and the tool each one means."""
