"""Watch an issue: look at its counts and status, one request each time, until they change or the time is up."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import PAGE, as_object, number_of, text_of
from mcp_errortracking.catalog.queries import QueryIssue
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.deploys.poisson import Certainty, certainty
from mcp_errortracking.workflows.issue_watch.cursor import Cursor
from mcp_errortracking.workflows.issue_watch.tools import DEFAULT_WAIT
from mcp_errortracking.workflows.times import in_seconds

if TYPE_CHECKING:
    from mcp_errortracking.workflows.issue_watch.tools import WatchIssue

_DAY = 24 * 3600
"""Seconds before the first look whose events are the usual rate."""
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 5.0, 30.0, 1.5
_MARGIN = 5.0
"""Seconds that are left of a call's time limit for the last look and the answer."""
_LEAST_SPIKE, _SPIKE_TIMES = 10, 3
_LARGEST_COUNT = 10**15 - 1
_GIVES_UP = (400, 401, 403, 404)
"""Answers that another look would get too."""


@dataclass(frozen=True, slots=True)
class Look:
    """The answer of one request."""

    at: int
    count: int
    status: str
    last_seen: str
    release: str


async def run(call: "WatchIssue", context: Context) -> Outcome:
    """Return the changes since the cursor, at once if there are any; else wait for them."""
    began = time.monotonic()
    wait = DEFAULT_WAIT if call.wait is None else call.wait
    limit = min(wait, anyio.current_effective_deadline() - anyio.current_time() - _MARGIN)
    identity = str(call.id)
    now = time.time()
    cursor = Cursor.read(call.cursor, identity, now) if call.cursor else None
    begin = cursor.begin if cursor else int(now) - _DAY
    look = await _look(context, identity, begin)
    looks, notes = 1, list[str]()
    cursor = cursor or Cursor(identity, begin, look.at, look.count, look.count, look.status)
    for pause in pauses():
        left = limit - (time.monotonic() - began)
        if changes_of(cursor, look, call.until) or left <= 0:
            break
        await context.progress(time.monotonic() - began, float(wait), f"no change; {look.count} events since a day ago")
        await anyio.sleep(min(pause, left))
        try:
            look = await _look(context, identity, begin)
        except PostHogError as error:
            if error.status in _GIVES_UP:
                raise
            notes.append(f"The watch ended early: {error.explanation.what} Go on with the cursor later.")
            break
        looks += 1
    changes = changes_of(cursor, look, call.until)
    waited = time.monotonic() - began
    if limit < wait and not changes and not notes:
        notes.append(
            f"The wait was cut to {max(limit, 0):.0f} s by the time limit of the call, which is longer for clients "
            "that ask for progress."
        )
    if not changes and not notes:
        notes.append("Nothing changed. Call again with the cursor to go on; nothing between the calls is missed.")
    following = replace(cursor, seen=look.at, count=look.count, status=look.status)
    data: dict[str, Any] = {
        "changed": bool(changes),
        "changes": changes,
        "status": look.status,
        "new_events": max(look.count - cursor.count, 0),
        "since": _time(cursor.seen),
        "last_seen": look.last_seen or None,
        "release": look.release or None,
        "looks": looks,
        "waited": round(waited, 1),
        "cursor": str(following),
    }
    return Outcome(
        data,
        notes,
        display={name: value for name, value in data.items() if value is not None},
        page=f"{PAGE}/{identity}",
    )


def pauses() -> Iterator[float]:
    """Yield the seconds between looks, longer and longer."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def changes_of(cursor: Cursor, look: Look, until: list[Any] | None) -> list[str]:
    """Return the changes since the cursor, in words; of the wanted kinds only."""
    found = dict[str, str]()
    new = look.count - cursor.count
    of_release = f", newest of release {look.release}" if look.release else ""
    if new > 0:
        found["event"] = f"event: {new} new{of_release}"
    if look.status != cursor.status:
        is_back = look.status == "active"
        found["reopened" if is_back else "status"] = (
            f"{'reopened' if is_back else 'status'}: {cursor.status} before, {look.status} now"
            f"{of_release if is_back and new > 0 else ''}"
        )
    hours, hours_before = max(look.at - cursor.seen, 1) / 3600, _DAY / 3600
    times = (new / hours) / (cursor.before / hours_before) if cursor.before else None
    is_steep = times is None or times >= _SPIKE_TIMES
    sure = certainty(max(new, 0), hours, cursor.before, hours_before) is Certainty.SURE
    if new >= _LEAST_SPIKE and is_steep and sure:
        rate = f"{times:.0f} times the rate before" if times else "none in the day before"
        found["spike"] = f"spike: {new} in {_duration(look.at - cursor.seen)}, {rate}{of_release}"
    return [text for kind, text in found.items() if not until or kind in until]


async def _look(context: Context, issue: str, begin: int) -> Look:
    """Send one request.

    Raises:
        PostHogError: no answer.
    """
    asked = {"issueId": issue, "dateRange": {"date_from": _time(begin)}}
    answer = as_object(await send_endpoint(context.sender, QueryIssue.model_validate(asked)))
    count = number_of(as_object(answer.get("impact")), "occurrences") or 0
    return Look(
        int(time.time()),
        min(max(count, 0), _LARGEST_COUNT),
        text_of(answer, "status") or "unknown",
        text_of(answer, "last_seen"),
        text_of(as_object(answer.get("latest_release")), "version"),
    )


def _time(moment: int) -> str:
    """Return seconds since 1970 as a time."""
    return in_seconds(datetime.fromtimestamp(moment, UTC))


def _duration(seconds: int) -> str:
    return (
        f"{seconds} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
    )
