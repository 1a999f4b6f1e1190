"""The outcomes of a rule for an event."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["match", "no_match", "disabled", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The effect of an event on a rule: `disabled` switches it off, `refused` never lets it be saved."""

    kind: Kind
    why: str = ""


MATCH = Outcome("match")
NO_MATCH = Outcome("no_match")


class DisabledError(Exception):
    """Evaluation fails: PostHog switches the rule off. The text is like that in the rule's `disabled_data`."""


class RefusedError(Exception):
    """PostHog answers an error when these filters are saved."""


class UnknownError(Exception):
    """The answer cannot be known here."""
