"""Times and ids as PostHog writes them (contract 1.7)."""

import functools
import hashlib
import os
import time
import uuid
from datetime import UTC, datetime


def now() -> str:
    """Return the present, in UTC, with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_id() -> str:
    """Return a new time-ordered UUID."""
    return _uuid7(int(time.time() * 1000), os.urandom(10))


@functools.lru_cache(maxsize=2**14)
def derived_id(*words: object) -> str:
    """Return a UUID that is always the same for the same words."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return _uuid7(0x0193F2A05C1E + int.from_bytes(digest[:2]), digest[2:12])


def _uuid7(milliseconds: int, noise: bytes) -> str:
    value = (milliseconds & (2**48 - 1)) << 80 | int.from_bytes(noise)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_uuid(text: object) -> bool:
    """True if Python, and so Django, reads the text as a UUID."""
    try:
        uuid.UUID(str(text))
    except ValueError:
        return False
    return True
