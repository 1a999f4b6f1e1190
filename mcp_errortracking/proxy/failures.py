"""The errors for calls to which no whole answer came."""

from mcp_errortracking.proxy.errors import InterruptedCallError, UnreachableError
from mcp_errortracking.proxy.explain import Exchange

_IN_DOUBT = "It may or may not have been applied: read before you repeat it."


def unreachable(error: Exception, exchange: Exchange) -> UnreachableError:
    """No connection was made."""
    return UnreachableError(
        f"No connection to {exchange.host}: {_plainly(error)}.",
        "Nothing arrived there.",
        "Check POSTHOG_HOST and the network, then try again.",
        code="unreachable",
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
