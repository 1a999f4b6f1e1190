"""Values as ingestion compares and prints them (rule contract 2.3, 2.5)."""

import math
import re
from decimal import Decimal
from typing import Any, cast

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:inf(?:inity)?|nan|(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:e[+-]?[0-9]++)?)", re.IGNORECASE)
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_ESCAPES = {
    "\b": "\\b",
    "\f": "\\f",
    "\r": "\\r",
    "\n": "\\n",
    "\t": "\\t",
    "\0": "\\0",
    "\v": "\\v",
    "\\": "\\\\",
    "'": "\\'",
}
_DEEPEST = 64
Number = int | float


def type_name(value: Any) -> str:
    """Return the name of a value's type in ingestion's messages."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int | float):
        return "Number"
    if isinstance(value, str):
        return "String"
    return "Array" if isinstance(value, list) else "Object"


def is_number(value: Any) -> bool:
    """True for a JSON number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """True if two values are equal after coercion."""
    if type(left) is type(right):
        return left == right
    if is_number(left) and is_number(right):
        return left == right
    for one, other in ((left, right), (right, left)):
        if isinstance(one, bool) and is_number(other):
            return int(one) == other
        if isinstance(one, str) and isinstance(other, bool):
            return (one.lower() == "true") == other
        if isinstance(one, str) and is_number(other):
            return number_in(one) == other
    return False


def number_in(text: str) -> Number | None:
    """Return the number that a text is, as Rust reads it: without blanks."""
    if _INTEGER.fullmatch(text) and len(text) < 20:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else None


def to_text(value: Any) -> str:
    """Return a value as a text operator sees it: a missing one is `null`."""
    return value if isinstance(value, str) else _printed(value, 0)


def _printed(value: Any, depth: int) -> str:
    if value is None or depth > _DEEPEST:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, str):
        return "'" + "".join(_ESCAPES.get(character, character) for character in value) + "'"
    if isinstance(value, list):
        return f"[{', '.join(_printed(item, depth + 1) for item in cast('list[Any]', value))}]"
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return "{" + ", ".join(f"{_printed(key, 0)}: {_printed(item, depth + 1)}" for key, item in items) + "}"
    return str(value)


def _decimal(value: float) -> str:
    """Return a number as Rust prints it: never with an exponent, and whole ones without a point."""
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "inf", "-inf": "-inf"}[str(value)]
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def version(value: Any) -> list[int] | None:
    """Return the numbers of the first version in a text; None if there is none."""
    found = _VERSION.search(value) if isinstance(value, str) else None
    return [int(part) for part in found[0].split(".")] if found and len(found[0]) < 1000 else None


def size_of(value: Any, depth: int = 0) -> int:
    """Return about as many bytes as ingestion's machine takes for a value, or a size over any limit if too deep."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if depth > _DEEPEST:
        return 2**62
    if isinstance(value, list):
        return sum(size_of(item, depth + 1) for item in cast("list[Any]", value))
    if isinstance(value, dict):
        return sum(len(key) + size_of(item, depth + 1) for key, item in cast("dict[str, Any]", value).items())
    return 8
