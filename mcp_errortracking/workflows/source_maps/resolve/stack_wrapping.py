"""Wrappings of a pasted stack trace, removed before its lines are read: terminal colours, JSON, log prefixes."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

_COLOUR = re.compile(r"(?:\x1b|\\{1,4}(?:u001[bB]|x1[bB]|033|e)|\^\[|\u241b)\[[0-9;]{0,20}[A-Za-z]")
_LOGCAT = re.compile(
    r"^(?:(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6} {1,9}\d{1,9}(?: {1,9}\d{1,9})? {1,9}[VDIWEF] {1,9}[^:\n]{1,60}: "
    r"|[VDIWEF]/[^(\n]{1,60}\( {0,9}\d{1,9}\): )",
    re.MULTILINE,
)
_PLACE = re.compile(r"[ \t]{0,40}@[ \t]{0,4}\d{1,10}(?::\d{1,10})?[ \t]{0,40}$")
_MOST_JSON = 1_000_000
_DEPTH = 20


def unwrapped(text: str) -> str:
    """Return a pasted text without terminal colours and log prefixes, and the texts in it if it is JSON."""
    text = "\n".join(_texts(text, _DEPTH))
    text = _COLOUR.sub("", text)
    return "\n".join(_joined(_LOGCAT.sub("", text).splitlines()))


def _joined(lines: list[str]) -> Iterator[str]:
    """Join a position of PostHog's page, `@2:28`, to the name of its file in the line before."""
    file: str | None = None
    for line in lines:
        if file is not None and "@" not in file and _PLACE.match(line):
            yield file + line.strip()
            file = None
            continue
        if file is not None:
            yield file
        file = line
    if file is not None:
        yield file


def _texts(text: str, depth: int) -> Iterator[str]:
    """Yield the strings of several lines or frames in JSON, also in JSON in them; or the text, if it is not JSON."""
    value: Any = None
    if depth and len(text) <= _MOST_JSON and text.lstrip()[:1] in ("{", "[", '"'):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
    if value is None:
        yield text
        return
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield from _texts(one, depth - 1)
        elif isinstance(one, dict):
            waiting += reversed(list(cast("dict[str, Any]", one).values()))
        elif isinstance(one, list):
            waiting += reversed(cast("list[Any]", one))
