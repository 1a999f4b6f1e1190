"""Errors from something between this server and PostHog: a forward proxy, a firewall, a login, a redirect."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from mcp_errortracking.proxy.address import API
from mcp_errortracking.proxy.error_body import CONTROL, Body
from mcp_errortracking.proxy.errors import PostHogError, RedirectedError, RefusedBeforeError
from mcp_errortracking.proxy.exchange import Exchange


def is_from_gateway(status: int, body: Body) -> bool:
    """True if a 4xx is not one of PostHog's API, which refuses a key in JSON (contract 1.4)."""
    if status in (401, 403, 407):
        return status == 407 or not body.is_json
    return 400 <= status < 500 and status not in (404, 429) and not (body.is_json or body.is_empty)


def proxy_login(exchange: Exchange) -> tuple[str, str, str]:
    """Return the three parts of the explanation for a forward proxy that requires a login."""
    which = exchange.http_proxy or "before PostHog"
    return (
        f"The HTTP proxy {which} requires a user name and password, or different ones (HTTP 407).",
        "Nothing arrived at PostHog.",
        f"Put them into the proxy's address, {exchange.proxy_variable}=http://user:password@proxy:port, or add the "
        "host of PostHog to NO_PROXY. No tool can do that.",
    )


def refused_before(status: int, exchange: Exchange, facts: dict[str, Any]) -> PostHogError:
    """Return the error for a 4xx that is not PostHog's."""
    if status == 407:
        facts = {**facts, "code": "proxy_login"}
        return RefusedBeforeError(*proxy_login(exchange), **facts)
    facts = {**facts, "code": "refused_before_posthog"}
    who = f"The HTTP proxy {exchange.http_proxy}, or something after it," if exchange.http_proxy else "Something"
    next_step = {
        401: f"Exempt {exchange.host}{API} from its login, or set POSTHOG_HOST to an address that leads to PostHog "
        "itself.",
        413: "Send less at once, or raise its limit.",
    }.get(status, f"Allow {exchange.host}{API} in the firewall, proxy or web server that refuses it.")
    return RefusedBeforeError(
        f"{who} before PostHog refuses the request: HTTP {status}.",
        "That answer is not PostHog's, so it says nothing about the API key. Nothing was changed.",
        next_step,
        **facts,
    )


def redirected(headers: Mapping[str, str], exchange: Exchange, facts: dict[str, Any]) -> PostHogError:
    """Return the error for a redirect, which is never followed."""
    location, facts = headers.get("location", ""), {**facts, "code": "redirected"}
    if _is_within(location, exchange.host):
        return RedirectedError(
            f"{exchange.host} redirects to another page of its own.",
            "The redirect was not followed: PostHog's API makes none; a login page or a web server before it does.",
            f"Route {API} of that host to PostHog itself, without such a page.",
            **facts,
        )
    try:
        target = urlsplit(location)
        is_address = target.scheme in ("http", "https") and target.netloc != ""
        where = f"{target.scheme}://{target.netloc}" if is_address else "elsewhere"
    except ValueError:  # it is not a URL
        where = "elsewhere"
    return RedirectedError(
        f"{exchange.host} redirects to {CONTROL.sub('', where)[:200]}.",
        "The API key is only ever sent to the configured host, so the redirect was not followed.",
        "If that address is your PostHog, set POSTHOG_HOST to it.",
        **facts,
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
