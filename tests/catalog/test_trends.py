"""Trends as text: the blocks, the change, and the tokens that they take."""

from typing import Any

import pytest

from mcp_errortracking.catalog.trends import change, picture

WEEK = [0, 0, 0, 0, 0, 0, 0, 14, 727, 52, 51, 56]


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        (WEEK, "▁▁▁▁▁▁▁▂█▂▂▂, all in the second half"),
        ([10, 10, 15, 7], "▆▆█▅, second half +10 %"),
        ([4.0, 2.0, 1.0], "█▅▃, second half -75 %"),
        ([1, 2000], "▂█, second half +199,900 %"),
        ([5], "█"),
        ([3, 3], "██"),
        ([0, 0], ""),
        ([], ""),
        ([1] * 25, ""),
    ],
)
def test_a_trend_is_drawn_with_its_change(values: list[float], drawn: str) -> None:
    assert picture(values) == drawn


@pytest.mark.parametrize("odd", [None, "7", -1, 2**60, 10**400, float("inf"), float("nan"), [], {}])
def test_what_is_not_a_count_is_not_drawn(odd: Any) -> None:
    assert picture([1, odd, 2]) == ""
    assert change([1, odd, 2]) == ""


def test_a_picture_stays_within_its_budget() -> None:
    """The tokens of o200k_base are recorded (gpt-tokenizer 4.0.0)."""
    widest = picture([number * 7 % 24 + 1 for number in range(24)])
    recorded = {"▁▁▁▁▁▁▁▂█▂▂▂, all in the second half": 30, "▂▄▆█▃▅▇▂▄▆█▃▅▇▂▄▆█▄▆█▃▅▇, second half +17 %": 48}

    assert max(recorded.values()) <= 50
    assert recorded.keys() == {picture(WEEK), widest}
