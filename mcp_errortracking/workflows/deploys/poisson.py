"""A test of two counts: did events come at the same rate in both ranges of time?

The conditional test of Przyborowski and Wilenski (Homogeneity of results in testing samples from Poisson series,
Biometrika 31, 1940): if both counts come from Poisson processes of the same rate, then of all `a + b` events each falls
into the first range with the probability `hours / (hours + other_hours)`, so that `a` is binomial. It is exact, and
cautious where counts are small. Above 1,000 events the normal approximation with continuity correction takes its place.
"""

import math
from enum import StrEnum

_EXACT = 1000
"""Events of both ranges up to which the binomial distribution is summed up."""
_NEGLIGIBLE = 1e-12
"""The part of a sum below which further terms are left out."""
_SURE, _MAYBE = 0.001, 0.05


class Certainty(StrEnum):
    """The certainty that two rates differ."""

    SURE = "sure"
    MAYBE = "maybe"
    TOO_FEW = "too few to say"


def certainty(count: int, hours: float, other: int, other_hours: float) -> Certainty:
    """Return the certainty that two counts come from different rates."""
    value = p_value(count, hours, other, other_hours)
    if value < _SURE:
        return Certainty.SURE
    return Certainty.MAYBE if value <= _MAYBE else Certainty.TOO_FEW


def p_value(count: int, hours: float, other: int, other_hours: float) -> float:
    """Return the two-sided p-value of the hypothesis that both rates are equal: twice the smaller tail, at most 1."""
    total = count + other
    share, other_share = hours / (hours + other_hours), other_hours / (hours + other_hours)
    if total == 0:
        return 1.0
    if total > _EXACT:
        spread = math.sqrt(total * share * other_share)
        distance = max(abs(count - total * share) - 0.5, 0.0) / spread
        return math.erfc(distance / math.sqrt(2))
    return min(1.0, 2 * _tail(count, total, share, other_share))


def _tail(count: int, total: int, share: float, other_share: float) -> float:
    """Return the probability of `count` successes or of a number farther from the mean on the same side."""
    term = tail = _probability(count, total, share, other_share)
    if count <= total * share:
        for number in range(count, 0, -1):
            term *= number / (total - number + 1) * (other_share / share)
            tail += term
            if term < tail * _NEGLIGIBLE:
                break
    else:
        for number in range(count, total):
            term *= (total - number) / (number + 1) * (share / other_share)
            tail += term
            if term < tail * _NEGLIGIBLE:
                break
    return tail


def _probability(number: int, total: int, share: float, other_share: float) -> float:
    """Return the probability of `number` successes in `total` trials; the shares are those of success and failure."""
    ways = math.lgamma(total + 1) - math.lgamma(number + 1) - math.lgamma(total - number + 1)
    return math.exp(ways + number * math.log(share) + (total - number) * math.log(other_share))
