"""The effect of a rule on what it matches: by its kind, by examples, and after the rules before it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.rules.hogql import MATCH, UNKNOWN
from mcp_errortracking.workflows.rules.branches import Branch, NotCountableError, branches_of
from mcp_errortracking.workflows.rules.events import SampledEvent
from mcp_errortracking.workflows.rules.exact import UNKNOWN_FORM, overlaps
from mcp_errortracking.workflows.rules.matched import MOST_EVENTS, Case, Matched
from mcp_errortracking.workflows.rules.stored_rules import StoredRule
from mcp_errortracking.workflows.times import moment_of

_EXAMPLES = 3
_MOST_EARLIER = 20
_MOST_OLDEST = 30
_NEVER = datetime.min.replace(tzinfo=UTC)


async def effect(case: Case, matched: Matched, rate: float | None) -> dict[str, Any]:
    """Return what a rule of this kind would have done with what it matches.

    Args:
        rate: the sampling rate of a suppression rule; None is 1.

    Raises:
        StoppedError, PostHogError: as `Window.ask`.
    """
    if case.kind == "suppression":
        return _lost(case, matched, 1 if rate is None else rate)
    if case.kind == "grouping":
        return {
            "would_become_one": f"exceptions of {len(matched.counts):,} issues, from the creation of the rule on; "
            "those with a fingerprint of the client stay apart"
        }
    if case.kind == "bypass":
        return {"would_bypass": f"{matched.exceptions:,} stored exceptions; dropped ones are not known"}
    return await _new_issues(case, matched)


def _lost(case: Case, matched: Matched, share: float) -> dict[str, Any]:
    """Return what a suppression rule would have dropped."""
    dropped = round(matched.exceptions * share)
    lost: dict[str, Any] = {"would_drop": f"{dropped:,} exceptions ({share:.0%} of those that match)"}
    if newest := max(matched.counts, key=case.first_seen, default=""):
        lost["newest_issue_lost"] = case.shown(newest)
    whole = sum(count >= case.occurrences(issue) for issue, count in matched.counts.items())
    return {**lost, "issues_without_any_exception_left": f"{whole:,}" if share >= 1 else "0"}


async def _new_issues(case: Case, matched: Matched) -> dict[str, Any]:
    """Return the new issues whose first exception the rule matches: these it would have taken."""
    begin = _moment(str(case.window.dates["date_from"]))
    new = [issue for issue in matched.counts if _moment(case.first_seen(issue)) >= begin]
    taken, unknown, unchecked = list[str](), 0, 0
    if matched.oldest is not None:
        taken = [issue for issue in new if matched.oldest[issue] == MATCH]
        unknown = sum(matched.oldest[issue] == UNKNOWN for issue in new)
    else:
        for issue in new[:_MOST_OLDEST]:
            for row in await case.window.events(issue, limit=1, oldest=True):
                outcome = case.outcome(row)
                taken += [issue] if outcome.kind == "match" else []
                unknown += outcome.kind == "unknown"
        unchecked = len(new) - min(len(new), _MOST_OLDEST)
    text = f"{len(taken):,} of {len(new):,} new issues that have matching exceptions, by their first exception"
    if unknown or unchecked:
        text += f" ({unknown:,} unknown, {unchecked:,} not checked)"
    name = "would_assign" if case.kind == "assignment" else "would_set_the_severity_of"
    return {name: text, "new_issues": [case.shown(issue) for issue in taken[:5]]}


async def examples(case: Case, matched: Matched, branches: Sequence[Branch] | None) -> list[dict[str, Any]]:
    """Return an event of each of the largest matching issues, and which conditions hold for it.

    Raises:
        StoppedError, PostHogError: as `Window.ask`.
    """
    branch = branches[0] if branches and len(branches) == 1 else None
    limit = 1 if branch else MOST_EVENTS
    found = list[dict[str, Any]]()
    for issue in matched.largest()[:_EXAMPLES]:
        try:
            rows = await case.window.events(issue, limit=limit, branch=branch)
        except PostHogError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            continue  # the issue is gone since it was counted
        matching = next((row for row in rows if branch or case.outcome(row).kind == "match"), None)
        held = [] if matching is None else SampledEvent(matching, case.kind).held(case.filters)
        shown = {"exceptions": matched.counts[issue], "holds": "; ".join(held) or "not shown by its newest events"}
        found.append({"issue": case.shown(issue), **shown})
    return found


async def taken_first(
    case: Case, rules: Sequence[StoredRule], order_key: float | None, *, in_hogql: bool
) -> list[dict[str, Any]]:
    """Return the earlier rules that match some of the same exceptions, which they take first.

    Args:
        rules: the others of the kind.
        order_key: the position of the rule; None: the last one.
        in_hogql: the database counted what the rule matches, and is asked again.

    Raises:
        NoExactCountError: it was asked, and did not answer.
        StoppedError, PostHogError: as `Window.ask`.
    """
    earlier = [rule for rule in rules if rule.is_enabled and (order_key is None or rule.order_key <= order_key)]
    earlier = sorted(earlier, key=lambda rule: rule.place)[:_MOST_EARLIER]
    counts = [await _shared(case, rule) for rule in earlier] if not in_hogql else await overlaps(case, earlier)
    found = list[dict[str, Any]]()
    for rule, counted in zip(earlier, counts, strict=True):
        row: dict[str, Any] = {"rule": rule.id, "order_key": rule.order_key}
        if isinstance(counted, str):
            found.append({**row, "takes_first": f"unknown: {counted}"})
            continue
        count, undecided = counted
        if count or undecided:
            is_same = order_key is not None and rule.order_key == order_key
            same = " (same position: PostHog does not define which runs first)" if is_same else ""
            more = f", and perhaps {undecided:,} more" if undecided else ""
            found.append({**row, "takes_first": f"{count:,} of the matching exceptions{more}{same}"})
    return found


async def _shared(case: Case, rule: StoredRule) -> tuple[int, int] | str:
    """Return how many exceptions an earlier rule matches too; the text says why that is not known."""
    if rule.filters is None:
        return UNKNOWN_FORM
    both = {"type": "AND", "values": [rule.filters, case.filters]}
    try:
        shared = branches_of(both)
    except NotCountableError as error:
        return str(error)
    return sum((await case.window.union(shared)).values()), 0


def _moment(text: str) -> datetime:
    return moment_of(text) or _NEVER
