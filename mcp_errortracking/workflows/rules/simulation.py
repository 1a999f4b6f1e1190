"""Simulation of a rule on a range of time (rule contract 3.4): counted by PostHog where it can, else sampled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mcp_errortracking.catalog import CATALOG, Declaration, Outcome
from mcp_errortracking.catalog.filters import FilterGroup
from mcp_errortracking.catalog.rules import rules_from
from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.rules.events import ARRAY_KEYS, KINDS, Event
from mcp_errortracking.rules.lint import lint
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.rules.rule_set import position_of
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.rules.branches import Branch, NotCountableError, branches_of, caveats
from mcp_errortracking.workflows.rules.counting import StoppedError, Window, first_seen_of, occurrences_of
from mcp_errortracking.workflows.rules.events import SampledEvent

if TYPE_CHECKING:
    from mcp_errortracking.workflows.rules.tools import SimulateRule

_MOST_REQUESTS = 100
_MOST_SAMPLED = 50
_EVENTS = 20
_EXAMPLES = 3
_MOST_EARLIER = 20
_MOST_OLDEST = 30
_DAYS = 7
_ANY_EVENT = Event({key: ["x"] for key in ARRAY_KEYS})
_EVERYTHING: dict[str, Any] = {"type": "AND", "values": []}
_RULE_TOOLS = tuple(f"error-tracking-{kind}-rules-" for kind in KINDS)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(slots=True)
class _Matched:
    """The issues that a rule matches, with the number of their exceptions. `how`: in words, never a bare number."""

    counts: dict[str, int]
    how: str
    is_exact: bool
    notes: list[str] = field(default_factory=list[str])

    @property
    def exceptions(self) -> int:
        return sum(self.counts.values())

    def largest(self) -> list[str]:
        return sorted(self.counts, key=lambda issue: -self.counts[issue])


async def run(call: "SimulateRule", context: Context) -> Outcome:
    """Simulate a rule.

    Raises:
        WorkflowError: the rule does not exist, or this PostHog cannot be asked.
        PostHogError: PostHog refused a request, or did not answer.
    """
    rules = await send_steps(context.sender, rules_from(_list_path(call.kind)), read_only=True)
    filters, order_key, rate = _rule(call, rules)
    findings = lint(filters, call.kind, sampling_rate=rate)
    verdict = Rule(filters, call.kind).match(_ANY_EVENT)
    notes = [str(finding) for finding in findings[:5]]
    head: dict[str, Any] = {"kind": call.kind, "window": (window := _window(call)), "filters": filters}
    if verdict.kind in ("refused", "disabled") or any(finding.level == "error" for finding in findings):
        head["outcome"] = "refused" if verdict.kind == "refused" else "disabled"
        notes = notes or [f"{verdict.why}."]
        return Outcome(head, [*notes, "Nothing was counted: PostHog does not evaluate such a rule."])
    counted = Window(context.sender, window, context.progress, _MOST_REQUESTS - 1)
    try:
        data, more = await _simulate(call, counted, filters, order_key, rate, rules)
    except PostHogError as error:
        if error.status != 404:
            raise
        raise WorkflowError(
            "cannot_simulate",
            "This PostHog cannot be asked: it has no queries about issues, so the rule cannot be simulated.",
            next_step="Try the filters on an event that you have: mcp-errortracking rules match.",
        ) from None
    if counted.stopped:
        more.append(f"Incomplete: {counted.stopped}, after {counted.made} requests.")
    if counted.is_cut:
        more.append("Only the 1,000 issues with most exceptions were read.")
    return Outcome({**head, **data, "requests": counted.made + 1}, [*notes, *more])


async def effect_of(call: Declaration, sender: Sender) -> str:
    """Return in a sentence what the new filters of a rule matched in the last days.

    Empty for another call, and if PostHog cannot say it in a few requests.
    """
    filters: FilterGroup | None = getattr(call, "filters", None)
    if filters is None or not call.tool.startswith(_RULE_TOOLS):
        return ""
    try:
        branches = branches_of(filters.as_sent())
        if len(branches) > 1:
            return ""
        window = Window(sender, _last_days(), _silent, 5)
        total = sum(map(occurrences_of, (await window.issues(None)).values()))
        counts = await window.union(branches)
    except (NotCountableError, StoppedError, PostHogError):
        return ""
    return (
        f"In the last {_DAYS} days these filters match {sum(counts.values()):,} of {total:,} exceptions, "
        f"of {len(counts):,} issues."
    )


def _rule(
    call: "SimulateRule", rules: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], float | None, float | None]:
    """Return the filters, the position and the sampling rate that are simulated."""
    if call.filters is not None:
        return call.filters.as_sent(), call.order_key, call.sampling_rate
    found = next((rule for rule in rules if rule.get("id") == str(call.id)), None)
    if found is None:
        raise WorkflowError(
            "unknown_rule",
            f"There is no {call.kind} rule with this id; it may be of another kind.",
            next_step=f"List them with error-tracking-{call.kind}-rules-list.",
        )
    key = found.get("order_key") if call.order_key is None else call.order_key
    rate = found.get("sampling_rate") if call.sampling_rate is None else call.sampling_rate
    return dict(found.get("filters") or _EVERYTHING), key, rate


async def _simulate(
    call: "SimulateRule",
    window: Window,
    filters: dict[str, Any],
    order_key: float | None,
    rate: float | None,
    rules: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], list[str]]:
    everything = await window.issues(None)
    total = sum(map(occurrences_of, everything.values()))
    data: dict[str, Any] = {}
    notes = list[str]()
    try:
        branches: list[Branch] | None = branches_of(filters)
    except NotCountableError as error:
        branches = None
        notes.append(f"PostHog cannot count these filters: {error}.")
    try:
        if branches is not None:
            matched = _Matched(await window.union(branches), "exact: counted by PostHog", is_exact=True)
            notes += caveats(branches)
        else:
            matched = await _sampled(call, window, filters, everything)
    except StoppedError:
        return {"exceptions": f"unknown of {total:,}"}, notes
    notes += matched.notes
    data["exceptions"] = f"{matched.exceptions:,} of {total:,} ({matched.how})"
    data["issues"] = f"{len(matched.counts):,} of {len(everything):,}"
    data["matching"] = {"exceptions": matched.exceptions, "issues": len(matched.counts), "exact": matched.is_exact}
    try:
        data |= await _effect(call, window, filters, matched, everything, rate)
        data["examples"] = await _examples(call, window, filters, matched, branches, everything)
        taken = await _taken_before(call, window, filters, branches, order_key, rules)
    except StoppedError:
        return data, notes
    if taken:
        data["taken_first"] = taken
    return data, notes


async def _sampled(
    call: "SimulateRule", window: Window, filters: dict[str, Any], everything: Mapping[str, dict[str, Any]]
) -> _Matched:
    """Estimate by the newest events of the largest issues; unknown ones count on neither side."""
    rule, counts = Rule(filters, call.kind), dict[str, int]()
    seen = known = unknown = covered = 0
    why = ""
    largest = list(everything)[:_MOST_SAMPLED]
    for issue in largest:
        outcomes = [
            SampledEvent(row, call.kind).outcome(rule, filters) for row in await window.events(issue, limit=_EVENTS)
        ]
        decided = [one for one in outcomes if one.kind != "unknown"]
        seen, known, unknown = seen + len(outcomes), known + len(decided), unknown + len(outcomes) - len(decided)
        why = why or next((one.why for one in outcomes if one.kind == "unknown"), "")
        covered += occurrences_of(everything[issue])
        share = sum(one.kind == "match" for one in decided) / len(decided) if decided else 0
        if share:
            counts[issue] = max(1, round(share * occurrences_of(everything[issue])))
    total = sum(map(occurrences_of, everything.values())) or 1
    how = f"sampled: {known:,} events of {len(largest):,} issues, which have {round(100 * covered / total)} % of all"
    notes = [f"Unknown for {unknown:,} of {seen:,} sampled events: {why}."] if unknown else []
    return _Matched(counts, how, is_exact=False, notes=notes)


async def _effect(
    call: "SimulateRule",
    window: Window,
    filters: dict[str, Any],
    matched: _Matched,
    everything: Mapping[str, dict[str, Any]],
    rate: float | None,
) -> dict[str, Any]:
    """Return what a rule of this kind would have done with what it matches."""
    if call.kind == "suppression":
        share = 1 if rate is None else rate
        dropped = round(matched.exceptions * share)
        newest = max(matched.counts, key=lambda issue: first_seen_of(everything.get(issue, {})), default="")
        lost: dict[str, Any] = {"would_drop": f"{dropped:,} exceptions ({share:.0%} of those that match)"}
        if newest:
            lost["newest_issue_lost"] = _shown(newest, everything)
        whole = [issue for issue in matched.counts if matched.counts[issue] >= _events_of(issue, everything)]
        return {**lost, "issues_without_any_exception_left": f"{len(whole):,}" if share >= 1 else "0"}
    if call.kind == "grouping":
        return {
            "would_become_one": f"exceptions of {len(matched.counts):,} issues, from the creation of the rule on; "
            "those with a fingerprint of the client stay apart"
        }
    if call.kind == "bypass":
        return {"would_bypass": f"{matched.exceptions:,} stored exceptions; dropped ones are not known"}
    return await _new_issues(call, window, filters, matched, everything)


async def _new_issues(
    call: "SimulateRule",
    window: Window,
    filters: dict[str, Any],
    matched: _Matched,
    everything: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """Return the new issues whose first exception the rule matches: these it would have taken."""
    begin = str(window.dates["date_from"])
    new = [one for one in matched.counts if _time(first_seen_of(everything.get(one, {}))) >= _time(begin)]
    rule, taken, unknown = Rule(filters, call.kind), list[str](), 0
    for issue in new[:_MOST_OLDEST]:
        for row in await window.events(issue, limit=1, oldest=True):
            outcome = SampledEvent(row, call.kind).outcome(rule, filters)
            taken += [issue] if outcome.kind == "match" else []
            unknown += outcome.kind == "unknown"
    verb = "assign" if call.kind == "assignment" else "set the severity of"
    checked = min(len(new), _MOST_OLDEST)
    text = f"{len(taken):,} of {len(new):,} new issues that have matching exceptions, by their first exception"
    if unknown or checked < len(new):
        text += f" ({unknown:,} unknown, {len(new) - checked:,} not checked)"
    return {f"would_{verb.replace(' ', '_')}": text, "new_issues": [_shown(issue, everything) for issue in taken[:5]]}


async def _examples(
    call: "SimulateRule",
    window: Window,
    filters: dict[str, Any],
    matched: _Matched,
    branches: Sequence[Branch] | None,
    everything: Mapping[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return an event of each of the largest matching issues, and which conditions hold for it."""
    rule, examples = Rule(filters, call.kind), list[dict[str, Any]]()
    for issue in matched.largest()[:_EXAMPLES]:
        branch = branches[0] if branches and len(branches) == 1 else None
        events = [
            SampledEvent(row, call.kind)
            for row in await window.events(issue, limit=1 if branch else _EVENTS, branch=branch)
        ]
        matching = [one for one in events if branch or one.outcome(rule, filters).kind == "match"]
        held = matching[0].held(filters) if matching else []
        row = {"exceptions": matched.counts[issue], "holds": "; ".join(held) or "not shown by its newest events"}
        examples.append({"issue": _shown(issue, everything), **row})
    return examples


