"""Filters as PostHog can count them: lists of conditions that all hold, and which of them an event has in common.

PostHog counts the events for which all conditions of a list hold. A tree of AND and OR is a union of such lists, which
is counted by inclusion and exclusion (rule contract 3.4).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, cast

from mcp_errortracking.catalog.endpoint import call_of
from mcp_errortracking.catalog.queries import QueryIssues
from mcp_errortracking.rules.events import Event
from mcp_errortracking.rules.matching import Rule

MOST_BRANCHES = 3
_MOST_CONDITIONS = 40
_COUNTED = (*("exact", "is_not", "icontains", "not_icontains", "regex", "not_regex", "is_set", "is_not_set"),)
"""Operators that mean the same in a count as in a rule (rule contract 3.1, 3.3)."""
_POSITIVE = ("icontains", "regex")

Condition = dict[str, Any]
Branch = tuple[Condition, ...]


class NotCountableError(Exception):
    """PostHog cannot count these filters; the text says why, as a part of a sentence."""


def branches_of(filters: Mapping[str, Any]) -> list[Branch]:
    """Return the lists of conditions whose union the filters are.

    Raises:
        NotCountableError: there are too many, or a condition is not counted as the rule evaluates it.
    """
    branches = _branches(filters)
    if len(branches) > MOST_BRANCHES:
        raise NotCountableError(f"they are a union of more than {MOST_BRANCHES} lists of conditions")
    return branches


def intersections(branches: Sequence[Branch]) -> Iterator[tuple[int, Branch]]:
    """Yield each list of conditions to be counted, with the sign of its count in the union."""
    for size in range(1, len(branches) + 1):
        for chosen in combinations(branches, size):
            yield (1 if size % 2 else -1), tuple(condition for branch in chosen for condition in branch)


def caveats(branches: Sequence[Branch]) -> list[str]:
    """Return sentences on events that the rule matches and PostHog does not count."""
    missing = Event({})
    keys = dict.fromkeys(
        str(condition["key"])
        for branch in branches
        for condition in branch
        if condition["operator"] in _POSITIVE
        and Rule({"type": "AND", "values": [condition]}).match(missing).kind == "match"
    )
    return [f"Events without {key} are not counted, and the rule matches them: it reads the text null." for key in keys]


def _branches(node: Mapping[str, Any]) -> list[Branch]:
    if "values" not in node:
        return [(_counted(node),)]
    parts = [_branches(one) for one in cast("Sequence[Mapping[str, Any]]", node["values"])]
    if node["type"] == "OR":
        return [branch for part in parts for branch in part] if parts else [()]
    product: list[Branch] = [()]
    for part in parts:
        product = [(*left, *right) for left in product for right in part]
        if len(product) > MOST_BRANCHES or any(len(branch) > _MOST_CONDITIONS for branch in product):
            raise NotCountableError("they have too many alternatives")
    return product


def _counted(condition: Mapping[str, Any]) -> Condition:
    operator = condition.get("operator") or "exact"
    kind = condition.get("type", "event")
    if kind != "event" or not isinstance(condition.get("key"), str):
        raise NotCountableError(f"a condition of type {kind} is not counted")
    if operator not in _COUNTED:
        raise NotCountableError(f"the operator {operator} is not counted as rules evaluate it")
    value = condition.get("value")
    if operator in ("is_set", "is_not_set"):
        value = operator
    counted = {"key": condition["key"], "type": "event", "operator": operator, "value": value}
    if call_of(QueryIssues, {"filterGroup": [counted]}) is None:
        raise NotCountableError(f"PostHog's query does not take the value of a condition with {operator}")
    return counted
