"""The size that the arguments of a call may have, whatever the tool: checked before anything looks at them closely.

PostHog bounds few of its texts and lists (contract 2.2, 2.3), and pydantic reports every wrong entry of a list. These
bounds hold for each text and list of every tool, also where its schema takes any JSON.
"""

from collections.abc import Mapping
from typing import Any, cast

MAX_ARGUMENTS = 100
"""Arguments of one call; no tool takes a third of that."""
MAX_ENTRIES = 10_000
"""Entries of one list, or members of one object: PostHog takes thousands of ids at once."""
MAX_VALUES = 20_000
"""Values of all arguments together, at every depth."""
MAX_DEPTH = 60
"""Lists and objects inside one another; groups of filters may nest 20 deep, which are 40."""
MAX_TEXT = 100_000
"""Characters of one text: a stack trace, or the code of an alert."""
MAX_NAME = 1000
"""Characters of the name of an argument, or of a member of an object."""
MAX_TOTAL = 1_000_000
"""Characters of all texts together, and of the JSON that a client wrote as a text."""


class LimitError(ValueError):
    """Arguments are too large; the text says which bound they exceed."""


def check_texts(arguments: Mapping[str, Any]) -> None:
    """Refuse too many arguments, and too much text to be read as JSON.

    Raises:
        LimitError: they exceed a bound.
    """
    if len(arguments) > MAX_ARGUMENTS:
        raise LimitError(f"more than {MAX_ARGUMENTS} arguments")
    if any(len(name) > MAX_NAME for name in arguments):
        raise LimitError(f"the name of an argument has more than {MAX_NAME} characters")
    if sum(len(value) for value in arguments.values() if isinstance(value, str)) > MAX_TOTAL:
        raise LimitError(f"more than {MAX_TOTAL} characters of text")


def is_parsable(text: str) -> bool:
    """True if a text can be read as JSON without making more values than a call may have."""
    return text.count(",") + text.count("[") + text.count("{") <= 2 * MAX_VALUES


def check_values(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments with too many values, texts too long, or too deep a nesting, in one pass that stops early.

    Raises:
        LimitError: they exceed a bound.
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
            if text > MAX_TOTAL:
                raise LimitError(f"{name}: more than {MAX_TOTAL} characters of text in one call")
            level = inner


def _length(name: str, text: str) -> int:
    if len(text) > MAX_TEXT:
        raise LimitError(f"{name}: a text of {len(text)} characters; at most {MAX_TEXT} are taken")
    return len(text)


def _entries(name: str, value: dict[str, Any] | list[Any]) -> list[Any]:
    if len(value) > MAX_ENTRIES:
        raise LimitError(f"{name}: {len(value)} entries; at most {MAX_ENTRIES} are taken. Make several calls")
    if isinstance(value, list):
        return value
    if any(len(member) > MAX_NAME for member in value):
        raise LimitError(f"{name}: a member's name of more than {MAX_NAME} characters")
    return list(value.values())
