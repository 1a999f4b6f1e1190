"""The order of rules, and the share of events that a suppression rule drops (rule contract 1.3)."""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from mcp_errortracking.rules.events import Event
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.rules.outcomes import Outcome

_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule at its position. Rules that are disabled are not loaded; one that `takes_nothing` ends no search.

    `sampling_rate` is that of a suppression rule.
    """

    id: str
    rule: Rule
    order_key: float = 0
    tie: tuple[str, ...] = ()
    """Compared between equal order keys: `created_at` and id of a severity rule."""
    sampling_rate: float | None = None
    takes_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The rule that takes an event, or the outcome of the search."""

    outcome: Outcome
    by: str | None = None
    disabled: dict[str, str] = field(default_factory=dict[str, str])
    """Rules that the event switches off, with the reason."""


def is_dropped(sampling_rate: float, event_uuid: str | None) -> bool | None:
    """Return True if a matching event is dropped; None if that depends on a UUID that is not known."""
    if sampling_rate >= 1 or sampling_rate <= 0:
        return sampling_rate >= 1
    if math.isnan(sampling_rate):
        return None
    try:
        bucket = uuid.UUID(event_uuid or "").int % _BUCKETS
    except ValueError:
        return None
    return bucket < int(sampling_rate * _BUCKETS)


def first(rules: Sequence[Placed], event: Event, event_uuid: str | None = None) -> Taken:
    """Return the rule that takes an event: the first that matches, or of suppression rules the first that drops it."""
    disabled = dict[str, str]()
    ordered = sorted(rules, key=lambda rule: (rule.order_key, rule.tie))
    for index, placed in enumerate(ordered):
        outcome = placed.rule.match(event)
        if outcome.kind == "disabled":
            disabled[placed.id] = outcome.why
        if outcome.kind == "unknown":
            return Taken(Outcome("unknown", f"rule {placed.id}: {outcome.why}"), None, disabled)
        if outcome.kind != "match" or placed.takes_nothing:
            continue
        drops = _takes(placed, event_uuid)
        if drops is None:
            why = f"rule {placed.id} matches, and its sampling_rate needs the event's UUID"
            return Taken(Outcome("unknown", why), None, disabled)
        if drops:
            rivals = _rivals(placed, ordered[index + 1 :], event, event_uuid)
            if rivals:
                names = " or ".join([placed.id, *rivals])
                return Taken(Outcome("match", f"{names}: PostHog does not define which runs first"), None, disabled)
            return Taken(outcome, placed.id, disabled)
    return Taken(Outcome("no_match"), None, disabled)


def _takes(placed: Placed, event_uuid: str | None) -> bool | None:
    return True if placed.sampling_rate is None else is_dropped(placed.sampling_rate, event_uuid)


def _rivals(placed: Placed, later: Sequence[Placed], event: Event, event_uuid: str | None) -> list[str]:
    """Return the rules at the same position that would take the event too."""
    if placed.tie:
        return []
    equals = [other for other in later if other.order_key == placed.order_key and not other.takes_nothing]
    return [
        other.id
        for other in equals
        if other.rule.match(event).kind == "match" and _takes(other, event_uuid) is not False
    ]
