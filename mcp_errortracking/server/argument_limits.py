"""Limits on the size of a call's arguments, for every tool, checked before validation.

PostHog limits few of its texts and lists (contract 2.2, 2.3), and pydantic reports every wrong entry of a list. These
limits hold for each text and list of every tool, even where its schema accepts any JSON.
"""

import math
from collections.abc import Mapping
from typing import Any, cast

MAX_ARGUMENTS = 100
"""Arguments of one call; no tool has a third as many."""
MAX_ENTRIES = 10_000
"""Entries of one list, or members of one object: PostHog accepts thousands of ids at once."""
MAX_VALUES = 20_000
"""Values of all arguments together, at any depth."""
MAX_DEPTH = 60
"""Nested lists and objects; groups of filters may nest 20 deep, which makes 40."""
MAX_TEXT = 100_000
"""Characters of one text: a stack trace, or the code of an alert."""
MAX_NAME = 1000
"""Characters of the name of an argument, or of a member of an object."""
MAX_TOTAL = 1_000_000
"""Characters of all texts together, including JSON that a client sent as text."""


class LimitError(ValueError):
    """Arguments are too large. The text names the limit that they exceed."""


def check_texts(arguments: Mapping[str, Any]) -> None:
    """Refuse too many arguments, and too much text to parse as JSON.

    Raises:
        LimitError: the arguments exceed a limit.
    """
    if len(arguments) > MAX_ARGUMENTS:
        raise LimitError(f"more than {MAX_ARGUMENTS} arguments")
    if any(len(name) > MAX_NAME for name in arguments):
        raise LimitError(f"the name of an argument has more than {MAX_NAME} characters")
    if sum(len(value) for value in arguments.values() if isinstance(value, str)) > MAX_TOTAL:
        raise LimitError(f"more than {MAX_TOTAL} characters of text")


def is_parsable(text: str) -> bool:
    """True if a text can be parsed as JSON without exceeding the limit of values."""
    return text.count(",") + text.count("[") + text.count("{") <= 2 * MAX_VALUES


def check_values(arguments: Mapping[str, Any]) -> None:
    """Refuse too many values, too long texts, too deep nesting and non-finite numbers, in one pass that stops early.

    Raises:
        LimitError: the arguments exceed a limit.
    """
    values = text = 0
    for name, argument in arguments.items():
        level, depth = [argument], 0
        while level:
            values += len(level)
            depth += 1
            if values > MAX_VALUES:
                raise LimitError(f"{name}: more than {MAX_VALUES} values in one call; make several calls")
            if depth > MAX_DEPTH:
                raise LimitError(f"{name}: nested more than {MAX_DEPTH} deep")
            inner = list[Any]()
            for value in level:
                if isinstance(value, str):
                    text += _length(name, value)
                elif isinstance(value, dict | list):
                    inner += _entries(name, cast("dict[str, Any] | list[Any]", value))
                    if len(inner) > MAX_VALUES:
                        break
                elif isinstance(value, float) and not math.isfinite(value):  # 1e999 is read as infinity
                    raise LimitError(f"{name}: NaN, infinity or a number too large for JSON; give a finite number")
            if text > MAX_TOTAL:
                raise LimitError(f"{name}: more than {MAX_TOTAL} characters of text in one call")
            level = inner


def _length(name: str, text: str) -> int:
    if len(text) > MAX_TEXT:
        raise LimitError(f"{name}: a text of {len(text)} characters; at most {MAX_TEXT} are allowed")
    return len(text)


def _entries(name: str, value: dict[str, Any] | list[Any]) -> list[Any]:
    if len(value) > MAX_ENTRIES:
        raise LimitError(f"{name}: {len(value)} entries; at most {MAX_ENTRIES} are allowed. Make several calls")
    if isinstance(value, list):
        return value
    if any(len(member) > MAX_NAME for member in value):
        raise LimitError(f"{name}: a member's name of more than {MAX_NAME} characters")
    return list(value.values())
