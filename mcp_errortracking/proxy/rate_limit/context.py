"""Context variables of a tool call: its caller, for fair queuing, and the observer of its waits."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wait:
    """The wait of a call: seconds so far, seconds still expected, and the reason in a sentence."""

    waited: float
    expected: float
    why: str


OnWait = Callable[[Wait], Awaitable[None]]

on_wait: ContextVar[OnWait | None] = ContextVar("on_wait", default=None)
"""Called when a call in this context begins to wait, and every few seconds while it waits. It must not raise."""

caller: ContextVar[str] = ContextVar("caller", default="")
"""The caller that the call is made for: waiting callers take turns."""
