"""The exceptions that a rule matches in a window: counted by PostHog where it can, else estimated by samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.rules.outcomes import Outcome
from mcp_errortracking.workflows.rules.branches import Branch
from mcp_errortracking.workflows.rules.counting import Window, first_seen_of, occurrences_of
from mcp_errortracking.workflows.rules.events import SampledEvent

EVERYTHING: dict[str, Any] = {"type": "AND", "values": []}
"""Filters of a rule that matches every exception."""
MOST_EVENTS = 20
_MOST_SAMPLED = 50


@dataclass(frozen=True, slots=True)
class Case:
    """A rule, and the issues of the window that it is tried on. `everything`: their rows, the largest first."""

    kind: Kind
    filters: dict[str, Any]
    rule: Rule
    window: Window
    everything: Mapping[str, dict[str, Any]]

    @property
    def total(self) -> int:
        return sum(map(occurrences_of, self.everything.values()))

    def occurrences(self, issue: str) -> int:
        return occurrences_of(self.everything.get(issue, {}))

    def first_seen(self, issue: str) -> str:
        return first_seen_of(self.everything.get(issue, {}))

    def shown(self, issue: str) -> dict[str, Any]:
        """Return an issue as the result shows it."""
        row = self.everything.get(issue, {})
        return {"id": issue, "name": row.get("name"), "first_seen": row.get("first_seen")}

    def outcome(self, row: Mapping[str, Any]) -> Outcome:
        """Return the effect of an event of a query on the rule."""
        return SampledEvent(row, self.kind).outcome(self.rule, self.filters)


@dataclass(slots=True)
class Matched:
    """The issues that a rule matches, with the number of their exceptions.

    Attributes:
        how: in words, never a bare number.
        total, issues: all of the range, if the database counted them.
        oldest: the state of each issue's oldest exception of the range, if the database said it (`rules.hogql`).
        disabling: exceptions that would switch the rule off.
    """

    counts: dict[str, int]
    how: str
    is_exact: bool
    notes: list[str] = field(default_factory=list[str])
    total: int | None = None
    issues: int | None = None
    oldest: Mapping[str, int] | None = None
    disabling: int = 0

    @property
    def exceptions(self) -> int:
        return sum(self.counts.values())

    def largest(self) -> list[str]:
        return sorted(self.counts, key=lambda issue: -self.counts[issue])


async def count(case: Case, branches: Sequence[Branch]) -> Matched:
    """Have PostHog count the exceptions.

    Raises:
        StoppedError, PostHogError: as `Window.ask`.
    """
    return Matched(await case.window.union(branches), "exact: counted by PostHog", is_exact=True)


async def sample(case: Case) -> Matched:
    """Estimate by the newest events of the largest issues; unknown ones count on neither side.

    Raises:
        StoppedError, PostHogError: as `Window.ask`.
    """
    counts = dict[str, int]()
    seen = known = unknown = covered = 0
    why = ""
    largest = list(case.everything)[:_MOST_SAMPLED]
    for issue in largest:
        outcomes = [case.outcome(row) for row in await case.window.events(issue, limit=MOST_EVENTS)]
        decided = [one for one in outcomes if one.kind != "unknown"]
        seen, known, unknown = seen + len(outcomes), known + len(decided), unknown + len(outcomes) - len(decided)
        why = why or next((one.why for one in outcomes if one.kind == "unknown"), "")
        covered += case.occurrences(issue)
        share = sum(one.kind == "match" for one in decided) / len(decided) if decided else 0
        if share:
            counts[issue] = max(1, round(share * case.occurrences(issue)))
    percent = round(100 * covered / (case.total or 1))
    how = f"sampled: {known:,} events of {len(largest):,} issues, which have {percent} % of all"
    notes = [f"Unknown for {unknown:,} of {seen:,} sampled events: {why}."] if unknown else []
    return Matched(counts, how, is_exact=False, notes=notes)
