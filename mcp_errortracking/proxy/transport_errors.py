"""The errors for calls without a complete answer."""

import re

from mcp_errortracking.proxy.errors import InterruptedCallError, UnreachableError
from mcp_errortracking.proxy.exchange import Exchange
from mcp_errortracking.proxy.gateway_errors import proxy_login

_IN_DOUBT = "It may or may not have been applied: read before you repeat it."


def unreachable(error: Exception, exchange: Exchange) -> UnreachableError:
    """Return the error for a connection that could not be made."""
    reason, code = plain_reason(error), "unreachable"
    if _is_untrusted(reason):
        why, next_step = "Nothing was sent: its certificate is not trusted.", _trust(reason)
    elif exchange.http_proxy and re.match(r"407\b", reason):
        return UnreachableError(*proxy_login(exchange), code="proxy_login")
    elif exchange.http_proxy and type(error).__name__ != "PoolTimeout":
        return UnreachableError(
            f"No connection to {exchange.host} through the HTTP proxy {exchange.http_proxy}: {reason}.",
            "Nothing arrived at PostHog.",
            f"Check the proxy ({exchange.proxy_variable} or ALL_PROXY), or add the host of PostHog to NO_PROXY.",
            code=code,
        )
    else:
        why, next_step = "Nothing arrived there.", "Check POSTHOG_HOST and the network, then try again."
    return UnreachableError(f"No connection to {exchange.host}: {reason}.", why, next_step, code=code)


def _is_untrusted(reason: str) -> bool:
    """True if the connection failed because of its certificate."""
    return "certificate verify failed" in reason.lower()


def _trust(reason: str) -> str:
    """Return the next step for a certificate that is not trusted."""
    if "mismatch" in reason or "not valid for" in reason:
        return "Set POSTHOG_HOST to the name that the certificate is for, or give that host its own certificate."
    if "expired" in reason or "not yet valid" in reason:
        return "Renew the certificate, or check the clock of this machine."
    return (
        "If that is your PostHog or your company's proxy, make this machine trust its certificate authority, or set "
        "SSL_CERT_FILE to a PEM file with that authority in the env of this server."
    )


def interrupted(error: Exception, exchange: Exchange) -> InterruptedCallError:
    """Return the error for a connection that broke, or was silent for too long."""
    return InterruptedCallError(
        f"The connection to {exchange.host} broke during the call: {plain_reason(error)}.",
        "The request was sent, but no complete answer came.",
        _IN_DOUBT if exchange.writes else "Try again.",
        code="interrupted",
        maybe_applied=exchange.writes,
    )


def out_of_time(seconds: float, exchange: Exchange) -> InterruptedCallError:
    """Return the error for a call whose time ended while its request was in flight.

    Args:
        seconds: the time that the call had.
    """
    return InterruptedCallError(
        f"{exchange.host} did not answer within {seconds:g} s.",
        "",
        _IN_DOUBT if exchange.writes else "Try again later, or ask for less.",
        code="timeout",
        maybe_applied=exchange.writes,
    )


def plain_reason(error: Exception, *, requests: str = "calls", longest: int = 200) -> str:
    """Return the reason of a transport error in a few words: httpx names some of them only by their class.

    Args:
        requests: the noun for what uses the connections.
        longest: characters of httpx's own text.
    """
    reason = {
        "ConnectTimeout": "connecting took too long",
        "PoolTimeout": f"too many {requests} are in flight",
        "ReadTimeout": "no answer came in time",
        "WriteTimeout": "sending took too long",
    }.get(type(error).__name__)
    return reason or " ".join(str(error).split())[:longest].rstrip(".") or type(error).__name__
