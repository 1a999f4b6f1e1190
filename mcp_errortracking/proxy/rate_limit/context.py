"""Waits that whoever called may want to know of, and on whose behalf a call waits."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wait:
    """A call waits. Seconds: how long it has, and how much longer it is expected to; `why` is a sentence."""

    waited: float
    expected: float
    why: str


OnWait = Callable[[Wait], Awaitable[None]]

on_wait: ContextVar[OnWait | None] = ContextVar("on_wait", default=None)
"""Is told when a call in this context begins to wait, and every few seconds while it does. It must not raise."""

caller: ContextVar[str] = ContextVar("caller", default="")
"""Whom a call is made for: where calls must wait, callers take turns."""
