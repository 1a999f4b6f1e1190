"""The `Retry-After` header, and the advice to retry that follows from it."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

_LONGEST_PERIOD = 3600.0
"""Seconds of PostHog's longest rate limit (contract 1.6)."""

LONGEST_PAUSE = 60.0
"""Longest time in seconds that requests are held back after a 429; then one finds out if PostHog still refuses."""


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait, from a `Retry-After` of seconds or of a date; None if it is absent or invalid.

    A date is compared with the answer's own `Date`, so that a wrong clock on either side does no harm.

    Args:
        headers: by name in lower case.
        now: seconds since the epoch, for an answer without a date.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    until = _timestamp(value)
    sent = _timestamp(headers.get("date", ""))
    return None if until is None else max(0.0, until - (now if sent is None else sent))


def retry_advice(seconds: float | None) -> str:
    """Return the advice when to retry.

    Args:
        seconds: the wait that the answer asked for; None if it asked for none.
    """
    if seconds is None:
        return "Retry after a minute."
    held = f"This server holds back requests with this key for at most {LONGEST_PAUSE:.0f} s, then it sends one again."
    if seconds > _LONGEST_PERIOD:
        return f"Retry after a minute: the answer asks for more than an hour, longer than any limit of PostHog. {held}"
    if seconds > LONGEST_PAUSE:
        return f"Retry after {seconds:.0f} s. {held}"
    return f"Retry after {seconds:.0f} s." if seconds >= 0.5 else "Retry now; if it fails again, retry after a minute."


def _timestamp(text: str) -> float | None:
    """Return an HTTP date in seconds since the epoch; None if the text is not a date."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
