"""A recorded change: a write before it was sent, and its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

State = Literal["unknown", "done", "failed"]
"""`unknown`: the write began and no end was recorded. It runs, or its process ended before the answer."""

Undo = Literal["exact", "approximate", "none"]
"""The state that an undo restores: the same by API, the same but for ids and losses, or not possible by one call."""

Time = Annotated[float, Field(ge=0, le=253_402_300_799)]
"""Seconds since 1970, until the year 9999."""

NOT_RECORDED = "[not recorded]"
"""In place of a value that may hold a secret."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """A write that is about to be sent.

    `before` is the object as PostHog held it, None if it was not read. `undoes` is the id of the change that the write
    takes back.
    """

    call: Call
    host: str
    project: str
    before: Mapping[str, Any] | None = None
    undo: Undo = "none"
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The end of a write: the answer and the inverse call, or the failure.

    `sent` are the requests that change something. `maybe_applied` marks a failure after which PostHog may have applied
    the write. `loss` is a sentence on what the inverse does not bring back, where that depends on the result.
    """

    state: Literal["done", "failed"]
    sent: Sequence[Mapping[str, Any]] = ()
    after: Mapping[str, Any] | None = None
    inverse: Call | None = None
    undo: Undo = "none"
    status: int | None = None
    error: str = ""
    maybe_applied: bool = False
    loss: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A write as the journal holds it."""

    id: int
    write: Write
    state: State
    began: Time
    ended: Time | None = None
    end: End | None = None
    undone_by: tuple[int, ...] = field(default=())
