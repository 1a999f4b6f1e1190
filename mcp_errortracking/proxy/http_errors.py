"""Errors from HTTP answers: what happened, why, and the next step.

The shapes and texts of PostHog's errors are those of contract 1.4. Bodies that only hold `detail`, or `error` on older
servers, and the pages of gateways are read too.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from mcp_errortracking.proxy.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PostHogError,
    RateLimitedError,
    RedirectedError,
    RefusedBeforeError,
    RefusedError,
    ServerFailureError,
    UnauthorizedError,
    UnreadableError,
)
from mcp_errortracking.proxy.retry_after import retry_advice, retry_after

_MAX_DETAIL = 500
_LONGEST_BODY = 256 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]+")
_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)
_SCOPE = re.compile(r"missing required scope '([\w:]+)'")
_PROJECT = re.compile(r"requested project: ID (\S+?)\.?$")
_KEY_SETTINGS = "PostHog's Settings, Personal API keys"


@dataclass(frozen=True, slots=True)
class Exchange:
    """The facts about a request that explain its answer.

    `writes`: the request may change something. `http_proxy`: its forward proxy, without user name and password.
    """

    host: str
    project: str
    writes: bool
    http_proxy: str | None = None

    @property
    def proxy_variable(self) -> str:
        """The environment variable that sets the forward proxy of this host."""
        return "HTTPS_PROXY" if self.host.startswith("https:") else "HTTP_PROXY"


@dataclass(frozen=True, slots=True)
class Body:
    """The parts of an error body that PostHog's views agree on."""

    detail: str | None = None
    code: str | None = None
    attr: str | None = None
    is_json: bool = False
    is_empty: bool = False


def read_body(content: bytes) -> Body:
    """Read an error body of any form; its texts lose control characters and are cut to 500 characters.

    A body that is far longer than any of PostHog's is not parsed.
    """
    if len(content) > _LONGEST_BODY:
        return Body(is_json=content[:100].lstrip()[:1] == b"{")
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        return Body(is_empty=not content.strip())
    if not isinstance(data, dict):
        return Body(is_json=True)
    fields = cast("dict[str, Any]", data)

    def text(name: str) -> str | None:
        value = fields.get(name)
        return (
            _CONTROL.sub(" ", value[: 2 * _MAX_DETAIL])[:_MAX_DETAIL].strip() or None
            if isinstance(value, str)
            else None
        )

    attr, code = text("attr"), text("code")
    if code and not _CODE.fullmatch(code):  # codes appear in logs and metrics
        code = None
    return Body(text("detail") or text("error"), code, attr and attr.replace("__", "."), is_json=True)


def is_unknown_route(status: int, content: bytes) -> bool:
    """True if a 404 comes from the router: the path is not an endpoint there, so nothing was done (contract 1.4)."""
    if status != 404:
        return False
    body = read_body(content)
    return body.detail == "Endpoint not found." or not (body.is_json or body.is_empty)


def explain(status: int, headers: Mapping[str, str], content: bytes, exchange: Exchange, *, now: float) -> PostHogError:
    """Return the error for an answer.

    Args:
        headers: by name in lower case.
        now: seconds since the epoch, to read a date in `Retry-After`.
    """
    body = read_body(content)
    facts: dict[str, Any] = {"status": status, "code": body.code, "attr": body.attr, "detail": body.detail}
    if status == 308 and "location" not in headers and (issue := _issue_of(content)):
        return RefusedError(
            f"The fingerprint belongs to another issue now: {issue}.",
            "It was merged into that one, or split off.",
            "Request that issue by its id.",
            **_with(facts, code="issue_moved"),
        )
    if 300 <= status < 400:
        return _redirected(headers, exchange, facts)
    if _is_from_gateway(status, body):
        return _refused_before(status, exchange, facts)
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
    return f"PostHog says: {body.detail}" if body.detail else ""


