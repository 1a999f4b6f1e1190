"""The ranges of a report: read from arguments, made from a release, refused if they cannot be compared."""

from datetime import UTC, datetime, timedelta

import pytest

from mcp_errortracking.catalog.date_range import DateRange
from mcp_errortracking.workflows.deploys.ranges import TimeRange, before, moment_of, read_range, refuse_overlap, since
from mcp_errortracking.workflows.problems import WorkflowError

NOW = datetime(2026, 6, 30, 12, 30, 40, tzinfo=UTC)


def read(date_from: str | None = None, date_to: str | None = None) -> tuple[str, str]:
    found = read_range(DateRange(date_from=date_from, date_to=date_to), "dateRange", NOW)
    assert found.begin.tzinfo
    return found.begin.isoformat()[:16], found.end.isoformat()[:16]


@pytest.mark.parametrize(
    ("given", "begin", "end"),
    [
        ((None, None), "2026-06-23T12:30", "2026-06-30T12:30"),
        (("-24h", None), "2026-06-29T12:30", "2026-06-30T12:30"),
        (("-90M", None), "2026-06-30T11:00", "2026-06-30T12:30"),
        (("-14d", "-7d"), "2026-06-16T12:30", "2026-06-23T12:30"),
        (("-4m", "-1q"), "2026-02-28T12:30", "2026-03-30T12:30"),
        (("-1y", "-2w"), "2025-06-30T12:30", "2026-06-16T12:30"),
        (("-1dStart", "-1dEnd"), "2026-06-29T00:00", "2026-06-30T00:00"),
        (("-3hStart", "-0hStart"), "2026-06-30T09:00", "2026-06-30T12:00"),
        (("2026-06-01", "2026-06-02T10:00:00+02:00"), "2026-06-01T00:00", "2026-06-02T08:00"),
        (("2026-05", "2026-06"), "2026-05-01T00:00", "2026-06-01T00:00"),
        (("-1d", "2030-01-01T00:00:00Z"), "2026-06-29T12:30", "2026-06-30T12:30"),
    ],
)
def test_dates_count_back_from_now_and_end_now(given: tuple[str | None, str | None], begin: str, end: str) -> None:
    assert read(*given) == (begin, end)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("-7d", "-14d"), "dateRange does not end after its beginning."),
        (("2026-07-01", None), "dateRange does not end after its beginning."),
        (("all", None), "dateRange needs times with a definite distance."),
        (("-99999y", None), "dateRange needs times with a definite distance."),
    ],
)
def test_ranges_that_have_no_rate_are_refused(given: tuple[str, str | None], says: str) -> None:
    with pytest.raises(WorkflowError, match=says):
        read(*given)


def test_up_to_a_day_is_compared_with_the_day_before_and_more_with_the_time_right_before() -> None:
    hours, days = since(NOW - timedelta(hours=6), NOW), since(NOW - timedelta(days=3), NOW)

    assert before(hours) == TimeRange(NOW - timedelta(hours=30), NOW - timedelta(hours=24))
    assert before(days) == TimeRange(NOW - timedelta(days=6), NOW - timedelta(days=3))
    assert since(NOW - timedelta(days=30), NOW).end == NOW - timedelta(days=23)
    assert (hours.hours, days.hours) == (6, 72)
    for window in (hours, days):
        refuse_overlap(window, before(window))


def test_the_first_years_have_no_time_before_them() -> None:
    window = read_range(DateRange(date_from="0001-01-01", date_to="0500-06-01"), "dateRange", NOW)

    assert window.as_json() == {"date_from": "0001-01-01T00:00:00.000000Z", "date_to": "0500-06-01T00:00:00.000000Z"}
    with pytest.raises(WorkflowError, match="lies before 0001-01-01 00:00 UTC"):
        before(window)


def test_ranges_that_overlap_or_are_in_the_wrong_order_are_refused() -> None:
    window, day = TimeRange(NOW - timedelta(days=2), NOW - timedelta(days=1)), timedelta(days=1)
    with pytest.raises(WorkflowError, match="overlap"):
        refuse_overlap(window, TimeRange(window.begin - day, window.begin + day / 2))
    with pytest.raises(WorkflowError, match="wrong order"):
        refuse_overlap(window, TimeRange(window.end, NOW))


@pytest.mark.parametrize("value", [None, 1, "", "soon", "0001-01-01T00:00:00+14:00"])
def test_no_time_is_no_error(value: object) -> None:
    assert moment_of(value) is None
