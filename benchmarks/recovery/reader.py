"""A mechanical reader of errors: it can correct a call only with the words that stand in the error's text.

It knows the call that it made, and what a user or another tool gives: ids, numbers, and the `known` texts of a mistake.
Every other name or text of the corrected call must stand in the text as a word of its own. A list of all arguments does
not count: it leaves the choice to a guess.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.server.toolbox import UnknownToolError

_HERE = Path(__file__).parent
PROJECT = _HERE / "project.json"
"""The seed of the sandbox that the calls go to."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOTE, _FAILED = "Note: ", "Error: "
_ALL_NAMES = re.compile(r"it takes .*")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong call, the call that does what was meant, and words that the error must have in addition."""

    tool: str
    arguments: Mapping[str, Any]
    corrected_tool: str
    corrected: Mapping[str, Any]
    says: tuple[str, ...]
    known: tuple[str, ...]

    def needed(self) -> list[str]:
        """The words that the corrected call has and the wrong one has not."""
        had = {self.tool, *_words(self.arguments), *self.known}
        new = [word for word in (self.corrected_tool, *_words(self.corrected)) if word not in had]
        return [*dict.fromkeys(word for word in new if not _UUID.fullmatch(word)), *self.says]


@dataclass(frozen=True, slots=True)
class Reading:
    """The text that a wrong call got, the words that it lacks, and the text of the corrected call if that failed."""

    text: str
    lacking: tuple[str, ...]
    failure: str | None

    @property
    def recovers(self) -> bool:
        """True if the text is enough for a call that succeeds."""
        return not self.lacking and self.failure is None


def mistakes() -> list[Mistake]:
    """Return the mistakes of the benchmark."""
    return [
        Mistake(
            tool=entry["tool"],
            arguments=entry["arguments"],
            corrected_tool=entry["then"]["tool"],
            corrected=entry["then"]["arguments"],
            says=tuple(entry.get("says", ())),
            known=tuple(entry.get("known", ())),
        )
        for entry in json.loads((_HERE / "mistakes.json").read_text("utf-8"))
    ]


async def read(caller: ToolCaller, sender: Sender, mistake: Mistake) -> Reading:
    """Make the wrong call, read its text, and make the corrected call."""
    text, is_wrong = await _call(caller, sender, mistake.tool, mistake.arguments)
    read = _ALL_NAMES.sub("", text)
    lacking = [word for word in mistake.needed() if not _stands_in(word, read)]
    if not is_wrong:
        lacking.append("an error or a note")
    after, fails = await _call(caller, sender, mistake.corrected_tool, mistake.corrected)
    return Reading(text, tuple(lacking), after if fails and not _is_only_noted(after) else None)


async def _call(caller: ToolCaller, sender: Sender, tool: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the text of a call, and True if it is an error or has a note."""
    try:
        reply = await caller.call(sender, tool, arguments)
    except UnknownToolError as error:
        return _FAILED + str(error), True
    return (_FAILED if reply.is_error else "") + reply.text, reply.is_error or _NOTE in reply.text


def _is_only_noted(text: str) -> bool:
    return not text.startswith(_FAILED)


def _stands_in(word: str, text: str) -> bool:
    return re.search(rf"(?<![\w$-]){re.escape(word)}(?![\w-])", text, re.IGNORECASE) is not None


def _words(value: Any) -> Iterator[str]:
    """Yield the names and the texts of arguments, and null; numbers and booleans stand in no error."""
    if value is None:
        yield "null"
    elif isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield name
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _words(inner)
