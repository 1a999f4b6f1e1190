"""The toolsets: one for each resource, the two official lists, and the default."""

from mcp_errortracking.catalog.catalog import CATALOG

DOCUMENTED = (
    "error-tracking-assignment-rules-list",
    "error-tracking-assignment-rules-create",
    "error-tracking-assignment-rules-retrieve",
    "error-tracking-assignment-rules-partial-update",
    "error-tracking-assignment-rules-destroy",
    "error-tracking-assignment-rules-reorder",
    "error-tracking-fingerprints-list",
    "error-tracking-fingerprints-retrieve",
    "error-tracking-symbol-sets-download-retrieve",
    "error-tracking-symbol-sets-bulk-delete",
    "error-tracking-symbol-sets-bulk-finish-upload",
    "error-tracking-symbol-sets-bulk-start-upload",
)
"""The endpoints on PostHog's public page of this API."""

NEEDED_DAILY = (
    "error-tracking-directory-list",
    "error-tracking-issues-bulk-create",
    "error-tracking-issues-all-activity-retrieve",
    "error-tracking-releases-list",
    "error-tracking-external-references-search",
)
"""Tools of neither list that common tasks need, such as assigning an issue to a person (`benchmarks/tasks.tsv`)."""

OFFICIAL = (
    "error-tracking-alerts-create",
    "error-tracking-alerts-delete",
    "error-tracking-alerts-list",
    "error-tracking-alerts-partial-update",
    "error-tracking-assignment-rules-create",
    "error-tracking-assignment-rules-list",
    "error-tracking-bypass-rules-create",
    "error-tracking-bypass-rules-list",
    "error-tracking-bypass-rules-update",
    "error-tracking-external-references-create",
    "error-tracking-grouping-rules-create",
    "error-tracking-grouping-rules-list",
    "error-tracking-grouping-rules-update",
    "error-tracking-issues-assign-partial-update",
    "error-tracking-issues-merge-create",
    "error-tracking-issues-partial-update",
    "error-tracking-issues-split-create",
    "error-tracking-recommendations-list",
    "error-tracking-settings-get",
    "error-tracking-settings-update",
    "error-tracking-severity-rules-create",
    "error-tracking-severity-rules-list",
    "error-tracking-severity-rules-update",
    "error-tracking-suppression-rules-create",
    "error-tracking-suppression-rules-list",
    "error-tracking-suppression-rules-update",
    "error-tracking-symbol-sets-download-retrieve",
    "error-tracking-symbol-sets-list",
    "error-tracking-symbol-sets-retrieve",
    "query-error-tracking-issue",
    "query-error-tracking-issue-events",
    "query-error-tracking-issues-list",
)
"""The error-tracking tools of PostHog's own MCP server (npm @posthog/cli 0.18)."""


def _by_resource() -> dict[str, tuple[str, ...]]:
    names = dict[str, list[str]]()
    for tool, endpoint in CATALOG.items():
        names.setdefault(endpoint.toolset, []).append(tool)
    return {toolset: tuple(tools) for toolset, tools in names.items()}


RESOURCES = _by_resource()
"""The tools of each resource."""

TOOLSETS: dict[str, tuple[str, ...]] = {
    "default": tuple(tool for tool in CATALOG if tool in (*DOCUMENTED, *OFFICIAL, *NEEDED_DAILY)),
    "all": tuple(CATALOG),
    "documented": DOCUMENTED,
    "official": OFFICIAL,
    **RESOURCES,
}
"""Every name that `--toolsets` takes, and the tools it stands for."""
