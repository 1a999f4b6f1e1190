"""Arguments made from the schemas of PostHog's own tools, the same for the same seed.

Texts are the ones that are easily taken for something else: null, nothing, a list, a number.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

from tests.catalog.official_arguments import ID, OTHER, ROLE, TRIGGER, Arguments

OFFICIAL_TOOLS: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("official_schemas.json").read_text("utf-8")
)
"""The input schema of each tool, without descriptions, and its annotations, as `record_official` found them."""

SCHEMAS: dict[str, Arguments] = {name: tool["schema"] for name, tool in OFFICIAL_TOOLS.items() if name != "$defs"}
_SHARED: dict[str, Any] = OFFICIAL_TOOLS["$defs"]
_IDS = ("id", "issueId", "issue", "personId", "ids")
_TEXTS = ("TypeError", "null", "", "[1]", '["a"]', "{}", "5", "true", " x ", "a, b", "ü", "undefined", "None")
_DATES = ("-7d", "-24h", "-30d", "-1dStart", "all", "2026-06-01T00:00:00Z", "2026-06-01")
_TIMES = ("2026-06-01T00:00:00Z", "2026-06-02T10:00:00.5+02:00")
_EXTRAS: tuple[Arguments, ...] = (
    {"verbosity": "stack"},
    {"verbosity": "raw"},
    {"output_format": "json"},
    {"output_format": "optimized"},
)
_CONDITION_KEYS = ("$exception_types", "$browser", "email", "count")


def calls(seed: int, each: int) -> Iterator[tuple[str, Arguments]]:
    """Yield calls of every official tool: with the least arguments, with all, with each alone, and `each` random ones.

    Args:
        seed: the same seed makes the same calls.
    """
    for tool, schema in SCHEMAS.items():
        values = _Values(Random(f"{seed} {tool}"), tool)
        properties: dict[str, Any] = schema["properties"]
        required: list[str] = schema.get("required", [])
        shapes: list[list[str]] = [[], list(properties), *([name] for name in properties)]
        shapes += [[name for name in properties if values.random.random() < 0.4] for _ in range(each)]
        for shape in shapes:
            given = values.members(properties, {*required, *shape})
            yield tool, given
        for extra in _EXTRAS:
            yield tool, {**values.members(properties, set(required)), **extra}
        for name in set(required) & {"filters"}:
            bare = values.members(properties, set(required))
            yield tool, {**{other: value for other, value in bare.items() if other != name}, **bare[name]}


class _Values:
    """Makes values that fit a schema."""

    def __init__(self, random: Random, tool: str) -> None:
        self.random = random
        self.tool = tool

    def members(self, properties: dict[str, Any], names: set[str]) -> Arguments:
        """Return these members of an object, in the order of the schema."""
        return {name: self.value(schema, name) for name, schema in properties.items() if name in names}

    def value(self, schema: dict[str, Any], name: str, depth: int = 0) -> Any:
        """Return a value of the member with this name."""
        if "$ref" in schema:
            schema = _SHARED[schema["$ref"].removeprefix("#/$defs/")]
        if name == "filters" and self.tool.startswith("error-tracking-alerts"):
            return {**self._object(schema, depth), **TRIGGER}
        if "anyOf" in schema:
            return self.value(self.random.choice(schema["anyOf"]), name, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                return self._assignee() if name == "assignee" else self._object(schema, depth)
            case "array":
                least = cast("int", schema.get("minItems", 0))
                return [self.value(schema["items"], name, depth + 1) for _ in range(self.random.randint(least, 2))]
            case "string":
                return self._text(schema, name)
            case "number":
                return self._number(schema, name)
            case "boolean":
                return self.random.random() < 0.5
            case "null":
                return None
            case _:
                return self._anything(name, depth)

    def _object(self, schema: dict[str, Any], depth: int) -> Arguments:
        properties: dict[str, Any] = schema.get("properties", {})
        required = set(cast("list[str]", schema.get("required", [])))
        constants = {name for name, inner in properties.items() if "const" in inner}  # `type` of a condition
        names = required | constants | {name for name in properties if self.random.random() < 0.5}
        made = {name: self.value(properties[name], name, depth + 1) for name in properties if name in names}
        if isinstance(schema.get("additionalProperties"), dict) and not properties:
            made = {name: self.value(schema["additionalProperties"], name, depth + 1) for name in ("one", "title")}
        return made

    def _assignee(self) -> Arguments:
        return self.random.choice(
            [{"type": "user", "id": 1}, {"type": "user", "id": "7"}, {"type": "role", "id": ROLE}]
        )

    def _text(self, schema: dict[str, Any], name: str) -> str:
        if name in _IDS:
            return self.random.choice([ID, OTHER] if name != "ids" else [OTHER, ROLE])
        if schema.get("format") == "date-time":
            return self.random.choice(_TIMES)
        if name in ("date_from", "date_to"):
            return self.random.choice(_DATES)
        if name == "key":
            return self.random.choice(_CONDITION_KEYS)
        texts = [text for text in _TEXTS if len(text) >= schema.get("minLength", 0)]
        return self.random.choice(texts)

    def _number(self, schema: dict[str, Any], name: str) -> int:
        least, most = schema.get("minimum", 1), schema.get("maximum")
        if most is None:
            most = 50_000 if name == "limit" else 100
        return self.random.choice([least, most, self.random.randint(int(least), int(most))])

    def _anything(self, name: str, depth: int) -> Any:
        """Return a value where the schema says nothing: a group of conditions among the values of one."""
        if name != "values":
            return self.random.choice(_TEXTS)
        group = {"type": self.random.choice(("AND", "OR")), "values": list[Any]()}
        if depth < 6:
            condition = {"key": "$browser", "type": "event", "operator": "exact", "value": ["Chrome"]}
            group["values"] = [condition, *([self._anything(name, depth + 2)] if self.random.random() < 0.3 else [])]
        return group
