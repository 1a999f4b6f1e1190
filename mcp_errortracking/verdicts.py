"""Verdicts on secrets, by their digest, kept for a while."""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

REMEMBERED = 10_000


class Verdicts(Generic[T]):
    """The verdicts on the secrets used last. Refused secrets never evict good ones, however many there are.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._good, self._others = OrderedDict[str, tuple[T, float]](), OrderedDict[str, tuple[T, float]]()

    def digest(self, secret: str) -> str:
        """Return the digest of a secret, of which another process makes another one."""
        return hashlib.sha256(self._salt + secret.encode(errors="surrogatepass")).hexdigest()

    def get(self, digest: str) -> T | None:
        """Return the verdict on a secret if it has not expired."""
        known = self._good.get(digest) or self._others.get(digest)
        return known[0] if known is not None and self._clock() < known[1] else None

    def was_good(self, digest: str) -> bool:
        """True if a secret was good when it was last judged, also if that verdict has expired."""
        return digest in self._good

    def add(self, digest: str, verdict: T, seconds: float, *, is_good: bool) -> None:
        """Remember a verdict for a while, and forget the oldest beyond the limit."""
        self._good.pop(digest, None)
        self._others.pop(digest, None)
        kept = self._good if is_good else self._others
        kept[digest] = (verdict, self._clock() + seconds)
        if len(kept) > REMEMBERED:
            kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._good) + len(self._others)
