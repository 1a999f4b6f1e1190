"""Texts cut to a length, with PostHog's mark (contract 6.13.3)."""


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters; a longer one ends in a mark that says how long it was."""
    if len(text) <= limit:
        return text
    mark = f"… [truncated from {len(text)} chars]"
    return text[: limit - len(mark)] + mark
