"""Every endpoint, in the order an agent sees them."""

from mcp_errortracking.catalog import (
    alerts,
    assignment_rules,
    bypass_rules,
    directory,
    external_references,
    fingerprints,
    grouping_rules,
    issues,
    queries,
    recommendations,
    releases,
    rules_check,
    settings,
    severity_rules,
    stack_frames,
    suppression_rules,
    symbol_sets,
)
from mcp_errortracking.catalog.endpoint import Endpoint

_ENDPOINTS: tuple[type[Endpoint], ...] = (
    *queries.ENDPOINTS,
    *issues.ENDPOINTS,
    *assignment_rules.ENDPOINTS,
    *grouping_rules.ENDPOINTS,
    *suppression_rules.ENDPOINTS,
    *bypass_rules.ENDPOINTS,
    *severity_rules.ENDPOINTS,
    *rules_check.ENDPOINTS,
    *fingerprints.ENDPOINTS,
    *symbol_sets.ENDPOINTS,
    *releases.ENDPOINTS,
    *stack_frames.ENDPOINTS,
    *external_references.ENDPOINTS,
    *directory.ENDPOINTS,
    *settings.ENDPOINTS,
    *recommendations.ENDPOINTS,
    *alerts.ENDPOINTS,
)

CATALOG: dict[str, type[Endpoint]] = {endpoint.tool: endpoint for endpoint in _ENDPOINTS}
"""Every endpoint by its tool name."""

ALIASES: dict[str, str] = {alias: endpoint.tool for endpoint in _ENDPOINTS for alias in endpoint.aliases}
"""Names that are understood in a call but not listed, and the tool each one means."""
