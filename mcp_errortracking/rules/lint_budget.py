"""A bound on the work of a lint: rules and arguments are from others, and the event loop waits for it."""

from typing import Any, cast

from mcp_errortracking.rules.property_names import is_compared

MOST_VALUES = 100
"""Values of a condition, and conditions of a rule, above which PostHog's machine may overflow."""
_PATTERNS = ("regex", "not_regex")
_TEXTS = ("icontains", "not_icontains")
_OF_NAME = 20
_VALUES_A_STEP, _CHARACTERS_A_STEP = 50, 3


class LintBudget:
    """Steps that are left. One step takes about 10 microseconds."""

    def __init__(self, steps: int = 15_000) -> None:
        self._left = steps

    def covers(self, condition: dict[str, Any]) -> bool:
        """Spend the steps that a condition takes; False once they do not suffice, and from then on."""
        self._left = self._left - cost_of(condition) if self._left > 0 else 0
        return self._left > 0


def cost_of(condition: dict[str, Any]) -> int:
    """Return about as many steps as the lint of a condition takes, a few for each character of a pattern."""
    value: Any = condition.get("value")
    values: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    operator = condition.get("operator")
    key = condition.get("key")
    steps = 1 + len(values) // _VALUES_A_STEP + (_OF_NAME if isinstance(key, str) and is_compared(key) else 0)
    if operator in _PATTERNS:
        return steps + sum(1 + len(one) for one in values[:MOST_VALUES] if isinstance(one, str))
    characters = sum(len(one) for one in values if isinstance(one, str))
    return steps + characters // (_CHARACTERS_A_STEP if operator in _TEXTS else 1000)
