"""Bytecode of filters for PostHog's own machine in TypeScript (npm @posthog/hogvm), written from the rule contract."""

import json
from pathlib import Path
from typing import Any

from mcp_errortracking.rules.events import ARRAY_KEYS
from tests.clients.node_tools import modules, node

_SCRIPT = Path(__file__).with_name("hogvm.mjs")
_AND, _OR, _NOT, _GET_LOCAL, _RETURN = 3, 4, 5, 36, 38
_COMPARE = {
    "==": 11,
    "!=": 12,
    ">": 13,
    ">=": 14,
    "<": 15,
    "<=": 16,
    "ilike": 18,
    "not ilike": 20,
    "in": 21,
    "not in": 22,
}
_NUMERIC = {"gt": ">", "gte": ">=", "min": ">=", "lt": "<", "lte": "<=", "max": "<="}
Code = list[Any]


def evaluate(cases: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[Any]:
    """Return the machine's result for filters and properties: true, false, or an error's text."""
    programs = [
        {"bytecode": ["_H", 1, *_group(filters), _RETURN], "properties": properties} for filters, properties in cases
    ]
    ran = node(_SCRIPT, str(modules() / "@posthog/hogvm/dist/index.js"), input=json.dumps(programs))
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _group(node_: dict[str, Any]) -> Code:
    if "values" not in node_:
        return _condition(node_)
    parts = [_group(value) for value in node_["values"]]
    return _join(parts, _AND if node_["type"] == "AND" else _OR)


def _join(parts: list[Code], operation: int) -> Code:
    if len(parts) == 1:
        return parts[0]
    return [step for part in parts for step in part] + [operation, len(parts)]


def _condition(given: dict[str, Any]) -> Code:
    key, operator, value = given["key"], given["operator"], given["value"]
    values = value if isinstance(value, list) else [value]
    if len(values) > 1 and operator in ("regex", "not_regex", "icontains_multi", "not_icontains_multi"):
        each = [_condition({**given, "value": one}) for one in values]
        return _join(each, _AND if operator == "not_regex" else _OR)
    field = [32, key, 32, "properties", 1, 2]
    if key not in ARRAY_KEYS:
        return _test(field, operator, values)
    body = [*_test([_GET_LOCAL, 0], operator, values), _RETURN]
    elements = [*field, 47, 3, 35, 32, "", 32, "Array(String)", 2, "JSONExtract", 2]
    return [52, "lambda", 1, 0, len(body), *body, 53, 0, *elements, 2, "arrayExists", 2]


def _test(left: Code, operator: str, values: list[Any]) -> Code:
    text = [*left, 2, "toString", 1]
    many = len(values) > 1
    if operator in ("exact", "is_not"):
        if not many and isinstance(values[0], bool):
            values = [str(values[0]).lower()]
        word = {"exact": ("==", "in"), "is_not": ("!=", "not in")}[operator][many]
        return [*(_tuple(values) if many else _constant(values[0])), *left, _COMPARE[word]]
    if operator in ("icontains", "not_icontains", "icontains_multi", "not_icontains_multi"):
        negated = operator.startswith("not_")
        if not many and not operator.endswith("_multi"):
            return [32, f"%{values[0]}%", *text, _COMPARE["not ilike" if negated else "ilike"]]
        needles = [step for value in values for step in [32, str(value)]] + [43, len(values)]
        search = [*text, *needles, 2, "multiSearchAnyCaseInsensitive", 2]
        return [33, 0, *search, _COMPARE["==" if negated else ">"]]
    if operator in ("regex", "not_regex"):
        return [*text, *_constant(values[0]), 2, "match", 2, *([_NOT] if operator == "not_regex" else [])]
    if operator in ("is_set", "is_not_set"):
        return [31, *left, _COMPARE["!=" if operator == "is_set" else "=="]]
    return [*_constant(values[0]), *left, _COMPARE[_NUMERIC[operator]]]


def _tuple(values: list[Any]) -> Code:
    return [step for value in values for step in _constant(value)] + [44, len(values)]


def _constant(value: Any) -> Code:
    if isinstance(value, bool):
        return [29] if value else [30]
    return [{str: 32, int: 33, float: 34}[type(value)], value]