def _issue_of(content: bytes) -> str | None:
    """Return the issue that PostHog names where a fingerprint has moved (contract 6.6); None if it is not an id."""
    try:
        data: Any = json.loads(content[:_LONGEST_BODY])
        return str(UUID(data["issue_id"]))
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None


def _is_from_gateway(status: int, body: Body) -> bool:
    """True if a 4xx is not one of PostHog's API, which refuses a key in JSON (contract 1.4)."""
    if status in (401, 403, 407):
        return status == 407 or not body.is_json
    return 400 <= status < 500 and status not in (404, 429) and not (body.is_json or body.is_empty)


def proxy_login(exchange: Exchange) -> tuple[str, str, str]:
    """Return what happened, why and the next step, for a forward proxy that requires a login."""
    which = exchange.http_proxy or "before PostHog"
    return (
        f"The HTTP proxy {which} requires a user name and password, or different ones (HTTP 407).",
        "Nothing arrived at PostHog.",
        f"Put them into the proxy's address, {exchange.proxy_variable}=http://user:password@proxy:port, or add the "
        "host of PostHog to NO_PROXY. No tool can do that.",
    )


def _refused_before(status: int, exchange: Exchange, facts: dict[str, Any]) -> PostHogError:
    if status == 407:
        return RefusedBeforeError(*proxy_login(exchange), **_with(facts, code="proxy_login"))
    who = f"The HTTP proxy {exchange.http_proxy}, or something after it," if exchange.http_proxy else "Something"
    next_step = {
        401: f"Exempt {exchange.host}/api/ from its login, or set POSTHOG_HOST to an address that leads to PostHog "
        "itself.",
        413: "Send less at once, or raise its limit.",
    }.get(status, f"Allow {exchange.host}/api/ in the firewall, proxy or web server that refuses it.")
    return RefusedBeforeError(
        f"{who} before PostHog refuses the request: HTTP {status}.",
        "That answer is not PostHog's, so it says nothing about the API key. Nothing was changed.",
        next_step,
        **_with(facts, code="refused_before_posthog"),
    )


def _redirected(headers: Mapping[str, str], exchange: Exchange, facts: dict[str, Any]) -> PostHogError:
    location = headers.get("location", "")
    if _is_within(location, exchange.host):
        return RedirectedError(
            f"{exchange.host} redirects to another page of its own.",
            "The redirect was not followed: PostHog's API makes none; a login page or a web server before it does.",
            "Route /api/ of that host to PostHog itself, without such a page.",
            **_with(facts, code="redirected"),
        )
    try:
        target = urlsplit(location)
        is_address = target.scheme in ("http", "https") and target.netloc != ""
        where = f"{target.scheme}://{target.netloc}" if is_address else "elsewhere"
    except ValueError:  # it is not a URL
        where = "elsewhere"
    return RedirectedError(
        f"{exchange.host} redirects to {_CONTROL.sub('', where)[:200]}.",
        "The API key is only ever sent to the configured host, so the redirect was not followed.",
        "If that address is your PostHog, set POSTHOG_HOST to it.",
        **_with(facts, code="redirected"),
    )


def _is_within(location: str, host: str) -> bool:
    """True if a redirect stays on the host."""
    try:
        target, own = urlsplit(location), urlsplit(host)
        if not (target.scheme or target.netloc):
            return bool(target.path or target.query)
        return (target.scheme, target.hostname, _port(target)) == (own.scheme, own.hostname, _port(own))
    except ValueError:
        return False


def _port(address: SplitResult) -> int | None:
    return address.port or {"https": 443, "http": 80}.get(address.scheme)


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
            "Its version is older than this tool's endpoint allows keys for.",
            "Do it in PostHog's web interface, or upgrade PostHog.",
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
    argument = f" (argument {body.attr})" if body.attr else ""
    return InvalidError(
        f"PostHog does not accept the request: HTTP {status}{argument}.",
        _quoted(body) or "It does not say why.",
        "Nothing was changed. Correct the arguments and call again.",
        **facts,
    )
