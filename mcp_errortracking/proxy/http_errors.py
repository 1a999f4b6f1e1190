"""Errors from HTTP answers: what happened, why, and the next step, for each status. Their texts: contract 1.4."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp_errortracking.proxy.error_body import BUDGET_SPENT, Body, moved_issue, read_body
from mcp_errortracking.proxy.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PostHogError,
    RateLimitedError,
    RefusedError,
    ServerFailureError,
    UnauthorizedError,
    UnreadableError,
)
from mcp_errortracking.proxy.exchange import Exchange
from mcp_errortracking.proxy.gateway_errors import is_from_gateway, redirected, refused_before
from mcp_errortracking.proxy.retry_after import retry_advice, retry_after

_SCOPE = re.compile(r"missing required scope '([\w:]+)'")
_PROJECT = re.compile(r"requested project: ID (\S+?)\.?$")
_CODES = {
    "Integration does not belong to this team.": "unknown_integration",
    "Invalid external reference id": "invalid_reference_id",
    "Invalid fingerprint id": "invalid_fingerprint_id",
    "Issue does not belong to this team.": "unknown_issue",
    "Assignee user does not belong to this organization.": "unknown_assignee",
    "Assignee role does not belong to this organization.": "unknown_assignee",
    "Issue fingerprints changed before merge. Please retry.": "merge_conflict",
    "The issue breakdown could not be calculated.": "no_breakdown",
    "A project can have at most 100 severity rules.": "too_many_rules",
    "Severity rule bytecode cannot exceed 10000 operations.": "rule_too_large",
}
"""Texts of a 400 with a general code, and a finer code for each (contract 4.4, 6.5, 6.6, 6.9, 6.13.2)."""
_KEY_SETTINGS = "PostHog's Settings, Personal API keys"


def explain(status: int, headers: Mapping[str, str], content: bytes, exchange: Exchange, *, now: float) -> PostHogError:
    """Return the error for an answer.

    Args:
        headers: by name in lower case.
        now: seconds since the epoch, to read a date in `Retry-After`.
    """
    body = read_body(content)
    facts: dict[str, Any] = {"status": status, "code": body.code, "attr": body.attr, "detail": body.detail}
    if status == 308 and "location" not in headers and (issue := moved_issue(content)):
        return RefusedError(
            f"The fingerprint belongs to another issue now: {issue}.",
            "It was merged into that one, or split off.",
            "Request that issue by its id.",
            **_with(facts, code="issue_moved", detail=issue),
        )
    if 300 <= status < 400:
        return redirected(headers, exchange, facts)
    if is_from_gateway(status, body):
        return refused_before(status, exchange, facts)
    if status == 401:
        return _unauthorized(body, exchange, facts)
    if status == 403:
        return _forbidden(body, exchange, facts)
    if status == 404:
        return _not_found(body, exchange, facts)
    if status == 429:
        return _rate_limited(retry_after(headers, now), body, facts)
    if status >= 500:
        return _server_failure(status, body, exchange, _with(facts, retry_after=retry_after(headers, now)))
    return _invalid(status, body, facts)


def unreadable(reason: str, exchange: Exchange, status: int) -> UnreadableError:
    """Return the error for a 2xx answer that is not one of PostHog's API."""
    next_step = (
        f"Check that POSTHOG_HOST ({exchange.host}) is the address of PostHog itself, not of a page before it."
        if not exchange.writes
        else "It may or may not have been applied: read before you repeat it."
    )
    return UnreadableError(
        f"The answer of {exchange.host} cannot be read.",
        reason,
        next_step,
        status=status,
        code="unreadable_answer",
        maybe_applied=exchange.writes,
    )


def too_large(reason: str, exchange: Exchange, status: int) -> UnreadableError:
    """Return the error for an answer that is too large to be read."""
    error = unreadable(reason, exchange, status)
    if not exchange.writes:
        next_step = "Ask for less: a smaller limit, or narrower filters."
        error.explanation = replace(error.explanation, next_step=next_step)
    return error


def _with(facts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**facts, **more}


def _quoted(body: Body) -> str:
    if not body.detail:
        return ""
    return f"PostHog says: {body.detail}{'' if body.detail[-1] in '.!?…' else '.'}"


def _unauthorized(body: Body, exchange: Exchange, facts: dict[str, Any]) -> RefusedError:
    return UnauthorizedError(
        f"PostHog at {exchange.host} does not accept the API key.",
        _quoted(body),
        f"Create a personal API key in {_KEY_SETTINGS} on that host (US and EU keys differ) and set it as "
        "POSTHOG_PERSONAL_API_KEY. No tool can change it.",
        **facts,
    )


