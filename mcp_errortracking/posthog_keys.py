"""PostHog's keys: their prefixes, and their redaction from texts."""

import hashlib
import re

KINDS = {
    "phx_": "a personal API key",
    "pha_": "an OAuth access token",
    "phr_": "an OAuth refresh token",
    "phs_": "a project secret key",
    "phc_": "a project token",
}
"""Kinds of keys by prefix, as PostHog's source defines them. The oldest personal API keys have no prefix."""

UNUSABLE = {
    "phc_": "a project token, which only sends events",
    "phs_": "a project secret key, which this API does not take",
    "phr_": "an OAuth refresh token, which only renews an access token",
}
"""Kinds that the API refuses, and the reason."""

# No English word ends in "phx", but "alpha_" and "graphs_" are parts of ordinary names.
_KEY = re.compile(r"(?:phx|(?<![A-Za-z0-9])ph[acrs])_\w{8,}")


def digest_of(host: str, key: str) -> str:
    """Return a text that distinguishes a key at a host, and does not show the key."""
    return hashlib.sha256(f"{host}\0{key}".encode()).hexdigest()


def is_key(text: str) -> bool:
    """True if the text begins as a key does."""
    return text.startswith(tuple(KINDS))


def looks_like_key(text: str) -> bool:
    """True if the text contains a key."""
    return _KEY.search(text) is not None


def redact(text: str) -> str:
    """Return the text with `[key]` in place of each key."""
    return _KEY.sub("[key]", text) if "ph" in text else text
