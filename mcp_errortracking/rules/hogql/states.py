"""The state of an event under a rule, and the query that counts the states in a range of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from mcp_errortracking.rules.conditions import CONSTANT, OF_PROPERTIES
from mcp_errortracking.rules.events import ARRAY_KEYS, seen_by
from mcp_errortracking.rules.hogql.columns import READABLE, Elements, Property, Values
from mcp_errortracking.rules.hogql.conditions import ELEMENT, Test, Tests
from mcp_errortracking.rules.hogql.errors import NotTranslatableError
from mcp_errortracking.rules.hogql.expressions import FALSE, TRUE, all_of, any_of
from mcp_errortracking.rules.matching import MOST_HEAP, Rule, conditions_of

NO_MATCH, MATCH, UNKNOWN, DISABLED = range(4)
"""States of an event: DISABLED switches the rule off."""
_LONGEST_QUERY = 150_000
_TEXT_OR_NUMBER = r"\A-?[0-9]{19,}\z"
"""A number above 64 bits, which the database reads as a text, or such a text."""
_FINAL = "$exception_fingerprint"
_STORED = object()


@dataclass(frozen=True, slots=True)
class Query:
    """A query of HogQL: its text, and the values that PostHog puts into it."""

    text: str
    values: Mapping[str, Any]

    def as_sent(self) -> dict[str, Any]:
        """Return the query as the body of a request has it."""
        return {"kind": "HogQLQuery", "query": self.text, "values": dict(self.values)}


class States:
    """Writes the states of events under the rules of one kind, over columns that they share.

    Args:
        kind: of the rules; what they see of an event depends on it.
    """

    def __init__(self, kind: str) -> None:
        self.values = Values()
        self._kind = kind
        self._properties: dict[str, Property] = {}
        self._elements: dict[str, Elements] = {}

    def source(self, events: str) -> str:
        """Return the source of the columns that the states read.

        Args:
            events: FROM and WHERE of the events.
        """
        places = (*self._properties.values(), *self._elements.values())
        read = [f"isValidJSON(properties) AS {READABLE}", *(column for one in places for column in one.read())]
        made = [READABLE, *(column for one in places for column in one.made())]
        inner = f"SELECT issue_id AS issue, timestamp AS time, {', '.join(read)} {events}"
        return f"(SELECT issue, time, {', '.join(made)} FROM ({inner}))"  # values are sent apart  # noqa: S608

    def of(self, filters: Mapping[str, Any]) -> str:
        """Return the state of an event under filters, which PostHog neither refuses nor disables at once.

        Raises:
            NotTranslatableError: HogQL cannot evaluate them as ingestion does.
        """
        conditions = list(conditions_of(filters))
        if all(condition.get("type") == "empty" for condition in conditions):
            return str(MATCH)
        rule, read = Rule(filters, self._kind), list[Property | Elements]()
        test = self._node(filters, read)
        limits = [f"{READABLE} = 0", *self._limits(rule, read)]
        cases = [(any_of(limits), UNKNOWN), (any_of(test.disables), DISABLED)]
        cases += [(any_of(test.unknown), UNKNOWN), (test.holds, MATCH)]
        written = "".join(f"{condition}, {state}, " for condition, state in cases if condition != FALSE)
        return f"multiIf({written}{NO_MATCH})"

    def _limits(self, rule: Rule, read: Sequence[Property | Elements]) -> list[str]:
        """Return when an event may take more steps or memory than PostHog gives a rule, or holds a huge number."""
        longest = rule.longest_array
        if longest < 0:
            raise NotTranslatableError("they may take more steps than PostHog gives a rule")
        arrays = {one.texts for one in read if isinstance(one, Elements)}
        limits = [f"length({array}) > {longest}" for array in sorted(arrays)]
        numeral = self.values.name(_TEXT_OR_NUMBER)
        limits += [f"match({one.text}, {numeral})" for one in dict.fromkeys(read) if isinstance(one, Property)]
        sizes = [f"{one.size} * {sum(one is other for other in read)}" for one in dict.fromkeys(read)]
        return [*limits, f"{' + '.join(sizes)} > {MOST_HEAP}"] if sizes else limits

    def _node(self, node: Mapping[str, Any], read: list[Property | Elements]) -> Test:
        if "values" not in node:
            return self._condition(node, read)
        parts = [self._node(one, read) for one in cast("Sequence[Mapping[str, Any]]", node["values"])]
        return _joined(node["type"], parts)

    def _condition(self, condition: Mapping[str, Any], read: list[Property | Elements]) -> Test:
        kind, key = condition.get("type", "event"), condition.get("key")
        operator = condition.get("operator") or "exact"
        if kind in CONSTANT:
            return Test(TRUE)
        if kind not in OF_PROPERTIES or not isinstance(key, str):
            raise NotTranslatableError(f"a condition of type {kind} is not counted")
        if key == "$elements_chain" or key.startswith("$virt_") or (key == _FINAL and self._kind == "grouping"):
            raise NotTranslatableError(f"stored events do not show the {key} that the rule reads")
        if kind == "event" and key in ARRAY_KEYS:
            place = self._elements.setdefault(key, Elements(len(self._elements), self.values.name(key)))
            tests = [_some(place, test) for test in Tests(self.values, None).of(operator, condition.get("value"))]
        else:
            place = self._property(key)
            tests = Tests(self.values, place).of(operator, condition.get("value"))
        read += [place] * len(tests)
        return _joined("AND" if operator == "not_regex" else "OR", tests)

    def _property(self, key: str) -> Property:
        if key not in self._properties:
            is_hidden = seen_by(self._kind, {key: _STORED}).get(key) is not _STORED
            self._properties[key] = Property(len(self._properties), self.values.name(key), is_hidden=is_hidden)
        return self._properties[key]


def _some(place: Elements, test: Test) -> Test:
    """Return the test that an element passes a test."""
    unknown = [f"{place.odd} = 1", *(_exists(place, one) for one in test.unknown)]
    return Test(_exists(place, test.holds), unknown)


def _exists(place: Elements, test: str) -> str:
    if test in (FALSE, TRUE):
        return f"notEmpty({place.texts})" if test == TRUE else FALSE
    return f"arrayExists({ELEMENT} -> {test}, {place.texts})"


def _joined(join: str, tests: Sequence[Test]) -> Test:
    if not tests:
        return Test(TRUE)
    holds = [test.holds for test in tests]
    return Test(
        all_of(holds) if join == "AND" else any_of(holds),
        [one for test in tests for one in test.unknown],
        [one for test in tests for one in test.disables],
    )


def query_of(states: States, named: Mapping[str, str], selected: str, begin: datetime, end: datetime) -> Query:
    """Return the query about the exceptions from `begin` to `end`.

    Args:
        states: wrote `named`.
        named: the expressions of states, by the names of their columns.
        selected: what is selected of `issue`, `time` and these columns, and all that follows the sources of a SELECT,
            with `{source}` between them.

    Raises:
        NotTranslatableError: the query would be too long.
    """
    name = states.values.name
    events = (
        "FROM events WHERE event = '$exception' "
        f"AND timestamp >= toDateTime({name(_utc(begin))}, 'UTC') AND timestamp <= toDateTime({name(_utc(end))}, 'UTC')"
    )
    written = ", ".join(f"{state} AS {column}" for column, state in named.items())
    source = f"(SELECT issue, time, {written} FROM {states.source(events)})"  # values are sent apart  # noqa: S608
    text = selected.replace("{source}", source)
    if len(text) + sum(len(str(value)) for value in states.values.by_name.values()) > _LONGEST_QUERY:
        raise NotTranslatableError("the query would be too long")
    return Query(text, states.values.by_name)


def _utc(moment: datetime) -> str:
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    except OverflowError:
        raise NotTranslatableError("the range begins or ends outside the calendar") from None
