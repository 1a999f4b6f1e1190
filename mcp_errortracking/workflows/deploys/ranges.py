"""The two ranges of time that a report compares."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp_errortracking.catalog.date_range import DateRange
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.times import moment_of

LONGEST = timedelta(days=7)
"""Of the time since a release that a report looks at."""
_DAY = timedelta(days=1)
_RELATIVE = re.compile(r"-?(\d{1,5})([sMhdwmqy])(Start|End)?")
_UNITS = {"s": timedelta(seconds=1), "M": timedelta(minutes=1), "h": timedelta(hours=1), "d": _DAY, "w": 7 * _DAY}
_MONTHS = {"m": 1, "q": 3, "y": 12}


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From a moment to a later one."""

    begin: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.begin

    @property
    def hours(self) -> float:
        return self.length / timedelta(hours=1)

    def holds(self, moment: datetime | None) -> bool:
        """True if a moment lies within."""
        return moment is not None and self.begin <= moment <= self.end

    def as_json(self) -> dict[str, Any]:
        """Return the range as `dateRange` has it. Both ends are absolute, so that every request means the same time."""
        return {"date_from": iso(self.begin), "date_to": iso(self.end)}

    def __str__(self) -> str:
        return f"{_minute(self.begin)} to {_minute(self.end)} UTC, {self.hours:.3g} h"


def since(begin: datetime, now: datetime) -> TimeRange:
    """Return the time since a moment, up to its seventh day."""
    return TimeRange(begin, min(now, begin + LONGEST))


def before(window: TimeRange) -> TimeRange:
    """Return the range to compare with.

    Errors follow the time of day, so up to a day is compared with the same hours one day earlier, and more with the
    time of equal length right before.

    Raises:
        WorkflowError: there is no such time.
    """
    shift = _DAY if window.length <= _DAY else window.length
    try:
        return TimeRange(window.begin - shift, window.end - shift)
    except OverflowError:
        raise WorkflowError(
            "invalid_arguments",
            f"No time of {window.hours:,.0f} hours lies before {_minute(window.begin)} UTC.",
            next_step="Give a later date_from, or compareTo.",
        ) from None


def read_range(given: DateRange, name: str, now: datetime) -> TimeRange:
    """Return a range that a call names; it ends now at the latest.

    Relative dates count back from now, also a date_to, which PostHog itself would count forward.

    Args:
        name: of the argument.

    Raises:
        WorkflowError: it has no beginning, or does not end after it.
    """
    begin = _moment(given.date_from or "-7d", name, now)
    end = min(_moment(given.date_to, name, now), now) if given.date_to else now
    if begin >= end:
        raise WorkflowError(
            "invalid_arguments",
            f"{name} does not end after its beginning.",
            f"It begins {_minute(begin)} UTC and ends {_minute(end)} UTC, which is now at the latest.",
            "Give a date_from in the past, and a later date_to.",
        )
    return TimeRange(begin, end)


def refuse_overlap(window: TimeRange, baseline: TimeRange) -> None:
    """Refuse ranges that share a time, or come in the wrong order.

    Raises:
        WorkflowError: they do.
    """
    if baseline.end <= window.begin:
        return
    if baseline.begin >= window.end:
        why, what = "compareTo is the later one.", "dateRange and compareTo are in the wrong order."
    else:
        why, what = "Errors in both would count twice.", "dateRange and compareTo overlap."
    ends = f"compareTo must end at {_minute(window.begin)} UTC or before."
    raise WorkflowError("invalid_arguments", what, why, ends)


def iso(moment: datetime) -> str:
    """Return a moment as PostHog takes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}".zfill(16)


def _moment(text: str, name: str, now: datetime) -> datetime:
    moment = moment_of(text) or _month(text)
    try:
        moment = moment or _relative(text, now)
    except (OverflowError, ValueError):
        moment = None
    if moment is None:
        raise WorkflowError(
            "invalid_arguments",
            f"{name} needs times with a definite distance.",
            "The report compares rates per hour.",
            "Give times like -24h, -7d or 2026-06-01T00:00:00Z.",
        )
    return moment


def _month(text: str) -> datetime | None:
    """Return the begin of a year or month, as queries take it."""
    found = re.fullmatch(r"(\d{4})(?:-(\d\d))?", text)
    return moment_of(f"{found[1]}-{found[2] or '01'}-01") if found else None


def _relative(text: str, now: datetime) -> datetime | None:
    found = _RELATIVE.fullmatch(text)
    if found is None:
        return None
    number, unit, edge = int(found[1]), found[2], found[3]
    moment = now - number * _UNITS[unit] if unit in _UNITS else _months_before(now, number * _MONTHS[unit])
    if edge and unit in ("h", "d"):
        start = moment.replace(hour=0 if unit == "d" else moment.hour, minute=0, second=0, microsecond=0)
        return start if edge == "Start" else start + _UNITS[unit]
    return moment


def _months_before(now: datetime, months: int) -> datetime:
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, calendar.monthrange(year, month + 1)[1]))
