"""A rule's filters, evaluated on events as PostHog's ingestion does it (rule contract 2)."""

from collections.abc import Callable, Iterator
from typing import Any, cast

from mcp_errortracking.rules.conditions import Branch, Constant, Leaf, Node, Unknown, compile_condition
from mcp_errortracking.rules.events import Event
from mcp_errortracking.rules.outcomes import MATCH, NO_MATCH, DisabledError, Outcome, RefusedError, UnknownError

MOST_STEPS = 10_000
MOST_STACK = 128
MOST_HEAP = 2**20
_NOT_A_BOOLEAN = "expected a boolean value, got the number 1"
_SKIPPED = Outcome("no_match", "Out of steps: PostHog skips the rule for this event, and keeps it enabled")
_NEEDS_CONDITION = {
    "grouping": "Filters must contain at least one filter value.",
    "bypass": "A bypass rule must have at least one filter.",
}
Runs = Callable[[Event], bool]


class Rule:
    """The filters of a rule, compiled once for many events. `kind` is that of the rule, if it is known."""

    def __init__(self, filters: Any, kind: str | None = None) -> None:
        self._always: Outcome | None = None
        self._leaves: list[tuple[Leaf, int]] = []
        self._groups = 0
        self._unknown = ""
        self._run: Runs = lambda _: True
        try:
            self._compile(filters, kind)
        except RefusedError as error:
            self._always = Outcome("refused", f"PostHog refuses these filters: {error}")
        except RecursionError:
            self._always = Outcome("unknown", "the filters nest too deep to be evaluated here")
        leaves = [leaf for leaf, _ in self._leaves]
        self._arrays = tuple(dict.fromkeys(leaf.key for leaf in leaves if leaf.is_array))
        self._failing = tuple(leaf for leaf in leaves if leaf.may_fail)
        self._base_steps = self._groups + 1 + sum(28 if leaf.is_array else leaf.operation.steps for leaf in leaves)
        self._element_steps = sum(leaf.operation.steps for leaf in leaves if leaf.is_array)
        self._is_tall = any(pending + 8 + max(3, leaf.operation.stack) > MOST_STACK for leaf, pending in self._leaves)

    def _compile(self, filters: Any, kind: str | None) -> None:
        conditions = list(conditions_of(filters))
        if all(condition.get("type") == "empty" for condition in conditions):
            if kind in _NEEDS_CONDITION:
                raise RefusedError(_NEEDS_CONDITION[kind])
            self._always = MATCH
            return
        root = _compile(filters)
        if isinstance(root, Constant):
            self._always = Outcome("disabled", _NOT_A_BOOLEAN)
            return
        self._survey(root, 0)
        self._run = _runner(root)

    def _survey(self, node: Node, pending: int) -> None:
        """List the leaves in the order in which they run, with the entries on the stack before each."""
        if isinstance(node, Leaf):
            self._leaves.append((node, pending))
        elif isinstance(node, Unknown):
            self._unknown = self._unknown or node.why
        elif isinstance(node, Branch):
            self._groups += 1
            for index, inner in enumerate(node.nodes):
                self._survey(inner, pending + index)

    @property
    def constant(self) -> Outcome | None:
        """The outcome, if it is the same for all events."""
        return self._always

    @property
    def longest_array(self) -> int:
        """The length of arrays up to which an event cannot take more steps and stack than a rule has; -1: none."""
        if self._is_tall or self._base_steps > MOST_STEPS:
            return -1
        return (MOST_STEPS - self._base_steps) // self._element_steps if self._element_steps else MOST_STEPS

    def match(self, event: Event) -> Outcome:
        """Return the outcome for an event."""
        if self._always is not None:
            return self._always
        try:
            for key in self._arrays:
                event.elements(key)
            if self._is_tall or self._base_steps + self._element_steps * event.longest > MOST_STEPS:
                if self._runs_out(event):
                    return _SKIPPED
            else:
                for leaf in self._failing:
                    leaf.holds(event)
            if self._unknown:
                return Outcome("unknown", self._unknown)
            holds = self._run(event)
        except DisabledError as error:
            return Outcome("disabled", str(error))
        except UnknownError as error:
            return Outcome("unknown", str(error))
        if event.largest * len(self._leaves) > MOST_HEAP and (problem := self._heap(event)):
            return problem
        return MATCH if holds else NO_MATCH

    def _runs_out(self, event: Event) -> bool:
        """Run one condition after another, and return True if the steps do not suffice.

        Raises:
            DisabledError: the stack does not suffice, or a condition fails.
        """
        steps = self._groups + 1
        for leaf, pending in self._leaves:
            if pending + leaf.stack(event) > MOST_STACK:
                raise DisabledError("Stack overflow")
            steps += leaf.steps(event)
            if steps > MOST_STEPS:
                return True
            if leaf.may_fail:
                leaf.holds(event)
        return False

    def _heap(self, event: Event) -> Outcome | None:
        for leaf, _ in self._leaves:
            event.value(leaf.key)
        if any(event.size(leaf.key) > MOST_HEAP for leaf, _ in self._leaves):
            return Outcome("disabled", "Out of resource: the event's data exceed 1 MiB, or nest too deep")
        if sum(event.size(leaf.key) for leaf, _ in self._leaves) > MOST_HEAP:
            return Outcome("unknown", "the conditions read over 1 MiB together; PostHog may switch the rule off")
        return None


def conditions_of(group: Any) -> Iterator[dict[str, Any]]:
    """Return the property filters of a group, at any depth, in order.

    Raises:
        RefusedError: the filters have a form that PostHog does not take.
    """
    for value in _values(group):
        if "values" in value:
            yield from conditions_of(value)
        else:
            yield value


def _values(group: Any) -> list[dict[str, Any]]:
    members: dict[str, Any] = cast("dict[str, Any]", group) if isinstance(group, dict) else {}
    values = members.get("values")
    if members.get("type") not in ("AND", "OR") or not isinstance(values, list):
        raise RefusedError("Invalid filters payload.")
    inner = cast("list[Any]", values)
    if not all(isinstance(value, dict) for value in inner):
        raise RefusedError("Invalid filters payload.")
    return cast("list[dict[str, Any]]", inner)


def _compile(node: dict[str, Any]) -> Node:
    if "values" not in node:
        return compile_condition(node)
    nodes = tuple(map(_compile, _values(node)))
    if len(nodes) == 1:
        return nodes[0]
    return Branch(node["type"] == "AND", nodes) if nodes else Constant()


def _cost(node: Node) -> tuple[int, int]:
    """Return the rank of a node in a group: the cheapest runs first."""
    return (int(node.is_array), node.operation.steps) if isinstance(node, Leaf) else (2, 0)


def _runner(node: Node) -> Runs:
    """Return a function that evaluates a node. Conditions that may fail ran before it, so it may stop early."""
    if isinstance(node, Leaf):
        return node.holds
    if not isinstance(node, Branch):
        return lambda _: True
    runs, is_and = tuple(map(_runner, sorted(node.nodes, key=_cost))), node.is_and

    def run(event: Event) -> bool:
        for one in runs:
            if one(event) != is_and:
                return not is_and
        return is_and

    return run
