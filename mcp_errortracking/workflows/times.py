"""Times as PostHog writes them."""

from datetime import UTC, datetime
from typing import Any


def moment_of(value: Any) -> datetime | None:
    """Return a time of PostHog's; None if it is not one. Without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def in_seconds(moment: datetime) -> str:
    """Return a moment in UTC to the second, like `2026-06-01T00:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
