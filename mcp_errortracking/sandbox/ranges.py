"""Ranges of time, as queries name them (contract 6.13)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from mcp_errortracking.sandbox.errors import invalid
from mcp_errortracking.sandbox.store import Document

_RELATIVE = re.compile(r"([-+]?)(\d*)([sMhdwmqy])(Start|End)?")
_DAYS = {"s": 1 / 86_400, "M": 1 / 1440, "h": 1 / 24, "d": 1, "w": 7, "m": 30, "q": 91, "y": 365}
_ALL = timedelta(days=1461)


@dataclass(frozen=True, slots=True)
class Range:
    """From a moment to a later one, both within."""

    begin: datetime
    end: datetime

    def buckets(self, timestamps: list[str], number: int) -> list[Document]:
        """Count the times in each of `number` equal parts of the range."""
        width = (self.end - self.begin) / number
        counts = [0.0] * number
        for timestamp in timestamps:
            place = int((datetime.fromisoformat(timestamp) - self.begin) / width)
            counts[min(max(place, 0), number - 1)] += 1
        labels = [(self.begin + width * place).strftime("%Y-%m-%dT%H:%M:%SZ") for place in range(number)]
        return [{"label": label, "value": count} for label, count in zip(labels, counts, strict=True)]


def read_range(fields: Document, now: datetime, *, forward_end: bool = False) -> Range:
    """Return the `dateRange` of a query; by default the last seven days.

    Args:
        forward_end: read a relative `date_to` forward, so that `-1d` is tomorrow.

    Raises:
        ErrorAnswer: 400.
    """
    given: Any = fields.get("dateRange") or {}
    if not isinstance(given, dict):
        detail = f"Invalid data. Expected a dictionary, but got {type(given).__name__}."
        raise invalid("invalid_input", detail, "dateRange__non_field_errors")
    dates = cast("dict[str, Any]", given)
    begin = moment_of(dates.get("date_from") or "-7d", now, "dateRange__date_from")
    end = now
    if dates.get("date_to"):
        end = moment_of(dates["date_to"], now, "dateRange__date_to", forward=forward_end)
    return Range(begin, end)


def moment_of(text: Any, now: datetime, attr: str, *, forward: bool = False) -> datetime:
    """Return a moment: a relative one like `-7d`, `all` for four years ago, or a time in ISO 8601, by default in UTC.

    `-1dStart` and `-1dEnd` are the begin and the end of yesterday; hours have these too.

    Raises:
        ErrorAnswer: 400.
    """
    if found := _RELATIVE.fullmatch(str(text)):
        length = timedelta(days=int(found[2] or 0) * _DAYS[found[3]])
        return _edge(now + length if forward or found[1] == "+" else now - length, found[3], found[4])
    if text == "all":
        return now - _ALL
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise invalid("invalid_input", f"Invalid date: {text}", attr) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _edge(moment: datetime, unit: str, edge: str | None) -> datetime:
    """Return the start or the end of the hour or day of a moment; the moment itself for other units."""
    if edge is None or unit not in ("h", "d"):
        return moment
    hour = 0 if unit == "d" else moment.hour
    start = moment.replace(hour=hour, minute=0, second=0, microsecond=0)
    return start if edge == "Start" else start + timedelta(days=_DAYS[unit], microseconds=-1)
