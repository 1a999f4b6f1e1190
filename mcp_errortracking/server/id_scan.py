"""The id of a message that is refused without parsing it: from its beginning or its end, in bounded time.

A JSON-RPC message has one member that can be large, its `params`. So its id is among the plain members (texts, numbers
and words) before the first list or object, or after the last one.
"""

import re
from typing import Any

from pydantic_core import from_json

SCANNED = 16 * 1024
"""Bytes that are read at either end."""
_CANDIDATES = 16  # members at the end that could be the id

_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_MEMBER = re.compile(rb"\s*+(%b)\s*+:\s*+(%b|[\w.+-]++)\s*+" % (_TEXT, _TEXT), re.DOTALL)
_COMMA = re.compile(b",")
_OPENING = re.compile(rb"\s*+\{")
_NAME = re.compile(rb"\s*+(%b)\s*+:" % _TEXT, re.DOTALL)
_ID_AT_END = re.compile(rb',(?=\s*+"id"\s*+:)')


def find_id(beginning: bytes, end: bytes) -> Any:
    """Return the value of `id` in a JSON-RPC request; None if it has none, is a response, or is not recognized.

    Args:
        beginning: the first bytes of the message, at least `SCANNED`, or all of it.
        end: its last bytes.
    """
    found = _id_at_end(end[-SCANNED:].rstrip())  # of two ids, a parser takes the last
    first, is_response = _id_at_beginning(beginning[:SCANNED])
    value = None if is_response else found or first
    try:
        return None if value is None else from_json(value)
    except ValueError:
        return None


def _id_at_beginning(text: bytes) -> tuple[bytes | None, bool]:
    """Return the id among the first plain members, and True if a response follows."""
    found = None
    member = _OPENING.match(text)
    while member is not None:
        at = member.end()
        name = _NAME.match(text, at)
        if name is not None and name[1] in (b'"result"', b'"error"'):
            return None, True
        member = _MEMBER.match(text, at)
        if member is None:
            break
        if member[1] == b'"id"':
            found = member[2]
        member = _COMMA.match(text, member.end())
    return found, False


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