def _forbidden(body: Body, exchange: Exchange, facts: dict[str, Any]) -> RefusedError:
    detail = body.detail or ""
    if scope := _SCOPE.search(detail):
        return ForbiddenError(
            f"The API key lacks the scope {scope[1]}.",
            "PostHog refused the call; nothing was changed." if exchange.writes else "PostHog refused the call.",
            f"Its owner can add the scope in {_KEY_SETTINGS}, at {exchange.host}. A retry before that will not help.",
            **_with(facts, code="missing_scope"),
        )
    if "does not support personal api key access" in detail.lower():
        return ForbiddenError(
            "This PostHog lets no API key do this.",
            "No scope of a key covers the call, in any version of PostHog or in one as old as this.",
            "More scopes will not help: do it in PostHog's web interface.",
            **_with(facts, code="no_api_key_access"),
        )
    if project := _PROJECT.search(detail):
        return ForbiddenError(
            f"The API key may not use project {project[1]}.",
            "It is limited to other projects.",
            f"Set POSTHOG_PROJECT_ID to a project of the key, or let its owner add this one in {_KEY_SETTINGS}.",
            **_with(facts, code="project_not_allowed"),
        )
    return ForbiddenError(
        "PostHog does not allow this.",
        _quoted(body),
        "The rights in PostHog are the cause, not the arguments: ask an administrator of the project.",
        **facts,
    )


def _not_found(body: Body, exchange: Exchange, facts: dict[str, Any]) -> RefusedError:
    if body.detail == "Project not found.":
        return NotFoundError(
            f"There is no project {exchange.project} at {exchange.host} for this key.",
            "",
            "Set POSTHOG_PROJECT_ID to the number in your PostHog address, and check POSTHOG_HOST (us or eu).",
            **_with(facts, code="project_not_found"),
        )
    if body.detail == "Endpoint not found." or not (body.is_json or body.is_empty):
        return NotFoundError(
            f"{exchange.host} does not have this endpoint.",
            "Either this PostHog is too old for it, or the host is not PostHog.",
            "Check POSTHOG_HOST; if it is right, upgrade PostHog or do without this tool.",
            **_with(facts, code="endpoint_not_found"),
        )
    if body.code is None and "no uploaded file" in (body.detail or ""):
        return NotFoundError("Nothing to download.", _quoted(body), **_with(facts, code="no_file"))
    return NotFoundError(
        f"Not found in project {exchange.project}.",
        "No such object, or it belongs to another project, or it was deleted.",
        "List the objects and use an id from the list.",
        **_with(facts, code="not_found"),
    )


def _rate_limited(seconds: float | None, body: Body, facts: dict[str, Any]) -> RefusedError:
    if not (body.is_json or body.is_empty):
        return RateLimitedError(
            "Something before PostHog limits requests: HTTP 429.",
            "Nothing was changed.",
            retry_advice(seconds),
            **_with(facts, retry_after=seconds),
        )
    if body.code == BUDGET_SPENT:
        wait = "within the hour" if seconds is None else f"after {seconds:.0f} s"
        return RateLimitedError(
            "The hourly budget of this project for queries with API keys is spent.",
            "PostHog counts the bytes that queries read, and refills the budget continuously. Nothing was changed.",
            f"Retry {wait}, with a shorter date range. Calls that run no query still work.",
            **_with(facts, retry_after=seconds),
        )
    return RateLimitedError(
        "Throttled: too many requests with this API key.",
        "PostHog allows a key 480 a minute and 4,800 an hour (symbol sets: 1,200 and 12,000). Nothing was changed.",
        retry_advice(seconds),
        **_with(facts, retry_after=seconds),
    )


def _server_failure(status: int, body: Body, exchange: Exchange, facts: dict[str, Any]) -> RefusedError:
    who = "PostHog" if body.is_json else "A gateway before PostHog"
    reads = "Retry after a minute; if it fails again, look at PostHog's status page or logs."
    writes = "It may or may not have been applied: read before you repeat it."
    return ServerFailureError(
        f"{who} failed with HTTP {status}.",
        _quoted(body),
        writes if exchange.writes else reads,
        **facts,
        maybe_applied=exchange.writes,
    )


def _invalid(status: int, body: Body, facts: dict[str, Any]) -> RefusedError:
    if status == 409:
        return InvalidError(
            "The object was changed since it was read: HTTP 409.",
            _quoted(body),
            "Nothing was changed. Read it again, and repeat the call if the change still fits.",
            **facts,
        )
    facts = _with(facts, code=_CODES.get(body.detail or "", body.code))
    argument = f" (argument {body.attr})" if body.attr else ""
    return InvalidError(
        f"PostHog does not accept the request: HTTP {status}{argument}.",
        _quoted(body) or "It does not say why.",
        "Nothing was changed. Correct the arguments and call again.",
        **facts,
    )
