"""Random rules, and events with values of every type of JSON, for the translation to HogQL."""

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp_errortracking.rules.events import ARRAY_KEYS, Event, seen_by
from mcp_errortracking.rules.hogql import (
    DISABLED,
    MATCH,
    NO_MATCH,
    UNKNOWN,
    NotTranslatableError,
    Query,
    States,
    query_of,
)
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.sandbox.hogql import run_query
from mcp_errortracking.workflows.rules.exact import BY_ISSUE
from tests.rules.patterns import PATTERNS, TEXTS

BEGIN, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC)
SELECTED = "SELECT toString(issue) AS id, state FROM {source} ORDER BY id LIMIT 100000"
KEYS = ("$lib", "n", "it's", "\\", "missing", "$exception_issue_id", "$issue_name", *ARRAY_KEYS)
VALUES = [
    "web",
    "WEB",
    "null",
    "a_b",
    "a%b",
    "\\",
    "C:\\",
    "true",
    "false",
    "TRUE",
    "1",
    "1.0",
    "01",
    "+1",
    "1e3",
    "",
    "k",
    "\u212a",
    "K",
    "\u017f",
    "straße",
    "ÄPFEL",
    "äpfel",
    "İ",
    "i",
    "x\ny",
    "日本",
    "it's",
    '"',
    "5",
    "-0",
    "\U0001f600",
]
NUMBERS = [0, 1, 5, -3, 1.5, 1e3, 2**53, 10**19, 2**64, True, False]
OPERATORS = (
    "exact",
    "is_not",
    "icontains",
    "not_icontains",
    "regex",
    "not_regex",
    "is_set",
    "is_not_set",
    "gt",
    "lte",
    "between",
    "not_between",
    "in",
    "not_in",
    "icontains_multi",
    "not_icontains_multi",
    "min",
    "lt",
    "semver_eq",
)
SIMPLE = [
    "^w",
    "b$",
    "null",
    ".",
    "e|x",
    "[0-9]+",
    "a.b",
    "(?i)äpf",
    "(?i)k",
    "\\bweb\\b",
    "[^/]+",
    "\\w",
    "x\\sy",
    "\\d",
    "^$",
    "(?m)^y$",
    "(?s)x.y",
    "x.y",
    "[[:alpha:]]{2,3}",
    "(a|b)*c?",
    "\\\\",
    "\\.",
    "\\S+",
    "(?-u)\\w",
    "(?-u:\\b)",
]


def _value(chance: random.Random) -> Any:
    kind = chance.random()
    if kind < 0.6:
        return chance.choice([*VALUES, *TEXTS[:40]])
    if kind < 0.85:
        return chance.choice(NUMBERS)
    return chance.choice([None, ["a", "b"], [], {"k": 1}, "x" * 2000, [None]])


def event(chance: random.Random) -> dict[str, Any]:
    """Return the properties of an event."""
    properties = {key: _value(chance) for key in KEYS if key not in ARRAY_KEYS and chance.random() < 0.8}
    properties.pop("missing", None)
    return properties | {
        key: chance.choices([*VALUES, *TEXTS[:40]], k=chance.choice([0, 1, 2, 5])) for key in ARRAY_KEYS
    }


def condition(chance: random.Random) -> dict[str, Any]:
    """Return a condition."""
    operator, value = chance.choice(OPERATORS), _value(chance)
    if operator in ("gt", "lte", "between", "not_between", "min", "lt"):
        bounds = sorted(chance.choices([0, 1, 1.5, 5, 1000], k=2))
        value = bounds if "between" in operator else bounds[0]
    elif "regex" in operator:
        value = chance.choice([*SIMPLE, *PATTERNS])
        value = [value, chance.choice(SIMPLE)] if chance.random() < 0.2 else value
    elif chance.random() < 0.4 or operator in ("in", "not_in"):
        value = [chance.choice([*VALUES, *NUMBERS]) for _ in range(chance.randint(1, 3))]
    return {"type": "event", "key": chance.choice(KEYS), "operator": operator, "value": value}


def group(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    """Return a tree of conditions."""
    values = [
        condition(chance) if depth > 1 or chance.random() < 0.6 else group(chance, depth + 1)
        for _ in range(chance.randint(1, 3))
    ]
    return {"type": chance.choice(["AND", "OR"]), "values": values}


def rules(chance: random.Random, number: int) -> list[tuple[str, dict[str, Any], Query]]:
    """Return rules that can be translated: kind, filters and the query for the state of each event."""
    found = list[tuple[str, dict[str, Any], Query]]()
    while len(found) < number:
        kind = chance.choice(["severity", "suppression", "grouping"])
        filters = {"type": "AND", "values": [condition(chance)]} if chance.random() < 0.7 else group(chance)
        try:
            if Rule(filters, kind).constant is not None:
                continue
            states = States(kind)
            found.append((kind, filters, query_of(states, {"state": states.of(filters)}, SELECTED, BEGIN, END)))
        except NotTranslatableError:
            continue
    return found


def stored(properties: dict[str, Any], number: int) -> dict[str, Any]:
    """Return an event as the database stores it; its issue has its number."""
    time = BEGIN + timedelta(seconds=number)
    return {
        "issue_id": str(uuid.UUID(int=number)),
        "event": "$exception",
        "timestamp": time.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "properties": json.dumps(properties, ensure_ascii=number % 2 == 0),
    }


def totals(kind: str, filters: dict[str, Any]) -> Query:
    """Return the query for the numbers of a rule by issue, as a simulation sends it."""
    states = States(kind)
    return query_of(states, {"state": states.of(filters)}, BY_ISSUE.replace("BY matched", "BY id"), BEGIN, END)


def evaluated(kind: str, filters: dict[str, Any], properties: dict[str, Any]) -> int:
    """Return the state of an event by the engine of rules."""
    outcome = Rule(filters, kind).match(Event(seen_by(kind, properties)))
    return {"match": MATCH, "no_match": NO_MATCH, "disabled": DISABLED}.get(outcome.kind, UNKNOWN)


def in_sandbox(text: str, values: dict[str, Any], table: list[dict[str, Any]]) -> list[list[Any]]:
    """Return the rows of a query by the sandbox."""
    rows = [
        {
            **row,
            "timestamp": datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC),
            "properties": json.loads(row["properties"]),
        }
        for row in table
    ]
    return run_query(text, values, rows)[1]
