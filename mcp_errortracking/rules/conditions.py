"""The conditions of a rule: what they read, and which types of filters work (rule contract 2.4, 2.8)."""

from dataclasses import dataclass
from typing import Any

from mcp_errortracking.rules.events import ARRAY_KEYS, Event
from mcp_errortracking.rules.filter_types import COHORTS
from mcp_errortracking.rules.operators import Operation, operation
from mcp_errortracking.rules.outcomes import DisabledError, RefusedError, UnknownError

OF_PROPERTIES = ("event", "feature", "error_tracking_issue")
"""Types that read the event's properties."""
DISABLING = (
    *("person", "group", "session", "event_metadata", "element", "recording", "workflow_variable"),
    *("log", "log_entry", "log_attribute", "log_resource_attribute", "span", "span_attribute"),
    *("span_resource_attribute", "data_warehouse", "data_warehouse_person_property"),
)
"""Types that rules do not see."""
REFUSED = {
    **dict.fromkeys(
        COHORTS,
        "Can't use cohorts in real-time filters. Please inline the relevant expressions.",
    ),
    "revenue_analytics": "The 'revenue_analytics' property filter does not work in 'event' scope",
}
CONSTANT = ("empty", "flag")
"""Types that compile to the number 1."""
_ELEMENTS_CHAIN = "$elements_chain"
_OVERHEAD = 28
_LAMBDA_STACK = 8


@dataclass(frozen=True, slots=True)
class Leaf:
    """A condition on one key. Of an array key, one element that passes is enough."""

    key: str
    is_array: bool
    operation: Operation

    def holds(self, event: Event) -> bool:
        """Return the condition's value.

        Raises:
            DisabledError: it cannot be evaluated.
            UnknownError: it cannot be evaluated here.
        """
        test = self.operation.test
        if not self.is_array:
            return test(event.value(self.key))
        for element in event.elements(self.key):  # noqa: SIM110 any() is a third slower
            if test(element):
                return True
        return False

    def steps(self, event: Event) -> int:
        """Return the instructions that this event takes; the first element that passes is the last that is tested."""
        if not self.is_array:
            return self.operation.steps - 14
        tested = 0
        for element in event.elements(self.key):
            tested += 1
            if self.operation.test(element):
                break
        return _OVERHEAD + self.operation.steps * tested

    def stack(self, event: Event) -> int:
        """Return the entries of the stack that this event takes."""
        if not self.is_array:
            return max(3, self.operation.stack)
        return _LAMBDA_STACK + (self.operation.stack if event.elements(self.key) else 0)

    @property
    def may_fail(self) -> bool:
        return self.operation.may_fail


@dataclass(frozen=True, slots=True)
class Constant:
    """A condition that compiles to the number 1."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A condition that is not evaluated here."""

    why: str


@dataclass(frozen=True, slots=True)
class Branch:
    """Several nodes, joined by AND or OR."""

    is_and: bool
    nodes: tuple["Node", ...]


Node = Leaf | Constant | Unknown | Branch


def compile_condition(condition: dict[str, Any]) -> Node:
    """Return what a property filter is compiled to.

    Raises:
        RefusedError: PostHog answers an error when it is saved.
    """
    kind = condition.get("type", "event")
    if not isinstance(kind, str) or not isinstance(condition.get("operator"), str | None):
        raise RefusedError("Invalid filters payload.")
    if kind in CONSTANT:
        return Constant()
    if kind in REFUSED:
        raise RefusedError(REFUSED[kind])
    key = condition.get("key")
    if not isinstance(key, str):
        raise RefusedError("Invalid filters payload.")
    if kind == "hogql":
        return Unknown("not evaluated: expression")
    if kind not in OF_PROPERTIES and kind not in DISABLING:
        return Unknown(f"not simulated: filters of type {kind}")
    operator = condition.get("operator") or "exact"
    try:
        joined = operation(operator, condition.get("value"))
    except UnknownError as error:
        return Unknown(str(error))
    is_array = kind == "event" and key in ARRAY_KEYS
    hidden = kind if kind in DISABLING else _ELEMENTS_CHAIN[1:] if key == _ELEMENTS_CHAIN else ""
    if not hidden and key.startswith("$virt_"):
        return Unknown(f"not simulated: the virtual property {key}")
    operations = [_hidden(hidden) if hidden else one for one in joined.operations]
    leaves = tuple(Leaf(key, is_array, one) for one in operations)
    if not leaves:
        return Constant()
    return leaves[0] if len(leaves) == 1 else Branch(joined.join == "AND", leaves)


def _hidden(name: str) -> Operation:
    def test(_: Any) -> bool:
        raise DisabledError(f"Unknown Global: {name}")

    return Operation(test, 20, may_fail=True)
