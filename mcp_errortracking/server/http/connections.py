"""The open connections of a process, fewer than its file descriptors: the rest is for PostHog, files and the log."""

import sys
from collections import OrderedDict
from typing import Protocol

if sys.platform != "win32":
    import resource

_RESERVED = 192
"""Descriptors that connections may not use, at most."""


class Connection(Protocol):
    """A connection as the table sees it."""

    def serves_caller(self) -> bool:
        """True if a request of an authenticated caller is being answered."""
        ...

    def cut_off(self) -> None:
        """Close it at once."""
        ...


class Connections:
    """The table of open connections, which makes room for a new one by closing the one that waited longest.

    A connection that serves an authenticated caller is never closed. The others go in this order: first those that
    never carried an authenticated request, then those that did; the oldest first.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._anonymous = OrderedDict[Connection, None]()
        self._authenticated = OrderedDict[Connection, None]()
        self._serving = set[Connection]()

    def __len__(self) -> int:
        return len(self._anonymous) + len(self._authenticated) + len(self._serving)

    def add(self, connection: Connection) -> bool:
        """Add a new connection; False if all others serve callers and there is no room for it."""
        while len(self) >= self.limit and self.evict_one():
            pass
        self._anonymous[connection] = None
        return len(self) <= self.limit

    def mark_idle(self, connection: Connection, *, authenticated: bool) -> None:
        """Move a connection to the end of its queue: it waits for its next request."""
        self.remove(connection)
        (self._authenticated if authenticated else self._anonymous)[connection] = None

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._anonymous.pop(connection, None)
        self._authenticated.pop(connection, None)
        self._serving.discard(connection)

    def evict_one(self) -> bool:
        """Close the connection that is worth least; False if all of them serve callers."""
        for queue in (self._anonymous, self._authenticated):
            while queue:
                oldest, _ = queue.popitem(last=False)
                if oldest.serves_caller():
                    self._serving.add(oldest)  # back in a queue with its answer
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

    Three turns later the first of them has been counted and the one that it replaces is closed, so up to four times as
    many descriptors are in use; they may take two thirds of the spare ones.
    """
    return max(1, _reserved(descriptors) // 6)


def _reserved(descriptors: int) -> int:
    return min(_RESERVED, descriptors // 2)
