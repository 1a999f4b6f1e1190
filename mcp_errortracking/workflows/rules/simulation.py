"""Simulation of a rule on a range of time (rule contract 3.4): counted by PostHog where it can, else sampled."""

from collections.abc import Mapping, Sequence
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
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.rules.branches import Branch, NotCountableError, branches_of, caveats
from mcp_errortracking.workflows.rules.counting import StoppedError, Window, occurrences_of
from mcp_errortracking.workflows.rules.effects import EVERYTHING, effect, examples, taken_first
from mcp_errortracking.workflows.rules.matched import Case, count, sample
from mcp_errortracking.workflows.times import in_seconds

if TYPE_CHECKING:
    from mcp_errortracking.workflows.rules.tools import SimulateRule

_MOST_REQUESTS = 100
_DAYS = 7
_ANY_EVENT = Event({key: ["x"] for key in ARRAY_KEYS})
_RULE_TOOLS = tuple(f"error-tracking-{kind}-rules-" for kind in KINDS)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


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
    return dict(found.get("filters") or EVERYTHING), key, rate


async def _simulate(
    call: "SimulateRule",
    window: Window,
    filters: dict[str, Any],
    order_key: float | None,
    rate: float | None,
    rules: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], list[str]]:
    """Return the data of the result, as far as requests suffice, and notes on it."""
    case = Case(call.kind, filters, Rule(filters, call.kind), window, await window.issues(None))
    data: dict[str, Any] = {}
    notes = list[str]()
    branches: list[Branch] | None = None
    try:
        branches = branches_of(filters)
    except NotCountableError as error:
        notes.append(f"PostHog cannot count these filters: {error}.")
    try:
        matched = await sample(case) if branches is None else await count(case, branches)
    except StoppedError:
        return {"exceptions": f"unknown of {case.total:,}"}, notes
    notes += matched.notes if branches is None else caveats(branches)
    data["exceptions"] = f"{matched.exceptions:,} of {case.total:,} ({matched.how})"
    data["issues"] = f"{len(matched.counts):,} of {len(case.everything):,}"
    data["matching"] = {"exceptions": matched.exceptions, "issues": len(matched.counts), "exact": matched.is_exact}
    try:
        data |= await effect(case, matched, rate)
        data["examples"] = await examples(case, matched, branches)
        if branches is not None and call.kind != "bypass":
            others = [rule for rule in rules if rule.get("id") != str(call.id)]
            if taken := await taken_first(case, others, order_key):
                data["taken_first"] = taken
    except StoppedError:
        pass  # what is known is the result; the caller says why it is incomplete
    return data, notes


def _window(call: "SimulateRule") -> dict[str, str]:
    """Return the range as absolute times, so that all requests are about the same events."""
    now = datetime.now(UTC)
    given = call.dateRange
    begin = (given and given.date_from) or f"-{_DAYS}d"
    end = (given and given.date_to) or in_seconds(now)
    return {"date_from": _absolute(begin, now), "date_to": end}


def _last_days() -> dict[str, str]:
    now = datetime.now(UTC)
    return {"date_from": in_seconds(now - timedelta(days=_DAYS)), "date_to": in_seconds(now)}


def _absolute(text: str, now: datetime) -> str:
    unit = _UNITS.get(text[-1:])
    if not (text.startswith("-") and unit and text[1:-1].isdigit() and len(text) < 7):
        return text
    return in_seconds(now - timedelta(**{unit: int(text[1:-1])}))


def _list_path(kind: Kind) -> str:
    return CATALOG[f"error-tracking-{kind}-rules-list"]().request().path


async def _silent(_done: float, _total: float | None, _doing: str) -> None:
    """Drop the progress."""
