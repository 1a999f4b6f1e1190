"""Counts by PostHog's database of the exceptions that a rule matches, for any tree of conditions it can evaluate.

It takes a key with `query:read`. The queries give each stored event the outcome that ingestion would (`rules.hogql`),
so they also find the events that would switch the rule off, and those that the database cannot decide.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from mcp_errortracking.catalog.endpoint import uuid_of
from mcp_errortracking.rules.hogql import DISABLED, MATCH, UNKNOWN, NotTranslatableError, States, query_of
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.workflows.rules.counting import Window
from mcp_errortracking.workflows.rules.matched import Case, Matched
from mcp_errortracking.workflows.rules.stored_rules import StoredRule

SCOPE = "query:read"
UNKNOWN_FORM = "its filters have a form that is not known here"
_MOST_ISSUES = 10_000
BY_ISSUE = (  # values are sent apart
    "SELECT toString(issue) AS id, count() AS total, "  # noqa: S608
    f"countIf(state = {MATCH}) AS matched, countIf(state = {UNKNOWN}) AS undecided, "
    f"countIf(state = {DISABLED}) AS disabling, argMin(state, time) AS oldest "
    f"FROM {{source}} GROUP BY id ORDER BY matched DESC LIMIT {_MOST_ISSUES}"
)
_UNDECIDED = (
    "the database evaluates them otherwise than ingestion does (letters beyond ASCII, fractions, arrays, long data)"
)


class NoExactCountError(Exception):
    """The database gave no number; the text says why, as a part of a sentence."""


def may_query(scopes: Collection[str] | None) -> bool:
    """True if a key with these scopes may send HogQL."""
    return scopes is not None and not {"*", SCOPE}.isdisjoint(scopes)


async def count_exactly(case: Case) -> Matched:
    """Have PostHog's database count the exceptions.

    Raises:
        NoExactCountError: it cannot, or did not.
        StoppedError: as `Window.ask`.
    """
    states = States(case.kind)
    try:
        written = states.of(case.filters)
        query = query_of(states, {"state": written}, BY_ISSUE, *_range(case.window))
    except NotTranslatableError as error:
        raise NoExactCountError(str(error)) from None
    rows = [_Row(row) for row in await _rows(case.window, query.as_sent(), 6)]
    if len(rows) >= _MOST_ISSUES:
        raise NoExactCountError(f"more than {_MOST_ISSUES:,} issues have exceptions in this range")
    matched = Matched(
        {row.issue: row.matched for row in rows if row.issue and row.matched},
        "exact: counted by PostHog in HogQL",
        is_exact=True,
        total=sum(row.total for row in rows),
        issues=sum(bool(row.issue) for row in rows),
        oldest={row.issue: row.oldest for row in rows},
        disabling=sum(row.disabling for row in rows),
    )
    if undecided := sum(row.undecided for row in rows):
        matched.how, matched.is_exact = f"counted by PostHog in HogQL, which does not decide {undecided:,}", False
        matched.notes.append(f"Unknown for {undecided:,} exceptions: {_UNDECIDED}.")
    if lonely := sum(row.matched for row in rows if not row.issue):
        matched.notes.append(f"{lonely:,} more exceptions match and belong to no issue; they are not counted.")
    return matched


async def overlaps(case: Case, rules: Sequence[StoredRule]) -> list[tuple[int, int] | str]:
    """Return how many of the exceptions that a case matches each rule matches, and how many it may; or why not.

    Raises:
        NoExactCountError: the database cannot say it of any, or did not.
        StoppedError: as `Window.ask`.
    """
    if not rules:
        return []
    states, written, why = States(case.kind), dict[str, str](), list[str]()
    selected = list[str]()
    try:
        written["state"] = states.of(case.filters)
        for number, rule in enumerate(rules):
            why.append(_add(states, written, rule, case.kind, f"state{number}"))
            for state in (MATCH, UNKNOWN):
                own = f"(state{number} = {state})" if not why[-1] else "(0 = 1)"
                selected.append(f"countIf((state = {MATCH}) AND {own}) AS n{len(selected)}")
        select = f"SELECT {', '.join(selected)} FROM {{source}}"  # values are sent apart  # noqa: S608
        query = query_of(states, written, select, *_range(case.window))
    except NotTranslatableError as error:
        raise NoExactCountError(str(error)) from None
    rows = await _rows(case.window, query.as_sent(), len(selected))
    counts = [_number(value) for row in rows for value in row]
    if len(rows) != 1:
        _not_rows()
    return [reason or (counts[2 * number], counts[2 * number + 1]) for number, reason in enumerate(why)]


def _add(states: States, written: dict[str, str], rule: StoredRule, kind: str, name: str) -> str:
    """Add the state under a rule; return why there is none, "" if there is."""
    if rule.filters is None:
        return UNKNOWN_FORM
    constant = Rule(rule.filters, kind).constant
    if constant is not None and constant.kind != "match":
        return f"it is {constant.kind}"
    try:
        written[name] = states.of(rule.filters)
    except NotTranslatableError as error:
        return str(error)
    return ""


async def _rows(window: Window, query: Mapping[str, Any], width: int) -> list[list[Any]]:
    answer = await window.hogql(query)
    results: Any = answer.get("results")
    if not isinstance(results, list) or not all(isinstance(row, list) and len(row) == width for row in results):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        _not_rows()
    return results  # pyright: ignore[reportUnknownVariableType]


def _not_rows() -> NoReturn:
    raise NoExactCountError("PostHog did not answer with the rows that were asked for")


class _Row:
    """A row of the query by issue. `issue`: "" for exceptions without one."""

    def __init__(self, row: Sequence[Any]) -> None:
        self.issue = "" if row[0] is None else uuid_of(row[0]) or _not_rows()
        self.total, self.matched, self.undecided, self.disabling, self.oldest = map(_number, row[1:])


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _not_rows()
    return value


def _range(window: Window) -> tuple[datetime, datetime]:
    """Return the range of a window as moments.

    Raises:
        NoExactCountError: it is written in a way that only PostHog's other queries read.
    """
    begin, end = window.moments
    if begin is None or end is None:
        raise NoExactCountError("the range is not given as two moments with a time and a zone")
    return begin, end
