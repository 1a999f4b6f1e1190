"""Shares that are unusual and not chance."""

import pytest

from mcp_errortracking.workflows.issue_brief.facts import Facts
from mcp_errortracking.workflows.issue_brief.shares import Share, candidates


@pytest.mark.parametrize(
    ("count", "total", "base", "unusual"),
    [
        (92, 100, 0.20, True),
        (22, 24, 0.20, True),
        (45, 100, 0.40, False),  # hardly more than elsewhere
        (12, 24, 0.36, False),  # by chance: 1.4 deviations
        (100, 100, 1.0, False),
        (100, 100, 0.0, True),
    ],
)
def test_a_share_is_unusual_if_chance_hardly_explains_it(count: int, total: int, base: float, unusual: bool) -> None:
    assert Share("browser", "Safari", count, total).is_unusual(base) is unusual


def test_few_events_have_no_candidate() -> None:
    def found(total: int) -> list[Share]:
        tops = {"browser": [{"value": "Safari", "count": total}], "library": [{"value": "web", "count": total}]}
        return candidates(Facts({"breakdown": {"occurrences": total, "top_values": tops}}))

    assert found(19) == []
    assert found(20) == [Share("browser", "Safari", 20, 20)]
