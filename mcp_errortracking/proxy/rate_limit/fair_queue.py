"""The queue of those who wait for a turn: each caller's calls in order, the callers in turn."""

from collections import deque
from dataclasses import dataclass, field

import anyio


@dataclass(eq=False, slots=True)
class Turn:
    """A call that waits. `until` is when it is given up; `come` is set once the wait is over, one way or the other."""

    caller: str
    until: float
    come: anyio.Event = field(default_factory=anyio.Event)
    granted: bool = False


class Turns:
    """First come, first served within a caller; between callers, one after the other."""

    def __init__(self) -> None:
        self._lines = dict[str, deque[Turn]]()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, one: Turn, *, first: bool = False) -> None:
        """Puts one in its caller's line, at its end or, `first`, at its head."""
        line = self._lines.setdefault(one.caller, deque())
        if first:
            line.appendleft(one)
        else:
            line.append(one)
        self._length += 1

    def pop(self) -> Turn:
        """Takes out the next; its caller is the last in turn then."""
        caller = next(iter(self._lines))
        line = self._lines.pop(caller)
        one = line.popleft()
        if line:
            self._lines[caller] = line
        self._length -= 1
        return one

    def remove(self, one: Turn) -> None:
        """Takes one out, wherever it stands."""
        line = self._lines[one.caller]
        line.remove(one)
        if not line:
            del self._lines[one.caller]
        self._length -= 1

    def all(self) -> list[Turn]:
        """Everyone who waits."""
        return [one for line in self._lines.values() for one in line]

    def ahead(self, caller: str) -> int:
        """How many would have their turn before another call of this caller."""
        own = len(self._lines.get(caller, ()))
        ahead, earlier = own, True
        for name, line in self._lines.items():
            if name == caller:
                earlier = False
            else:
                ahead += min(len(line), own + earlier)
        return ahead
