"""The test of two counts, against sums of exact fractions and known values."""

import math
from fractions import Fraction

import pytest

from mcp_errortracking.workflows.deploys import poisson
from mcp_errortracking.workflows.deploys.poisson import Certainty, certainty, p_value


def exact(count: int, hours: int, other: int, other_hours: int) -> float:
    total, share = count + other, Fraction(hours, hours + other_hours)
    chances = [math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(total + 1)]
    return float(min(Fraction(1), 2 * min(sum(chances[: count + 1]), sum(chances[count:]))))


@pytest.mark.parametrize("count", [0, 1, 5, 12, 30])
@pytest.mark.parametrize("other", [0, 3, 11, 40])
@pytest.mark.parametrize(("hours", "other_hours"), [(6, 6), (1, 24), (7, 3)])
def test_the_p_value_is_that_of_the_binomial_distribution(count: int, other: int, hours: int, other_hours: int) -> None:
    assert p_value(count, hours, other, other_hours) == pytest.approx(exact(count, hours, other, other_hours))


def test_eleven_against_none_is_the_first_sure_difference_of_equal_times() -> None:
    assert p_value(10, 6, 0, 6) == pytest.approx(2 / 2**10)
    assert [certainty(count, 6, 0, 6) for count in (0, 5, 6, 10, 11)] == [
        Certainty.TOO_FEW,
        Certainty.TOO_FEW,
        Certainty.MAYBE,
        Certainty.MAYBE,
        Certainty.SURE,
    ]
    assert certainty(0, 6, 11, 6) is Certainty.SURE


def test_the_length_of_the_ranges_counts() -> None:
    assert certainty(24, 24, 1, 1) is Certainty.TOO_FEW
    assert certainty(24, 24, 24, 1) is Certainty.SURE
    assert certainty(1, 1, 24, 24) is Certainty.TOO_FEW


def test_the_approximation_of_large_counts_is_near_the_exact_value(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(540, 480), (600, 500), (505, 500), (350, 700)]
    approximate = [p_value(one, 5, other, 5) for one, other in pairs]
    monkeypatch.setattr(poisson, "_EXACT", 10_000)

    for value, (one, other) in zip(approximate, pairs, strict=True):
        assert value == pytest.approx(p_value(one, 5, other, 5), rel=0.1, abs=1e-6)
    assert approximate[1] < 0.01 < approximate[0] < 0.1 < approximate[2]


def test_huge_counts_are_counted_at_once() -> None:
    assert p_value(2**62, 1, 2**62, 1) == pytest.approx(1)
    assert certainty(2**62, 1, 2**61, 1) is Certainty.SURE
    assert certainty(1, 1e-6, 10**9, 168) is Certainty.TOO_FEW


def test_the_shortest_range_can_be_compared_with_the_longest() -> None:
    assert certainty(0, 1e8, 3, 1e-10) is Certainty.SURE
    assert certainty(900, 1e8, 0, 1e-10) is Certainty.TOO_FEW
    assert certainty(2000, 1e8, 0, 1e-10) is Certainty.TOO_FEW
