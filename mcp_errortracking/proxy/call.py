"""A call to PostHog on its way: the request, its tries, and the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.proxy.exchange import Exchange
from mcp_errortracking.proxy.rate_limit.limiter import KeyLimiter


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer: its status, its JSON (None if the body is empty), and its number of tries."""

    status: int
    data: Any
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer of any status, unread; the key is removed from it."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(slots=True)
class Call:
    """One call, with all its tries. `limiter`: None if the call carries no key."""

    method: str
    path: str
    query: str
    content: bytes | None
    exchange: Exchange
    deadline: float
    limiter: KeyLimiter | None
    attempts: int = 0
    is_in_flight: bool = False
    """True while its request is sent, so that it may have arrived; False while the call waits to send it."""
