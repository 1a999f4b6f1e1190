"""A bound on the work that reading a repository may cost."""

import time

_UNCHECKED = 1000
"""Steps between two looks at the clock."""


class RepositoryError(Exception):
    """The repository is broken, leads out of the roots, or exceeds the budget."""


class Budget:
    """Steps that are left, and a deadline. One step takes about a microsecond.

    All repositories that one call reads share a budget.
    """

    def __init__(self, steps: int = 10_000_000, seconds: float = 8.0) -> None:
        self._left = steps
        self._next_check = steps
        self._deadline = time.monotonic() + seconds

    def spend(self, steps: int) -> None:
        """Count work before it is done.

        Raises:
            RepositoryError: the budget is exceeded.
        """
        self._left -= steps
        if self._left <= self._next_check:
            if self._left < 0 or time.monotonic() >= self._deadline:
                raise RepositoryError("reading it takes too long")
            self._next_check = max(self._left - _UNCHECKED, 0)
