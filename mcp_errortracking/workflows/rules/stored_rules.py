"""Rules as PostHog lists them, with what of them has a form that is known here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.rules.matching import conditions_of
from mcp_errortracking.rules.outcomes import RefusedError
from mcp_errortracking.rules.rule_set import position_of
from mcp_errortracking.workflows.rules.matched import EVERYTHING


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule. `filters` is None if their form is not known; `place` sorts rules as PostHog tries them."""

    id: str
    filters: dict[str, Any] | None
    order_key: float
    sampling_rate: float | None
    is_enabled: bool
    place: tuple[float, str, str]


def stored_rule(rule: Mapping[str, Any]) -> StoredRule:
    """Return a rule of PostHog's list."""
    filters: Any = rule.get("filters")
    filters = EVERYTHING if filters is None or filters == {} else filters
    rate: Any = rule.get("sampling_rate")
    is_rate = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 <= rate <= 1
    place = position_of(rule)
    return StoredRule(
        str(rule.get("id")),
        filters if _is_known(filters) else None,
        place[0] if math.isfinite(place[0]) else 0.0,
        rate if is_rate else None,
        rule.get("disabled_data") is None,
        place,
    )


def _is_known(filters: Any) -> bool:
    try:
        return all(
            isinstance(condition.get(name), str | None)
            for condition in conditions_of(filters)
            for name in ("key", "type", "operator")
        )
    except (RefusedError, RecursionError):
        return False
