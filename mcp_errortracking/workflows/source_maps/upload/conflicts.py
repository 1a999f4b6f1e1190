"""What to do where PostHog has something else under a chunk id."""

from dataclasses import dataclass
from enum import StrEnum


class Choice(StrEnum):
    """What can be asked for to get past a conflict, in another upload; see `ConflictRules`."""

    FORCE = "force"
    SKIP_ON_CONFLICT = "skip_on_conflict"
    WITHOUT_RELEASE = "without_release"


@dataclass(frozen=True, slots=True)
class ConflictRules:
    """What was chosen; without a rule, a conflict is a failure of that chunk."""

    force: bool = False
    """Overwrite other content."""
    skip_on_conflict: bool = False
    """Keep other content."""
    without_release: bool = False
    """Where the set belongs to another release, upload without one."""

    def __post_init__(self) -> None:
        if self.force and self.skip_on_conflict:
            raise ValueError("give force or skip_on_conflict, not both")
