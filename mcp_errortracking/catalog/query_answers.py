"""Answers of queries as they are displayed: pages, rows of issues and sparklines (contract 6.13)."""

from typing import Any, cast

from mcp_errortracking.catalog.endpoint import as_object, as_objects, number_of
from mcp_errortracking.catalog.query_arguments import MOST_BUCKETS
from mcp_errortracking.catalog.trends import change, picture


def read_part(answer: Any) -> dict[str, Any]:
    """A part of a longer answer, with `next_offset` as lists have it."""
    part = as_object(answer)
    following = part.get("nextOffset")
    own = {name: value for name, value in part.items() if name not in ("hasMore", "nextOffset", "limit", "offset")}
    return {"next_offset": following if part.get("hasMore") else None, **own}


def row_of(issue: dict[str, Any]) -> dict[str, Any]:
    """An issue with its counts beside its other fields, and a sparkline as numbers.

    The counts are `aggregations` in a list, `impact` of one issue, and both of one issue on an older server.
    """
    row = dict(issue)
    counts: dict[str, Any] = {}
    for name in ("aggregations", "impact"):
        if isinstance(row.get(name), dict):
            counts |= as_object(row.pop(name))
    hidden = (*row, "volume_buckets", "volumeRange")
    row |= {name: _whole(value) for name, value in counts.items() if name not in hidden}
    buckets = as_objects(counts.get("volume_buckets"))
    if buckets:
        row["volume"] = _sparkline(buckets)
    sparkline = row.get("sparkline")
    if as_objects(sparkline):
        row["sparkline"] = _sparkline(as_objects(sparkline))
    elif isinstance(sparkline, list):
        row["sparkline"] = [_whole(value) for value in cast("list[Any]", sparkline)[:MOST_BUCKETS]]
        if trend := picture(row["sparkline"]):
            row["trend"] = trend
    return row


def beyond(found: list[dict[str, Any]], most: int) -> list[str]:
    """Return a note if PostHog answered more than it can be asked for."""
    return [f"PostHog answered {len(found)}, more than can be asked for; the first {most} are shown."] * (
        len(found) > most
    )


def _whole(value: Any) -> Any:
    """Return a count as people write it: PostHog sends floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sparkline(buckets: list[dict[str, Any]]) -> str:
    """Return equal parts of a range as numbers, with the start of the first and of the last, and the change."""
    shown = buckets[:MOST_BUCKETS]
    numbers = " ".join(str(_count_of(bucket)) for bucket in shown)
    last = f" to {shown[-1].get('label')}" if len(shown) > 1 else ""
    trend = change([bucket.get("value") for bucket in shown])
    return f"from {shown[0].get('label')}{last}: {numbers}{trend and f', {trend}'}"


def _count_of(bucket: dict[str, Any]) -> float | None:
    """Return the count of a bucket; None if it is not a number, or has more than 64 bits, which take long to print."""
    value, whole = bucket.get("value"), number_of(bucket, "value")
    return value if whole is None and isinstance(value, float) else whole
