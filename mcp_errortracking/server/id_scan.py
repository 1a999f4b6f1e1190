"""The id of a message that is refused without parsing it: from its beginning or its end, in bounded time.

A JSON-RPC message has one member that can be large, its `params`. So its id is among the members before it, or after
the last list or object. The last of several ids counts, as in a parser.
"""

import re
from typing import Any

from pydantic_core import from_json

SCANNED = 16 * 1024
"""Bytes that are read at either end."""
_CANDIDATES = 16  # members at the end that could be the id

_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_ID = rb'"(?:i|\\u0069)(?:d|\\u0064)"'
_MEMBER = re.compile(rb"\s*+(%b)\s*+:\s*+(%b|[\w.+-]++)\s*+" % (_TEXT, _TEXT), re.DOTALL)
_COMMA = re.compile(rb"\s*+,")
_OPENING = re.compile(rb"\s*+\{")
_NAME = re.compile(rb"\s*+(%b)\s*+:" % _TEXT, re.DOTALL)
_VALUE = re.compile(rb"\s*+(%b|[\w.+-]++)" % _TEXT, re.DOTALL)
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:%b[^"{}\[\]]*+)*+([{}\[\]])' % _TEXT, re.DOTALL)
_ID_AT_END = re.compile(rb",(?=\s*+%b\s*+:)" % _ID)


def find_id(beginning: bytes, end: bytes) -> Any:
    """Return the value of `id` in a JSON-RPC request; None if it has none, is a response, or is not recognized.

    Args:
        beginning: the first bytes of the message, at least `SCANNED`, or all of it.
        end: its last bytes; none if what is there may lie in an inner object.
    """
    first = _members_at_beginning(beginning[:SCANNED])
    if "result" in first or "error" in first:
        return None
    return _value(_id_at_end(end[-SCANNED:].rstrip()) or first.get("id"))


def _members_at_beginning(text: bytes) -> dict[Any, bytes | None]:
    """Return the first members of an object: their values as JSON, None for a list or an object."""
    members = dict[Any, bytes | None]()
    found = _OPENING.match(text)
    while found is not None and (name := _NAME.match(text, found.end())):
        value = _VALUE.match(text, name.end())
        members[_value(name[1])] = value[1] if value else None
        at = value.end() if value else _end_of_container(text, name.end())
        found = None if at is None else _COMMA.match(text, at)
    return members


def _end_of_container(text: bytes, at: int) -> int | None:
    """Return where the list or object ends that begins at a position; None if that is not in the text."""
    depth = 0
    while bracket := _TO_BRACKET.match(text, at):
        at = bracket.end()
        depth += 1 if bracket[1] in b"{[" else -1
        if depth <= 0:
            return at
    return None


def _id_at_end(text: bytes) -> bytes | None:
    """Return the id among the last plain members: what precedes the last brace is at the top level."""
    starts = [comma.end() for comma in _ID_AT_END.finditer(text)]
    for start in reversed(starts[-_CANDIDATES:]):
        first = member = _MEMBER.match(text, start)
        while member is not None and text[member.end() : member.end() + 1] == b",":
            member = _MEMBER.match(text, member.end() + 1)
        if first is not None and member is not None and text[member.end() :] == b"}":
            return first[2]
    return None


def _value(text: bytes | None) -> Any:
    try:
        return None if text is None else from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
