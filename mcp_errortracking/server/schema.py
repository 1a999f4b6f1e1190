"""The JSON schema of a tool's arguments: pydantic's schema in the portable subset, without what informs nobody.

The portable subset is what every client family passes on to its model whole: one `type` a node, no union, no `$ref`, no
`format`, no map types, no object without members. Where the validator takes more than that can say, the catalog states
the schema (`WithJsonSchema`, `filter_schemas`).
"""

from typing import Any, cast

from mcp_errortracking.catalog import Declaration

Schema = dict[str, Any]

# Limits that a caller hardly ever meets are left to the validator, whose errors name them.
_NOISE = (
    *("title", "examples", "discriminator", "format"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "propertyNames", "minimum"),
)
_UNREMARKABLE = 200
_NULL = {"type": "null"}
_REFERENCE = "#/$defs/"


def input_schema(endpoint: type[Declaration]) -> Schema:
    """Return the schema of an endpoint's arguments for an agent.

    Titles, examples, nullable unions and defaults of null are left out: a nullable argument is optional. Every shape
    is written out where it is used. Docstrings of shapes are left out: they are for readers of the code; descriptions
    of fields are for agents.
    """
    schema = endpoint.model_json_schema(by_alias=True)
    shapes = cast("dict[str, Schema]", schema.pop("$defs", {}))
    root = cast("Schema", _compact(_write_out(schema, shapes)))
    root.pop("description", None)
    root.pop("default", None)
    return {"type": "object", "properties": root.pop("properties", {}), **root}


def _write_out(node: Any, shapes: dict[str, Schema]) -> Any:
    """Return a schema with each reference replaced by its shape. A recursive shape needs a schema of its own."""
    if isinstance(node, list):
        return [_write_out(item, shapes) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("Schema", node)
    reference = schema.get("$ref")
    if isinstance(reference, str):
        shape = shapes[reference.removeprefix(_REFERENCE)]
        inner = {key: value for key, value in shape.items() if key != "description"}
        return _write_out({**inner, **{key: value for key, value in schema.items() if key != "$ref"}}, shapes)
    return {key: _write_out(value, shapes) for key, value in schema.items()}


def _compact(node: Any) -> Any:
    if isinstance(node, list):
        return [_compact(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("Schema", node)
    choices = [choice for choice in schema.get("anyOf", []) if choice != _NULL]
    if len(choices) == 1:
        return _compact({**choices[0], **{key: value for key, value in schema.items() if key != "anyOf"}})
    compacted = Schema()
    for key, value in schema.items():
        if key in _NOISE or (key == "default" and value is None):
            continue
        if (key == "maximum" and value >= _UNREMARKABLE) or (key == "additionalProperties" and isinstance(value, bool)):
            continue
        if key == "properties":
            value = {name: _compact(field) for name, field in value.items()}
        elif key not in ("enum", "const", "required", "default"):
            value = _compact(value)
        compacted[key] = value
    return compacted
