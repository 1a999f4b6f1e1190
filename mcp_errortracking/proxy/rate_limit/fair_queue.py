"""The queue of waiting requests, fair between callers: each caller's in order, the callers in turn."""

from collections import deque
from dataclasses import dataclass, field

import anyio


@dataclass(eq=False, slots=True)
class Ticket:
    """A waiting request. `deadline` is when it is given up; `settled` is set once it is granted or refused."""

    caller: str
    deadline: float
    settled: anyio.Event = field(default_factory=anyio.Event)
    granted: bool = False


class FairQueue:
    """First come, first served within a caller; round robin between callers."""

    def __init__(self) -> None:
        self._lines = dict[str, deque[Ticket]]()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, ticket: Ticket, *, first: bool = False) -> None:
        """Put a ticket at the end of its caller's line or, `first`, at its head."""
        line = self._lines.setdefault(ticket.caller, deque())
        if first:
            line.appendleft(ticket)
        else:
            line.append(ticket)
        self._length += 1

    def pop(self) -> Ticket:
        """Remove and return the next ticket; its caller becomes the last in turn."""
        caller = next(iter(self._lines))
        line = self._lines.pop(caller)
        ticket = line.popleft()
        if line:
            self._lines[caller] = line
        self._length -= 1
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """Remove a ticket from any place in its line."""
        line = self._lines[ticket.caller]
        line.remove(ticket)
        if not line:
            del self._lines[ticket.caller]
        self._length -= 1

    def all(self) -> list[Ticket]:
        """Return every waiting ticket."""
        return [ticket for line in self._lines.values() for ticket in line]

    def ahead(self, caller: str) -> int:
        """Return the number of tickets that would be served before a new one of this caller."""
        own = len(self._lines.get(caller, ()))
        ahead, earlier = own, True
        for name, line in self._lines.items():
            if name == caller:
                earlier = False
            else:
                ahead += min(len(line), own + earlier)
        return ahead
