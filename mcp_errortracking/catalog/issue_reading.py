"""One issue, read before or after another request; what the endpoints of issues have in common (contract 6.6)."""

from mcp_errortracking.catalog.endpoint import Outcome, Request, StepError, Steps, as_object

SCOPED = "2026-04-07"
"""Before, no API key might use the endpoints of issues."""


def read_issue(issue: object) -> Request:
    """Return the request of an issue."""
    return Request("GET", f"error_tracking/issues/{issue}/")


def read_back(issue_id: str, answer: dict[str, object]) -> Steps:
    """Return the issue as it is now, after an answer that says little more than success."""
    try:
        issue = as_object((yield read_issue(issue_id)))
    except StepError as failure:
        return Outcome(answer, [f"PostHog accepted the call, but the issue could not be read back. {failure.summary}"])
    return Outcome(issue)
