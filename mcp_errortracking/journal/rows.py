"""The rows of the journal: a write and its end as JSON texts without keys of PostHog, and the change that they make."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter

from mcp_errortracking.journal.change import Change, End, Write
from mcp_errortracking.journal.database import DAMAGED
from mcp_errortracking.journal.process import this_process
from mcp_errortracking.posthog_keys import redact

_MAX_VALUE = 256 * 1024
"""Characters of one recorded value; a larger one is left out, and the change cannot be undone."""


def text_of_write(write: Write) -> str:
    """Return the text of the column `write`."""
    values = {
        "tool": write.call.tool,
        "arguments": _bounded(write.call.arguments),
        "host": write.host,
        "project": write.project,
        "before": _bounded(write.before),
        "undo": write.undo,
        "process": this_process() if write.undoes is not None else "",
    }
    return _dump(values)


def text_of_end(end: End) -> str:
    """Return the text of the column `finish`."""
    inverse = None
    if end.inverse is not None:
        arguments = _bounded(end.inverse.arguments)
        if arguments == end.inverse.arguments:  # neither too large nor with a key that would be lost
            inverse = {"tool": end.inverse.tool, "arguments": arguments}
    values = {
        "sent": _bounded(list(end.sent)),
        "after": _bounded(end.after),
        "inverse": inverse,
        "undo": end.undo if inverse is not None else "none",
        "status": end.status,
        "error": redact(end.error),
        "maybe_applied": end.maybe_applied,
        "loss": end.loss,
    }
    return _dump(values)


def process_of(written: Any) -> Any:
    """Return the process that recorded an undo, as `has_ended` takes it.

    Args:
        written: the column `write`.

    Raises:
        ValueError: it is not one that the journal wrote.
    """
    return _facts(written).get("process")


def change_of(row: Sequence[Any], undone_by: Sequence[int]) -> Change:
    """Return the change in a row of id, began, ended, state, undoes, write and finish.

    Args:
        undone_by: ids of the changes that undid it.

    Raises:
        ValueError: the row is not one that the journal wrote.
    """
    identity, began, ended, state, undoes, written, finish = row
    values = _facts(written)
    write: dict[str, Any] = {
        "call": {"tool": values.get("tool"), "arguments": values.get("arguments") or {}},
        "undoes": undoes,
        **{name: values.get(name) for name in ("host", "project", "before", "undo")},
    }
    end: dict[str, Any] | None = None
    if finish is not None:
        facts = _facts(finish)
        sent = facts.get("sent") or ()
        end = {**facts, "state": state, "sent": tuple(cast("list[Any]", sent)) if isinstance(sent, list) else sent}
    fields: dict[str, Any] = {
        "id": identity,
        "write": write,
        "state": state,
        "began": began,
        "ended": ended,
        "end": end,
        "undone_by": tuple(undone_by),
    }
    return _changes().validate_python(fields)


@cache
def _changes() -> TypeAdapter[Change]:
    return TypeAdapter(Change)


def _facts(text: Any) -> dict[str, Any]:
    """Return the JSON object in a column.

    Raises:
        ValueError: there is none.
    """
    try:
        facts = json.loads(text) if isinstance(text, str) else None
    except RecursionError:
        facts = None
    if not isinstance(facts, dict):
        raise ValueError(DAMAGED)
    return cast("dict[str, Any]", facts)


def _bounded(value: Any) -> Any:
    """Return a value without keys; None in place of one that is too large or too deep."""
    try:
        clean = _without_keys(value)
        return None if value is None or len(_dump(clean)) > _MAX_VALUE else clean
    except RecursionError:
        return None


def _without_keys(value: Any) -> Any:
    """Return a JSON value with `[key]` in place of each key in it.

    Each text is redacted before it is escaped: escapes put letters in front of a key, where it would not be recognized.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {redact(str(name)): _without_keys(item) for name, item in fields.items()}
    if isinstance(value, list | tuple):
        return [_without_keys(item) for item in cast("Sequence[Any]", value)]
    return value


def _dump(value: Any) -> str:
    return json.dumps(value, default=str)
