"""The JSON schema of a tool's arguments: pydantic's schema without the parts that cost tokens and inform nobody."""

from collections import Counter
from typing import Any, cast

from mcp_errortracking.catalog import Declaration

Schema = dict[str, Any]

# Limits that a caller hardly ever meets are left to the validator, whose errors name them.
_NOISE = (
    *("title", "examples", "discriminator", "$defs"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "propertyNames", "minimum"),
)
_UNREMARKABLE = 200
_NULL = {"type": "null"}


def input_schema(endpoint: type[Declaration]) -> Schema:
    """Return the schema of an endpoint's arguments for an agent.

    Titles, examples, nullable unions and defaults of null are left out: a nullable argument is optional. A shape that
    is used once is inlined; one used more often, or recursively, stays in `$defs`. Docstrings of shapes are left out:
    they are for readers of the code; descriptions of fields are for agents.
    """
    schema = endpoint.model_json_schema(by_alias=True)
    definitions = cast("dict[str, Schema]", schema.pop("$defs", {}))
    root = cast("Schema", _compact(schema))
    root.pop("description", None)
    shapes = {name: cast("Schema", _compact(shape)) for name, shape in definitions.items()}
    for shape in shapes.values():
        shape.pop("description", None)
        shape.pop("additionalProperties", None)
    while single := _used_once(root, shapes):
        name, shape = single, shapes.pop(single)
        root = cast("Schema", _inline(root, name, shape))
        shapes = {other: cast("Schema", _inline(body, name, shape)) for other, body in shapes.items()}
    ordered = {"type": "object", "properties": root.pop("properties", {}), **root}
    ordered.pop("default", None)
    ordered.pop("additionalProperties", None)  # the validator refuses unknown arguments, and names the nearest
    return ordered | ({"$defs": shapes} if shapes else {})


def _compact(node: Any) -> Any:
    if isinstance(node, list):
        return [_compact(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("Schema", node)
    for union in ("anyOf", "oneOf"):
        choices = [choice for choice in schema.get(union, []) if choice != _NULL]
        if union not in schema:
            continue
        rest = {key: value for key, value in schema.items() if key != union}
        if len(choices) == 1:
            return _compact({**choices[0], **rest})
        choices = [cast("Schema", _compact(choice)) for choice in choices]
        schema = {**rest, **(_merge_types(choices) or {"anyOf": choices})}
    compacted = Schema()
    for key, value in schema.items():
        if key in _NOISE or (key == "default" and value is None):
            continue
        if (key == "maximum" and value >= _UNREMARKABLE) or (key == "additionalProperties" and value is True):
            continue
        if key == "properties":
            value = {name: _compact(field) for name, field in value.items()}
        elif key not in ("enum", "const", "required", "default"):
            value = _compact(value)
        compacted[key] = value
    return compacted


def _merge_types(choices: list[Schema]) -> Schema | None:
    """Return a union of plain types, at most one of them an array, as one list of types; None for other unions."""
    arrays = [choice for choice in choices if choice.get("type") == "array"]
    if len(arrays) > 1 or any(set(choice) - {"type", "format"} for choice in choices if choice not in arrays):
        return None
    types = [choice["type"] for choice in choices if "type" in choice]
    if len(types) != len(choices):
        return None
    if "number" in types and "integer" in types:
        types.remove("integer")
    return {"type": types, **{key: value for array in arrays for key, value in array.items() if key != "type"}}


def _reference(name: str) -> str:
    return f"#/$defs/{name}"


def _references(node: Any) -> Counter[str]:
    if isinstance(node, list):
        return sum((_references(item) for item in cast("list[Any]", node)), Counter[str]())
    if not isinstance(node, dict):
        return Counter[str]()
    schema = cast("Schema", node)
    own = Counter([schema["$ref"]]) if isinstance(schema.get("$ref"), str) else Counter[str]()
    return sum((_references(value) for value in schema.values()), own)


def _used_once(root: Schema, shapes: dict[str, Schema]) -> str | None:
    used = sum((_references(shape) for shape in shapes.values()), _references(root))
    for name, shape in shapes.items():
        if used[_reference(name)] == 1 and not _references(shape)[_reference(name)]:
            return name
    return None


def _inline(node: Any, name: str, shape: Schema) -> Any:
    if isinstance(node, list):
        return [_inline(item, name, shape) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("Schema", node)
    if schema.get("$ref") == _reference(name):
        return {**shape, **{key: value for key, value in schema.items() if key != "$ref"}}
    return {key: _inline(value, name, shape) for key, value in schema.items()}
