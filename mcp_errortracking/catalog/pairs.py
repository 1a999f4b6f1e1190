"""Mappings as lists of pairs: several client families cannot say a map type to their models."""

from collections.abc import Callable
from typing import Any, cast

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


def reads_pairs(key: str, value: str) -> BeforeValidator:
    """Return a validator that takes a list of objects with these two members, or of two entries, for a mapping."""
    return BeforeValidator(_reader(key, value))


def pairs_schema(key: str, value: str, value_type: str) -> WithJsonSchema:
    """Return the schema of a list of such objects."""
    members = {key: {"type": "string"}, value: {"type": value_type}}
    return WithJsonSchema(
        {"type": "array", "items": {"type": "object", "properties": members, "required": [key, value]}}
    )


def _reader(key: str, value: str) -> Callable[[Any], Any]:
    def read(given: Any) -> Any:
        if not isinstance(given, list):
            return given
        mapping = dict[str, Any]()
        for index, entry in enumerate(cast("list[Any]", given)):
            pair = _pair_of(entry, key, value)
            if pair is None:
                raise PydanticCustomError(
                    "pairs", "expected a list of objects with {key} and {value}", {"key": key, "value": value}
                )
            name, member = pair
            if name in mapping:
                raise PydanticCustomError(
                    "repeated", "entry {index} repeats an earlier {key}", {"key": key, "index": index}
                )
            mapping[name] = member
        return mapping

    return read


def _pair_of(entry: Any, key: str, value: str) -> tuple[str, Any] | None:
    if isinstance(entry, dict):
        members = cast("dict[str, Any]", entry)
        entry = [members[key], members[value]] if set(members) == {key, value} else None
    parts = cast("list[Any]", entry) if isinstance(entry, list) else []
    return (parts[0], parts[1]) if len(parts) == 2 and isinstance(parts[0], str) else None
