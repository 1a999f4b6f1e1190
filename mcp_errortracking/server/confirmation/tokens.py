"""Tokens that allow one call: of a tool, with its arguments, by a caller, on an object as it was. Each is used once."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from functools import cached_property
from typing import Literal, Protocol

Purpose = Literal["argument", "state"]
"""`argument`: a value of the argument `confirm`. `state`: the state of a question that a client sends back."""

Verdict = Literal["valid", "unknown", "expired", "used", "changed"]

_TIME, _NONCE, _MAC = 4, 8, 12
"""Bytes of the parts: the time of expiry, a random number, the codes of the call and of the object."""


class Replicas(Protocol):
    """The replicas of a server, which share a secret and a memory."""

    def secret(self, purpose: str) -> bytes: ...
    async def is_first(self, name: str, seconds: float) -> bool | None: ...


class Tokens:
    """The tokens of one process: its secret is in no other process, and ends with it.

    Those for a caller whose key replicas share are made with a secret of the key, and are valid in each of them.

    Args:
        seconds: a token is valid for.
        clock: seconds that never go back.
        shared_clock: seconds since 1970, which replicas count alike.
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        shared_clock: Callable[[], float] = time.time,
    ) -> None:
        self.seconds = seconds
        self._clocks = (clock, shared_clock)
        self._used = dict[bytes, int]()
        """When the used tokens expire, by their random number. All callers of a process have replicas, or none has."""

    def make(self, purpose: Purpose, call: bytes, state: bytes, replicas: Replicas | None = None) -> str:
        """Return a new token for a call, while the object has this state."""
        expiry = int(self._now(replicas) + self.seconds).to_bytes(_TIME)
        head = expiry + secrets.token_bytes(_NONCE)
        codes = _codes(self._secret_of(replicas), head, purpose, call, state)
        return base64.urlsafe_b64encode(head + codes).decode()

    async def use(
        self, token: str, purpose: Purpose, call: bytes, state: bytes, replicas: Replicas | None = None
    ) -> Verdict:
        """Return the verdict on a token. A valid one is used up, in all replicas while their store answers."""
        raw = _decoded(token)
        head, codes = raw[: _TIME + _NONCE], raw[_TIME + _NONCE :]
        if len(codes) != 2 * _MAC:
            return "unknown"
        right = _codes(self._secret_of(replicas), head, purpose, call, state)
        # The code of the object covers the call too, so that the first one only explains what is wrong.
        if not hmac.compare_digest(codes, right):
            return "changed" if hmac.compare_digest(codes[:_MAC], right[:_MAC]) else "unknown"
        now, expiry, nonce = self._now(replicas), int.from_bytes(head[:_TIME]), head[_TIME:]
        if now >= expiry:
            return "expired"
        if nonce in self._used:
            return "used"
        self._used = {one: until for one, until in self._used.items() if until > now}
        self._used[nonce] = expiry
        is_first = True if replicas is None else await replicas.is_first(nonce.hex(), expiry - now + 1)
        return "used" if is_first is False else "valid"

    def _now(self, replicas: Replicas | None) -> float:
        clock, shared_clock = self._clocks
        return clock() if replicas is None else shared_clock()

    def _secret_of(self, replicas: Replicas | None) -> bytes:
        return self._secret if replicas is None else replicas.secret("confirmation")

    @cached_property
    def _secret(self) -> bytes:
        # Made when it is first needed: a host that forks its workers after it built the app must not share it.
        return secrets.token_bytes(32)


def _codes(secret: bytes, head: bytes, purpose: Purpose, call: bytes, state: bytes) -> bytes:
    of_call = hmac.digest(secret, head + purpose.encode() + hashlib.sha256(call).digest(), "sha256")
    return of_call[:_MAC] + hmac.digest(secret, of_call + state, "sha256")[:_MAC]


def _decoded(token: str) -> bytes:
    try:
        return base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        return b""
