"""A client's JSON file as text: one member is set or removed, the rest keeps its values, order and layout."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

_BOM = "\ufeff"
_MOST_DIGITS = 1000
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*+(?:"|\\?\Z)|//[^\r\n]*+|/\*.*?(?:\*/|\Z)', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*+(?:"|\\?\Z))|,(?=\s*[}\]])', re.DOTALL)
"""Both read a string or a comment without an end to the end of the text: trying again behind it takes too long."""
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which JSON may escape, and UTF-8 does not have."""
_INDENT = re.compile(r'\n([ \t]+)"')


class JsonTextError(Exception):
    """The text is not a JSON object, or cannot be rewritten without a loss; the message is a part of a sentence."""


class CommentedError(JsonTextError):
    """The text has comments or trailing commas, which a rewrite would lose."""


def read_object(text: str) -> dict[str, Any]:
    """Return the object of a text, which may have comments; an empty text is an empty object.

    Raises:
        JsonTextError: it is not one, or a name occurs twice in an object.
    """
    text = text.removeprefix(_BOM)
    if not text.strip():
        return {}
    try:
        return _object(text)
    except json.JSONDecodeError as error:
        try:
            return _object(without_comments(text))
        except json.JSONDecodeError:
            raise JsonTextError(f"it is not valid JSON: {error.msg} in line {error.lineno}") from None


def has_comments(text: str) -> bool:
    """True if a text is an object with comments or trailing commas."""
    text = text.removeprefix(_BOM)
    try:
        _object(text or "{}")
    except json.JSONDecodeError:
        return True
    return False


def member(data: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return the value at a path; None if it does not exist.

    Raises:
        JsonTextError: something on the way is not an object.
    """
    found: Any = data
    for name in path:
        if found is None:
            return None
        if not isinstance(found, dict):
            raise JsonTextError(f"its member {name} lies in something that is not an object")
        found = cast("dict[str, Any]", found).get(name)
    return found


def with_member(text: str, path: Sequence[str], value: Any) -> str:
    """Return the text with a value at a path; None removes it.

    Raises:
        JsonTextError: the text cannot be rewritten without a loss.
    """
    data = read_object(text)
    if text.strip() and has_comments(text):
        raise CommentedError("it has comments or trailing commas, which would be lost")
    member(data, path)
    *above, last = path
    place = data
    for name in above:
        if place.get(name) is None:  # null stands for nothing
            place[name] = {}
        place = cast("dict[str, Any]", place[name])
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return _written(data, text)


def without_comments(text: str) -> str:
    """Return a text with spaces in place of comments, and without trailing commas."""
    plain = _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else " ", text)
    return _TRAILING_COMMA.sub(lambda found: found[1] or "", plain)


def _written(data: Mapping[str, Any], before: str) -> str:
    """Return an object as text, in the layout of the text before.

    Raises:
        JsonTextError: a text in it cannot be written.
    """
    found = _INDENT.search(before)
    indent = found[1] if found else "  "
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    text = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if not before.strip() or before.endswith("\n"):
        text += "\n"
    if "\r\n" in before:
        text = text.replace("\n", "\r\n")
    return (_BOM if before.startswith(_BOM) else "") + text


def _object(text: str) -> dict[str, Any]:
    try:
        data: Any = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_float, parse_int=_int
        )
    except RecursionError:
        raise JsonTextError("it is nested too deeply") from None
    if not isinstance(data, dict):
        raise JsonTextError("it is not a JSON object")
    return cast("dict[str, Any]", data)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict[str, Any]()
    for name, value in pairs:
        if name in found:
            raise JsonTextError(f"the name {name[:60]!r} occurs twice in an object, of which a rewrite would lose one")
        found[name] = value
    return found


def _float(text: str) -> float:
    number = float(text)
    try:
        is_kept = Decimal(repr(number)) == Decimal(text)
    except ArithmeticError:  # an exponent of many digits
        is_kept = False
    if not is_kept:
        raise JsonTextError(f"a rewrite would change the number {text[:60]}")
    return number


def _int(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise JsonTextError(f"it has a number of {len(text)} digits")
    return int(text)


def _refuse(name: str) -> Any:
    raise JsonTextError(f"it has the value {name}, which is not JSON")
