"""Issues that were reopened in a range of time, from the activity log (contract 6.6)."""

from dataclasses import dataclass

from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of, uuid_of
from mcp_errortracking.catalog.issues import ListIssuesActivity
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import ForbiddenError, RefusedError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.deploys.ranges import TimeRange
from mcp_errortracking.workflows.times import moment_of

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Reopened:
    """The names of reopened issues by id; None if the log cannot be read. A note says so, or if it was cut."""

    names: dict[str, str] | None
    note: str = ""


async def reopened_issues(sender: Sender, time: TimeRange) -> Reopened:
    """Return the issues that went from resolved to active, as far as one page of the log says.

    Raises:
        PostHogError: no answer.
    """
    try:
        answer = as_object(await send_endpoint(sender, ListIssuesActivity(limit=_PAGE)))
    except ForbiddenError:
        return Reopened(None, "Reopened issues are not known: the key lacks the scope activity_log:read.")
    except RefusedError:  # an older server takes the path for that of an issue
        return Reopened(None, "Reopened issues are not known: PostHog refuses its activity log, which older ones lack.")
    names, oldest = dict[str, str](), None
    for entry in as_objects(answer.get("results")):
        moment = moment_of(entry.get("created_at"))
        oldest = moment if oldest is None or (moment and moment < oldest) else oldest
        issue_id, detail = uuid_of(entry.get("item_id")), as_object(entry.get("detail"))
        if issue_id and time.holds(moment) and any(map(_reopens, as_objects(detail.get("changes")))):
            names.setdefault(issue_id, text_of(detail, "name") or "without a name")
    is_whole = not answer.get("next") or (oldest is not None and oldest < time.begin)
    note = f"Only the newest {_PAGE} entries of the activity log were searched for reopened issues."
    return Reopened(names, "" if is_whole else note)


def _reopens(change: dict[str, object]) -> bool:
    return (change.get("field"), change.get("before"), change.get("after")) == ("status", "resolved", "active")
