"""The limits of every call: times, tries and sizes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    total: float = 50.0
    """One call, all its tries and waits together."""
    connect: float = 5.0
    read: float = 30.0
    write: float = 30.0
    pool: float = 20.0
    """Waiting for one of the `connections` to be free."""
    connections: int = 16
    """Requests in flight at once; more wait."""
    keepalive: float = 15.0
    """Time that an idle connection is kept: short, so that the server rarely closes it first."""
    lifetime: float = 30.0
    """Longest use of a connection, so that a new address of the host is found while the old one still answers."""
    attempts: int = 4
    backoff: float = 0.2
    """The first wait between tries is up to this long, each next one up to twice as long."""
    longest_backoff: float = 5.0
    longest_retry_after: float = 20.0
    """A longer `Retry-After` of a gateway is not waited for but reported. That of a 429 is waited for as long as the
    call has time."""
    body: int = 16 * 1024 * 1024
    """Size of an answer, decompressed: five times that of 7,000 rules."""
