"""The meaning of wrong names and values in calls that change issues, see `meanings`."""

from collections.abc import Mapping

from mcp_errortracking.catalog.assignee import ASSIGNEE

IN_BULK = "call error-tracking-issues-bulk-create with action {action} and ids"
ID: Mapping[str, str] = dict.fromkeys(("issue_id", "issue", "target", "target_id", "into"), "id")
"""Names of the id of the issue that a call is about."""
UPDATE: Mapping[str, str] = {
    **ID,
    **dict.fromkeys(ASSIGNEE, "call error-tracking-issues-assign-partial-update with assignee"),
    "assignee": "call error-tracking-issues-assign-partial-update with id and assignee",
    "title": "name",
    "priority": "severity",
    "state": "status",
    **dict.fromkeys(("ids", "issue_ids"), IN_BULK.format(action="set_status")),
    **dict.fromkeys(("comment", "note", "message"), "PostHog keeps no comments on issues; description is shown"),
    **dict.fromkeys(("labels", "label", "tags", "tag"), "PostHog keeps no labels on issues; description is shown"),
    **dict.fromkeys(("resolved", "is_resolved", "suppressed", "action"), "give status: active, resolved or suppressed"),
}
"""Arguments of an update."""
UPDATE_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("resolve", "close", "fix"), "status resolved"),
    **dict.fromkeys(("suppress", "ignore", "mute", "silence", "snooze", "archive", "hide"), "status suppressed"),
    **dict.fromkeys(("reopen", "unresolve", "unsuppress"), "status active"),
    "delete": "PostHog deletes no issue; status suppressed hides it",
    **dict.fromkeys(("rename", "name"), "name"),
    **dict.fromkeys(("severity", "priority", "prioritize"), "severity"),
    "status": "status",
}
"""Words of tool names that an update does."""
ACTIONS: Mapping[str, str] = {
    **dict.fromkeys(("resolve", "close"), "give action set_status and status resolved"),
    **dict.fromkeys(
        ("suppress", "ignore", "mute", "archive", "delete"), "give action set_status and status suppressed"
    ),
    **dict.fromkeys(("reopen", "activate"), "give action set_status and status active"),
    **dict.fromkeys(("update", "status", "update_status"), "set_status"),
    "unassign": "give action assign and assignee null",
    "merge": "call error-tracking-issues-merge-create with id and ids",
    **dict.fromkeys(
        ("set_severity", "severity", "rename"), "call error-tracking-issues-partial-update for each id, with severity"
    ),
}
"""Actions on many issues."""
