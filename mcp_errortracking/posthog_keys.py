"""PostHog's keys: the prefixes that mark them, and texts kept free of them."""

import re

KINDS = {
    "phx_": "a personal API key",
    "pha_": "an OAuth access token",
    "phr_": "an OAuth refresh token",
    "phs_": "a project secret key",
    "phc_": "a project token",
}
"""Kinds of keys by prefix, as PostHog's source makes them. Personal API keys of old have none."""

UNUSABLE = {
    "phc_": "a project token, which only sends events",
    "phs_": "a project secret key, which this API does not take",
    "phr_": "an OAuth refresh token, which only renews an access token",
}
"""Kinds that the API refuses, and why."""

# No English word ends in "phx", but "alpha_" and "graphs_" are parts of ordinary names.
_KEY = re.compile(r"(?:phx|(?<![A-Za-z0-9])ph[acrs])_\w{8,}")


def is_key(text: str) -> bool:
    """True if the text begins as a key does."""
    return text.startswith(tuple(KINDS))


def looks_like_key(text: str) -> bool:
    """True if there is a key anywhere in the text."""
    return _KEY.search(text) is not None


def redact(text: str) -> str:
    """Return the text with `[key]` in place of each key."""
    return _KEY.sub("[key]", text) if "ph" in text else text
