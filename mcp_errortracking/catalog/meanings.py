"""The meaning of wrong names and values: a declaration states what was meant, an error repeats it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Metadata of a field: the advice for its errors.

    Attributes:
        values: wrong values, in lower case, and the value or the sentence for each.
        advice: the sentence for any other wrong value, and for a missing one.
    """

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    advice: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Metadata of a field: its value in the example of an error, with <...> for what the caller must find out."""

    value: Any


FIND_ASSIGNEES = "error-tracking-directory-list finds users and roles by name or e-mail"
FIND_INTEGRATIONS = "error-tracking-directory-list lists integrations"
WITHOUT_TOOL: Mapping[str, str] = {
    **dict.fromkeys(
        ("project", "team", "organization"), "This server works in one PostHog project and lists no others"
    ),
}
"""Words of invented tools for what no tool here does."""

SEVERITIES = {
    **dict.fromkeys(("urgent", "p0", "p1", "blocker", "fatal", "severe", "emergency"), "critical"),
    **dict.fromkeys(("major", "error", "p2"), "high"),
    **dict.fromkeys(("moderate", "normal", "warning", "p3"), "medium"),
    **dict.fromkeys(("minor", "trivial", "info", "p4"), "low"),
}
STATUSES = {
    **dict.fromkeys(("open", "opened", "reopened", "reopen", "new", "unresolved", "todo"), "active"),
    **dict.fromkeys(("closed", "close", "fixed", "done", "completed", "resolve"), "resolved"),
    **dict.fromkeys(("ignored", "ignore", "muted", "mute", "silenced", "snoozed", "hidden", "suppress"), "suppressed"),
}
"""Words for the status of an issue."""
