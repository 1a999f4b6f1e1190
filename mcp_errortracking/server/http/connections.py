"""The table of open connections, bounded so that file descriptors are left for PostHog, files and the log."""

import sys
from collections import OrderedDict
from typing import Protocol

if sys.platform != "win32":
    import resource

_RESERVED = 192
"""Most descriptors that are reserved for other uses than connections."""


class Connection(Protocol):
    """A connection as the table sees it."""

    def serves_caller(self) -> bool:
        """True if a request of an authenticated caller is being answered."""
        ...

    def cut_off(self) -> None:
        """Close the connection at once."""
        ...


class Connections:
    """The table of open connections. When it is full, a new connection replaces the one that has been idle longest.

    A connection that serves an authenticated caller is never closed. The others are closed in this order: first those
    that never carried an authenticated request, then those that did; the oldest first.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._anonymous = OrderedDict[Connection, None]()
        self._authenticated = OrderedDict[Connection, None]()
        self._serving = set[Connection]()

    def __len__(self) -> int:
        return len(self._anonymous) + len(self._authenticated) + len(self._serving)

    def add(self, connection: Connection) -> bool:
        """Add a new connection; False if the table is full of connections that serve callers."""
        while len(self) >= self.limit and self.evict_one():
            pass
        self._anonymous[connection] = None
        return len(self) <= self.limit

    def mark_idle(self, connection: Connection, *, authenticated: bool) -> None:
        """Move a connection that waits for its next request to the end of its queue."""
        self.remove(connection)
        (self._authenticated if authenticated else self._anonymous)[connection] = None

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self._anonymous.pop(connection, None)
        self._authenticated.pop(connection, None)
        self._serving.discard(connection)

    def evict_one(self) -> bool:
        """Close the first connection in the order above; False if all of them serve callers."""
        for queue in (self._anonymous, self._authenticated):
            while queue:
                oldest, _ = queue.popitem(last=False)
                if oldest.serves_caller():
                    self._serving.add(oldest)  # `mark_idle` puts it back into a queue after its answer
                else:
                    oldest.cut_off()
                    return True
        return False


def raise_descriptor_limit(wanted: int) -> int:
    """Raise the soft limit of open files as far as `wanted` connections need and the hard limit allows; return it."""
    if sys.platform == "win32":
        return wanted + _RESERVED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    if soft == endless:
        return wanted + _RESERVED
    target = wanted + _RESERVED if hard == endless else min(wanted + _RESERVED, hard)
    if target > soft:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        except (OSError, ValueError):  # macOS refuses more than kern.maxfilesperproc
            return soft
    return max(soft, target)


def connection_limit(descriptors: int) -> int:
    """Return the number of connections that leave enough descriptors for the rest of the process."""
    return descriptors - _reserved(descriptors)


def accept_batch(descriptors: int) -> int:
    """Return the number of connections to accept in one turn of the event loop.

    The first of them is counted, and the connection it replaces closed, three turns later. Up to four times as many
    descriptors are in use until then; they may take two thirds of the reserved ones.
    """
    return max(1, _reserved(descriptors) // 6)


def _reserved(descriptors: int) -> int:
    return min(_RESERVED, descriptors // 2)
