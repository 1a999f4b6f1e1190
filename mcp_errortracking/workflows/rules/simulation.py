"""Simulation of a rule on a range of time (rule contract 3.4): counted by PostHog where it can, else sampled."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mcp_errortracking.catalog import CATALOG, Declaration, Outcome
from mcp_errortracking.catalog.endpoint import call_of
from mcp_errortracking.catalog.filters import FilterGroup
from mcp_errortracking.catalog.queries import QueryIssues
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
from mcp_errortracking.workflows.rules.effects import effect, examples, taken_first
from mcp_errortracking.workflows.rules.exact import NoExactCountError, count_exactly, may_query
from mcp_errortracking.workflows.rules.matched import Case, Matched, count, sample
from mcp_errortracking.workflows.rules.stored_rules import StoredRule, stored_rule
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
    listed = await send_steps(context.sender, rules_from(_list_path(call.kind)), read_only=True)
    rules = list(map(stored_rule, listed))
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
        simulated = _Simulation(call, counted, filters, order_key, rate, rules)
        data, more = await simulated.run(exact=may_query(context.scopes and await context.scopes()))
    except PostHogError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise _cannot_simulate() from None
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


def _rule(call: "SimulateRule", rules: Sequence[StoredRule]) -> tuple[dict[str, Any], float | None, float | None]:
    """Return the filters, the position and the sampling rate that are simulated."""
    if call.filters is not None:
        return call.filters.as_sent(), call.order_key, call.sampling_rate
    found = next((rule for rule in rules if rule.id == str(call.id)), None)
    if found is None:
        raise WorkflowError(
            "unknown_rule",
            f"There is no {call.kind} rule with this id; it may be of another kind.",
            next_step=f"List them with error-tracking-{call.kind}-rules-list.",
        )
    if found.filters is None:
        raise WorkflowError(
            "unknown_form",
            "PostHog holds the filters of this rule in a form that is not known here, so it cannot be simulated.",
            next_step=f"See them with error-tracking-{call.kind}-rules-list, and simulate filters.",
        )
    key = found.order_key if call.order_key is None else call.order_key
    rate = found.sampling_rate if call.sampling_rate is None else call.sampling_rate
    return found.filters, key, rate


@dataclass(slots=True)
class _Simulation:
    """The simulation of one rule: its filters, its position, its sampling rate, and the rules of its kind."""

    call: "SimulateRule"
    window: Window
    filters: dict[str, Any]
    order_key: float | None
    rate: float | None
    rules: Sequence[StoredRule]
    notes: list[str] = field(default_factory=list[str])

    async def run(self, *, exact: bool) -> tuple[dict[str, Any], list[str]]:
        """Return the data of the result, as far as requests suffice, and notes on it.

        Args:
            exact: the key may ask the database.
        """
        everything = await self._issues(exact)
        case = Case(self.call.kind, self.filters, Rule(self.filters, self.call.kind), self.window, everything or {})
        matched = await self._count_exactly(case) if exact else None
        if everything is None:
            if matched is None:
                raise _cannot_simulate()
            self.notes.append("This PostHog has no queries about issues: only numbers are known.")
            return self._numbers(case, matched), [*self.notes, *matched.notes]
        branches: list[Branch] | None = None
        try:
            branches = branches_of(self.filters)
        except NotCountableError as error:
            if matched is None:
                self.notes.append(f"PostHog cannot count these filters: {error}.")
        try:
            matched = matched or (await sample(case) if branches is None else await count(case, branches))
        except StoppedError:
            return {"exceptions": f"unknown of {case.total:,}"}, self.notes
        is_counted = matched.total is None and branches is not None
        self.notes += [*matched.notes, *(caveats(branches) if is_counted and branches else [])]
        data = self._numbers(case, matched)
        try:
            data |= await effect(case, matched, self.rate)
            data["examples"] = await examples(case, matched, branches)
            if self.call.kind != "bypass" and (taken := await self._taken_first(case, matched, branches)):
                data["taken_first"] = taken
        except StoppedError:
            pass  # what is known is the result; the caller says why it is incomplete
        return data, self.notes

    async def _issues(self, exact: bool) -> dict[str, dict[str, Any]] | None:
        """Return the rows of all issues; None if this PostHog has no such query, and the database may be asked."""
        try:
            return await self.window.issues(None)
        except PostHogError as error:
            if error.status == HTTPStatus.NOT_FOUND and exact:
                return None
            raise

    async def _count_exactly(self, case: Case) -> Matched | None:
        """Have the database count; None if it did not, of which a note says the reason."""
        try:
            return await count_exactly(case)
        except (NoExactCountError, PostHogError) as error:
            self._note_on_database(error)
            return None

    async def _taken_first(
        self, case: Case, matched: Matched, branches: Sequence[Branch] | None
    ) -> list[dict[str, Any]]:
        others = [rule for rule in self.rules if rule.id != str(self.call.id)]
        if matched.total is not None:
            try:
                return await taken_first(case, others, self.order_key, in_hogql=True)
            except (NoExactCountError, PostHogError) as error:
                self._note_on_database(error)
        return [] if branches is None else await taken_first(case, others, self.order_key, in_hogql=False)

    def _note_on_database(self, error: Exception) -> None:
        why = f"PostHog answered {error.status}" if isinstance(error, PostHogError) and error.status else str(error)
        self.notes.append(f"The database was not asked for exact numbers, or did not give them: {why.rstrip('.')}.")

    def _numbers(self, case: Case, matched: Matched) -> dict[str, Any]:
        exceptions = case.total if matched.total is None else matched.total
        issues = len(case.everything) if matched.issues is None else matched.issues
        data: dict[str, Any] = {}
        if matched.disabling:
            data["outcome"] = "disabled"
            self.notes.append(
                f"PostHog would switch this rule off at the first of {matched.disabling:,} exceptions without a number "
                "where the rule compares numbers."
            )
        data["exceptions"] = f"{matched.exceptions:,} of {exceptions:,} ({matched.how})"
        data["issues"] = f"{len(matched.counts):,} of {issues:,}"
        data["matching"] = {
            "exceptions": matched.exceptions,
            "issues": len(matched.counts),
            "exact": matched.is_exact,
        }
        return data


def _cannot_simulate() -> WorkflowError:
    return WorkflowError(
        "cannot_simulate",
        "This PostHog cannot be asked: it has no queries about issues, so the rule cannot be simulated.",
        next_step="Try the filters on an event that you have: mcp-errortracking rules match.",
    )


def _window(call: "SimulateRule") -> dict[str, str]:
    """Return the range as absolute times, so that all requests are about the same events."""
    now = datetime.now(UTC)
    given = call.dateRange
    begin = (given and given.date_from) or f"-{_DAYS}d"
    end = (given and given.date_to) or in_seconds(now)
    window = {"date_from": _absolute(begin, now), "date_to": end}
    if call_of(QueryIssues, {"dateRange": window}) is None:
        raise WorkflowError(
            "empty_range",
            f"The range has no events: date_from {window['date_from']} does not lie before its end, {end}.",
            next_step="Give an earlier date_from, or no dateRange for the last 7 days.",
        )
    return window


def _last_days() -> dict[str, str]:
    now = datetime.now(UTC)
    return {"date_from": in_seconds(now - timedelta(days=_DAYS)), "date_to": in_seconds(now)}


def _absolute(text: str, now: datetime) -> str:
    unit = _UNITS.get(text[-1:])
    if not (text.startswith("-") and unit and text[1:-1].isdecimal() and len(text) < 7):
        return text
    return in_seconds(now - timedelta(**{unit: int(text[1:-1])}))


def _list_path(kind: Kind) -> str:
    return CATALOG[f"error-tracking-{kind}-rules-list"]().request().path


async def _silent(_done: float, _total: float | None, _doing: str) -> None:
    """Drop the progress."""
