"""How long, how often and how much: the bounds of every call."""

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
    """Requests under way at once; more wait."""
    keepalive: float = 15.0
    """How long an idle connection is kept: short, so that it is rarely the server that closes it first."""
    lifetime: float = 30.0
    """How long a connection is used at most, so that a new address of the host is found while the old one answers."""
    attempts: int = 4
    backoff: float = 0.2
    """The first wait between tries is up to this long, each next one up to twice as long."""
    longest_backoff: float = 5.0
    longest_retry_after: float = 20.0
    """A `Retry-After` of a gateway beyond this is not waited for but reported. PostHog's own (429) is waited for as
    long as the call has time."""
    body: int = 16 * 1024 * 1024
    """An answer's size, decompressed: three times that of 10,000 rules."""
