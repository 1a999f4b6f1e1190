"""The age of a chunk, from its id or from its bundle."""

from datetime import UTC, datetime
from uuid import UUID


def built_at(chunk_id: str | None) -> datetime | None:
    """Return the time of the build that a chunk id is of; None if builds of the same sources share the id.

    PostHog's own command line gives every build new ids, of UUID version 7, which begin with the time (contract 5.2).
    """
    try:
        known = UUID(chunk_id or "")
    except ValueError:
        return None
    if known.version != 7:
        return None
    try:
        return datetime.fromtimestamp((known.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def age_in_days(chunk_id: str, written_at: datetime | None = None) -> int | None:
    """Return the days since a chunk was built; None if unknown.

    Args:
        written_at: the time of the last change of its bundle.
    """
    built = built_at(chunk_id) or written_at
    return None if built is None else max(0, (datetime.now(UTC) - built).days)
