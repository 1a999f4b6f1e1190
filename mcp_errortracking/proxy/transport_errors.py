"""The errors for calls to which no whole answer came."""

import re

from mcp_errortracking.proxy.errors import InterruptedCallError, UnreachableError
from mcp_errortracking.proxy.http_errors import Exchange, proxy_login

_IN_DOUBT = "It may or may not have been applied: read before you repeat it."


def unreachable(error: Exception, exchange: Exchange) -> UnreachableError:
    """No connection was made."""
    reason, code = _plainly(error), "unreachable"
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
    """Whether it is the certificate that a connection failed for."""
    return "certificate verify failed" in reason.lower()


def _trust(reason: str) -> str:
    """What to do about a certificate that is not trusted."""
    if "mismatch" in reason or "not valid for" in reason:
        return "Set POSTHOG_HOST to the name that the certificate is for, or give that host one of its own."
    if "expired" in reason or "not yet valid" in reason:
        return "Renew the certificate, or check the clock of this machine."
    return (
        "If that is your PostHog, or the proxy of your company, make this machine trust its authority, or set "
        "SSL_CERT_FILE to a PEM file with it in the env of this server."
    )


def interrupted(error: Exception, exchange: Exchange) -> InterruptedCallError:
    """The connection broke, or was silent for too long."""
    return InterruptedCallError(
        f"The connection to {exchange.host} broke during the call: {_plainly(error)}.",
        "The request was sent, but its whole answer never came.",
        _IN_DOUBT if exchange.writes else "Try again.",
        code="interrupted",
        maybe_applied=exchange.writes,
    )


def out_of_time(seconds: float, exchange: Exchange) -> InterruptedCallError:
    """The call was given up while its request was on the way.

    Args:
        seconds: that it had.
    """
    return InterruptedCallError(
        f"{exchange.host} did not answer within {seconds:g} s.",
        "",
        _IN_DOUBT if exchange.writes else "Try again later, or ask for less.",
        code="timeout",
        maybe_applied=exchange.writes,
    )


def _plainly(error: Exception) -> str:
    """A transport error in a few words: httpx names some of them only by their class."""
    words = {
        "ConnectTimeout": "connecting took too long",
        "PoolTimeout": "too many calls are under way",
        "ReadTimeout": "no answer came in time",
        "WriteTimeout": "sending took too long",
    }.get(type(error).__name__)
    return words or " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
