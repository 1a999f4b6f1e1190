"""Pages as Django REST framework makes them from `limit` and `offset` (contract 1.5)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

DEFAULT_LIMIT = 100


def page(
    rows: Sequence[Any],
    query: Mapping[str, str],
    url: str,
    show: Callable[[Any], Any],
    *,
    max_limit: int | None = None,
) -> dict[str, Any]:
    """Return the page that the query asks for; an invalid limit or offset counts as not given."""
    limit = _number(query.get("limit")) or DEFAULT_LIMIT
    if max_limit is not None:
        limit = min(limit, max_limit)
    offset = _number(query.get("offset")) or 0
    following = offset + limit if offset + limit < len(rows) else None
    return {
        "count": len(rows),
        "next": None if following is None else _link(url, query, limit, following),
        "previous": None if offset <= 0 else _link(url, query, limit, offset - limit if offset > limit else None),
        "results": [show(row) for row in rows[offset : offset + limit]],
    }


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _link(url: str, query: Mapping[str, str], limit: int, offset: int | None) -> str:
    rest = {name: value for name, value in query.items() if name not in ("limit", "offset")}
    pairs: dict[str, Any] = {**rest, "limit": limit}
    if offset is not None:
        pairs["offset"] = offset
    return f"{url}?{urlencode(sorted(pairs.items()))}"
