"""Findings about a rule's filters."""

from dataclasses import dataclass
from typing import Literal, get_args

Level = Literal["refused", "error", "warning"]
_WORST_FIRST: tuple[Level, ...] = get_args(Level)
SAVES_AND_DISABLES = "PostHog saves this, and disables the rule"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a condition.

    `refused`: PostHog does not save it. `error`: PostHog saves it, and then disables the rule. `warning`: it means
    something else than it seems to. `place` is that of the condition, like `values[0].values[1]`; empty for the whole.
    """

    level: Level
    place: str
    problem: str
    advice: str = ""

    @property
    def rank(self) -> int:
        """The rank of its level: 0 is the worst."""
        return _WORST_FIRST.index(self.level)

    def __str__(self) -> str:
        place = f"filters.{self.place}" if self.place else "filters"
        return f"{place}: {self.problem}{f' {self.advice}' if self.advice else ''}"
