"""The values that events of an issue share unusually often, compared with all exceptions."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects, number_of, text_of
from mcp_errortracking.workflows.issue_brief.facts import MOST_ISSUES, Facts, compared_dates, issues_in
from mcp_errortracking.workflows.issue_brief.reading import Reader

_PROPERTIES = {
    "browser": "$browser",
    "os": "$os",
    "app_version": "$app_version",
    "path": "$pathname",
    "url": "$current_url",
    "screen": "$screen_name",
}
"""The dimensions of a breakdown that say something, the commonest causes first, and the properties behind them."""
_FEWEST = 20
"""Events of an issue below which a share is chance."""
_LEAST_SHARE = 0.3
_LEAST_RATIO = 1.3
_DEVIATIONS = 3.0
_MOST_COMPARED = 2
_LARGEST_COUNT = 10**15
_LONGEST = 200
"""Characters of a value; PostHog cuts longer ones, and a cut one cannot be asked for."""


@dataclass(frozen=True, slots=True)
class Share:
    """A value with its number of events, of `total` of the issue."""

    dimension: str
    value: str
    count: int
    total: int

    @property
    def part(self) -> float:
        return self.count / self.total

    def is_unusual(self, base: float) -> bool:
        """True if so large a share is hardly chance where all exceptions have the share `base`."""
        deviation = sqrt(max(base * (1 - base), 1e-9) / self.total)
        return self.part >= _LEAST_RATIO * base and self.part - base >= _DEVIATIONS * deviation


def candidates(facts: Facts) -> list[Share]:
    """Return the commonest value of each dimension, the largest shares first; none if the issue has few events."""
    breakdown = as_object(facts.issue.get("breakdown"))
    total = number_of(breakdown, "occurrences") or 0
    found = list[Share]()
    tops = as_object(breakdown.get("top_values"))
    for dimension in _PROPERTIES:
        values = as_objects(tops.get(dimension))
        first = values[0] if values else {}
        count, value = number_of(first, "count") or 0, text_of(first, "value")
        if value and len(value) < _LONGEST and total >= _FEWEST and _LEAST_SHARE * total <= count <= total:
            found.append(Share(dimension, value, count, total))
    return sorted(found, key=lambda one: -one.count)


async def shared(reader: Reader, facts: Facts, dates: dict[str, Any], reserved: int) -> list[str]:
    """Return the unusual shares as lines, or the reason why there are none.

    Args:
        reserved: requests that other sections need.

    Raises:
        PostHogError: PostHog does not answer.
    """
    breakdown = as_object(facts.issue.get("breakdown"))
    if why := facts.missing.get("issue"):
        return [why]
    if not breakdown:
        return ["no breakdown: no event in this range, or this PostHog is too old for it"]
    found = candidates(facts)
    if not found:
        total = number_of(breakdown, "occurrences") or 0
        few = f"too few events ({total}) to compare" if total < _FEWEST else "no value has a large share"
        return [few]
    library = text_of(facts.issue, "library")
    everything = _events(facts.others, library)
    if not everything:
        why = facts.missing.get("others") or "no issue is listed in this range"
        return [f"{_named(one)} (no baseline: {why})" for one in found[:_MOST_COMPARED]]
    lines, usual = list[str](), list[str]()
    for one in found[:_MOST_COMPARED]:
        if reader.left <= reserved:
            lines.append(f"{_named(one)} (no baseline: the requests of the brief are spent)")
            continue
        condition = {"type": "event", "key": _PROPERTIES[one.dimension], "operator": "exact", "value": [one.value]}
        answer, why = await reader.read(issues_in(compared_dates(facts.issue, dates), condition))
        if answer is None:
            lines.append(f"{_named(one)} (no baseline: {why})")
            continue
        base = min(1.0, _events(as_objects(answer.get("results"))[:MOST_ISSUES], library) / everything)
        if one.is_unusual(base):
            most = f"the {len(facts.others)} most frequent issues" if facts.has_more_others else "all exceptions"
            most += f" of {library}" if library else ""
            lines.append(f"{_named(one)} ({most}: {base:.0%})")
        else:
            usual.append(one.dimension)
    if usual:
        lines.append(f"nothing unusual in {', '.join(usual)}")
    return lines


def _named(one: Share) -> str:
    return f"{one.dimension} {one.value} {one.part:.0%}"


def _events(issues: list[dict[str, Any]], library: str) -> float:
    """Return the events of issues of a library: another's have other browsers and systems, or none."""
    rows = [as_object(one.get("aggregations")) for one in issues if not library or text_of(one, "library") == library]
    counts = [row.get("occurrences") for row in rows]
    return sum(one for one in counts if isinstance(one, int | float) and 0 <= one < _LARGEST_COUNT)
