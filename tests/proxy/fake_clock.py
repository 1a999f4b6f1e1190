"""A clock that stands still until it is advanced, and then runs the calls that are due."""

import anyio.lowlevel


class FakeClock:
    """Seconds since an arbitrary moment."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._due = list[tuple[float, object]]()

    def __call__(self) -> float:
        return self.now

    def call_later(self, seconds: float, function: object) -> None:
        self._due.append((self.now + seconds, function))

    async def advance(self, seconds: float) -> None:
        """Let time pass: run the calls that are due in order, and the tasks after each."""
        end = self.now + seconds
        await settle()
        while due := [one for one in self._due if one[0] <= end]:
            first = min(due, key=lambda one: one[0])
            self._due.remove(first)
            self.now = max(self.now, first[0])
            assert callable(first[1])
            first[1]()
            await settle()
        self.now = end


async def settle() -> None:
    """Let every task run as far as it can without time passing."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()
