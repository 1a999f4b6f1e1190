"""Answers about symbol sets and releases that are not as documented."""

from mcp_errortracking.proxy.errors import PostHogError


def unreadable(what: str) -> PostHogError:
    """Return the error for an answer that is not as documented."""
    return PostHogError(f"PostHog's answer {what}.", "", "Try again.", code="unreadable_answer")