async def _taken_before(
    call: "SimulateRule",
    window: Window,
    filters: dict[str, Any],
    branches: Sequence[Branch] | None,
    order_key: float | None,
    rules: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return the earlier rules that match some of the same exceptions, which they take first."""
    if branches is None or call.kind == "bypass":
        return []
    earlier = [rule for rule in rules if rule.get("disabled_data") is None and rule.get("id") != str(call.id)]
    if order_key is not None:
        earlier = [rule for rule in earlier if (rule.get("order_key") or 0) <= order_key]
    found = list[dict[str, Any]]()
    for rule in sorted(earlier, key=position_of)[:_MOST_EARLIER]:
        row: dict[str, Any] = {"rule": rule.get("id"), "order_key": rule.get("order_key")}
        both = {"type": "AND", "values": [rule.get("filters") or _EVERYTHING, filters]}
        try:
            shared = branches_of(both)
        except NotCountableError as error:
            found.append({**row, "takes_first": f"unknown: {error}"})
            continue
        count = sum((await window.union(shared)).values())
        if count:
            same = " (same position: PostHog does not define which runs first)" if _same(rule, order_key) else ""
            found.append({**row, "takes_first": f"{count:,} of the matching exceptions{same}"})
    return found


def _same(rule: Mapping[str, Any], order_key: float | None) -> bool:
    return order_key is not None and rule.get("order_key") == order_key


def _shown(issue: str, everything: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    row = everything.get(issue, {})
    return {"id": issue, "name": row.get("name"), "first_seen": row.get("first_seen")}


def _events_of(issue: str, everything: Mapping[str, dict[str, Any]]) -> int:
    return occurrences_of(everything.get(issue, {}))


def _window(call: "SimulateRule") -> dict[str, str]:
    """Return the range as absolute times, so that all requests are about the same events."""
    now = datetime.now(UTC)
    given = call.dateRange
    begin = (given and given.date_from) or f"-{_DAYS}d"
    end = (given and given.date_to) or _iso(now)
    return {"date_from": _absolute(begin, now), "date_to": end}


def _last_days() -> dict[str, str]:
    now = datetime.now(UTC)
    return {"date_from": _iso(now - timedelta(days=_DAYS)), "date_to": _iso(now)}


def _absolute(text: str, now: datetime) -> str:
    unit = _UNITS.get(text[-1:])
    if not (text.startswith("-") and unit and text[1:-1].isdigit() and len(text) < 7):
        return text
    return _iso(now - timedelta(**{unit: int(text[1:-1])}))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _list_path(kind: Kind) -> str:
    return CATALOG[f"error-tracking-{kind}-rules-list"]().request().path


async def _silent(_done: float, _total: float | None, _doing: str) -> None:
    """Drop the progress."""
