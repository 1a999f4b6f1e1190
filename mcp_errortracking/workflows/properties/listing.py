"""List the properties of exceptions, or the values of one: with SQL where the key may, else in sampled events."""

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from mcp_errortracking.catalog import Outcome, Request, StepError
from mcp_errortracking.catalog.event_properties import (
    DAYS,
    MOST_VALUES,
    READ,
    Property,
    Values,
    count_with,
    query_names,
    query_values,
    sample_events,
)
from mcp_errortracking.catalog.property_names import nearest_names
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.problems import quoted

if TYPE_CHECKING:
    from mcp_errortracking.workflows.properties.tools import ListProperties

_MOST_ROWS, _MOST_OTHERS, _MOST_VALUES = 15, 20, 20
_LONGEST_VALUE, _LONGEST_NAME = 32, 60
_SHOWN_EACH = 3
_NOT_FILTERS = re.compile(
    r"\$(set|set_once|sent_at|time|ip|exception_list|exception_steps|cymbal_errors|exception_releases)|distinct_id|token"
    r"|\$feature/.*|\$active_feature_flags|\$(raw_user_agent|insert_id|process_person_profile)"
)
"""Properties that nobody filters by: they are listed only if searched for."""

Steps = Generator[Request, Any, Outcome]


async def run(call: "ListProperties", context: Context) -> Outcome:
    """Return the properties, or the values of the one that is named.

    Raises:
        PostHogError: PostHog does not answer, or the key may read neither.
    """
    steps = _properties(call.search) if call.property is None else _values(call.property, call.search)
    return await send_steps(context.sender, steps, read_only=True)


def _properties(search: str | None) -> Steps:
    try:
        found = yield from query_names()
        source = f"Counted in the latest exceptions of {DAYS} days, at most {READ:,}."
    except StepError as failure:
        sample = yield from sample_events()
        found, source = sample.properties, _sampled(failure, sample.events)
    wanted = (search or "").casefold()
    fitting = [
        one
        for one in found
        if (wanted in one.name.casefold() or any(wanted in value.casefold() for value, _ in one.values))
        and (search or not _NOT_FILTERS.fullmatch(one.name))
    ]
    fitting.sort(key=lambda one: (_is_nearly_unique(one), -one.events, one.name))
    rows = [_row(one) for one in fitting[:_MOST_ROWS]]
    others = [one.name[:_LONGEST_NAME] for one in fitting[_MOST_ROWS : _MOST_ROWS + _MOST_OTHERS]]
    rest = len(fitting) - len(rows) - len(others)
    data: dict[str, Any] = {"results": rows}
    if others:
        data["others"] = others
    notes = [source]
    if rest:
        notes.append(f"{rest} more are not named: give search.")
    if not found:
        notes.append(f"No exception in {DAYS} days.")
    elif not fitting:
        notes.append(f"None of {len(found)} properties contains this text, nor do their most common values.")
    display = {**data, "results": [{**row, "values": _shown(row["values"])} for row in rows]}
    return Outcome(data, notes, display={**display, **({"others": ", ".join(others)} if others else {})})


def _values(name: str, search: str | None) -> Steps:
    refusal: StepError | None = None
    values: Values = []
    try:
        values = yield from query_values(name)
    except StepError as failure:
        refusal = failure
    is_whole = len(values) < MOST_VALUES
    note, events = f"Counted in the exceptions of {DAYS} days.", 0
    if refusal is not None:
        sample = yield from sample_events(name)
        note = _sampled(refusal, sample.events)
        values = next((one.values for one in sample.properties if one.name == name), values)
        is_whole = False
    if not values:
        events = yield from count_with(name)
        if not events:
            return (yield from _unknown(name, refusal))
        note = f"{events} exceptions of {DAYS} days have this property, and its values cannot be read"
        note += f": {_need(refusal)}." if refusal else "."
    fitting = [(value, count) for value, count in values if (search or "").casefold() in value.casefold()]
    shown = fitting[:_MOST_VALUES]
    notes = [note]
    if len(fitting) > len(shown):
        more = "" if is_whole else " or more"
        notes.append(f"{len(fitting) - len(shown)}{more} rarer values are not shown: give search.")
    if values and not fitting:
        most_common = "" if is_whole else f" the {len(values)} most common"
        notes.append(f"None of{most_common or f' the {len(values)}'} values contains this text.")
    rows = [{"value": value, "events": count} for value, count in shown]
    return Outcome({"property": name, "results": rows}, notes)


def _unknown(name: str, refusal: StepError | None) -> Steps:
    """Return the answer for a property that no exception has: the nearest names."""
    names = list[str]()
    if refusal is None:
        try:
            names = [one.name for one in (yield from query_names())]
        except StepError:
            names = []
    near = nearest_names(name, names)
    nearest = f" Nearest: {', '.join(map(quoted, near))}." if near else ""
    none = f"No exception of {DAYS} days has the property {quoted(name)}.{nearest}"
    return Outcome({"property": name, "results": [], "nearest": near}, [none], display={"results": []})


def _row(one: Property) -> dict[str, Any]:
    shown = 1 if _is_nearly_unique(one) else _SHOWN_EACH
    values = [{"value": value, "events": count} for value, count in one.values[:shown]]
    return {"property": one.name, "events": one.events, "distinct": one.distinct, "values": values}


def _is_nearly_unique(one: Property) -> bool:
    """True if a property distinguishes single events, as an id does, so that few filter by it."""
    return 3 * one.distinct > one.events


def _shown(values: list[dict[str, Any]]) -> str:
    return ", ".join(f"{_cut(one['value'])} {one['events']}" for one in values)


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"


def _sampled(failure: StepError, events: int) -> str:
    return (
        f"From {events} sampled events of the most frequent issues of {DAYS} days, which show some properties only: "
        f"{_need(failure)}."
    )


def _need(failure: StepError) -> str:
    if failure.status == 403:
        return "to count all, the key needs the scope query:read"
    return f"PostHog refused to count all ({failure.status})"
