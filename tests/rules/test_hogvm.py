"""Random filters and events, beside PostHog's own machine in TypeScript.

Left out is what that machine does otherwise than the one of rules: it turns other types into numbers to compare
them, and an empty text; it converts nothing in lists; it has no backslash in ILIKE.
"""

import random
from typing import Any

from mcp_errortracking.rules.events import Event
from mcp_errortracking.rules.matching import Rule
from tests.rules.hogvm import evaluate
from tests.rules.vectors import COMPILED

ARRAYS = ("$exception_types", "$exception_values", "$exception_sources", "$exception_functions")
KEYS = ("lib", "n", "b", "missing", "empty", "arr", *ARRAYS)
OPERATORS = ("exact", "is_not", "icontains", "not_icontains", "regex", "not_regex", "is_set", "is_not_set", "gt", "lte")
VALUES = ("web", "null", "a_b", "A", "1", 1, 1.5, "x%y", "true", "TypeError", "e", "\u00e9")
PATTERNS: tuple[Any, ...] = ("^w", "b$", "null", ".", "e|x", "[0-9]", "", "a.b", ["x", "^$"], ["e", "w"])
TEXTS = ("TypeError", "Error", "web", "aXb", "null", "", "x1y", "\u00c9")


def event(chance: random.Random) -> dict[str, Any]:
    lists = {key: chance.choices(TEXTS, k=chance.randint(0, 3)) for key in ARRAYS}
    return lists | {
        "lib": chance.choice(["web", "WEB", "aXb", "a_b", "x\ny", "true", "1", "\u00e9", "it's"]),
        "n": chance.choice([0, 1, 2, 1.5]),
        "b": chance.choice([True, False]),
        "empty": "",
        "arr": chance.choice([["a", "b"], [], {"k": 1}]),
    }


def condition(chance: random.Random) -> dict[str, Any]:
    key, operator = chance.choice(KEYS), chance.choice(OPERATORS)
    value: Any = chance.choice(VALUES)
    if operator in ("gt", "lte"):
        key, value = "n", chance.choice([0, 1, 1.5])
    elif operator in ("regex", "not_regex"):
        value = chance.choice(PATTERNS)
    elif key not in ("n", "b") and chance.random() < 0.4:
        value = chance.sample([one for one in VALUES if isinstance(one, str)], chance.randint(2, 3))
    return {"type": "event", "key": key, "operator": operator, "value": value}


def group(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    values = [
        condition(chance) if depth > 1 or chance.random() < 0.6 else group(chance, depth + 1)
        for _ in range(chance.randint(1, 3))
    ]
    return {"type": chance.choice(["AND", "OR"]), "values": values}


def test_ours_is_posthogs() -> None:
    chance = random.Random(11)
    cases = [({"type": "AND", "values": [condition(chance)]}, event(chance)) for _ in range(2000)]
    cases += [(group(chance), event(chance)) for _ in range(1000)]

    expected = evaluate(cases)

    matched = 0
    for (filters, properties), result in zip(cases, expected, strict=True):
        outcome = Rule(filters).match(Event(properties))
        assert outcome.kind == ("match" if result is True else "no_match" if result is False else result), (
            filters,
            properties,
        )
        matched += result is True
    assert 600 < matched < 2400


def test_values_that_are_compiled_to_something_else() -> None:
    results = evaluate([(vector["filters"], vector["properties"]) for vector in COMPILED])

    for vector, result in zip(COMPILED, results, strict=True):
        outcome = Rule(vector["filters"]).match(Event(vector["properties"]))
        assert (outcome.kind, result) == (vector["expect"], vector["expect"] == "match"), vector["id"]
