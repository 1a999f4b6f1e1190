"""The states of subscribed issues: most from one list, the others each from its record."""

from collections.abc import Collection, Mapping
from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of
from mcp_errortracking.catalog.issues import RetrieveIssue
from mcp_errortracking.catalog.queries import QueryIssues
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender

_PAGE, _MOST_PAGES = 100, 3
MOST_READ = 10
"""Issues outside the list that one look reads: with 100 of them, each has its turn every five minutes."""
_RANGE = {"date_from": "-7d"}
_FIELDS = ("status", "name", "severity", "assignee")
"""Fields whose change is an update, beside that of last_seen. Counts are left out: they fall as events leave the
range."""
_GONE = {"status": "gone"}

State = Mapping[str, str]


class IssueStates:
    """The states as of the last look.

    A look is one list of the issues with the newest events. Its next pages are read, up to three, as long as a page is
    full of events since the last look. A subscribed issue that is not in it is read by its id.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._known = dict[str, State]()
        self._newest = ""
        """The time of the newest event that is known."""
        self._looks = 0
        self._turns = dict[str, int]()
        """The looks at which issues were read by id."""

    async def begin(self, issues: Collection[str]) -> None:
        """Learn the present state of issues that begin to be watched, of the first ones at once.

        Raises:
            PostHogError: PostHog does not answer.
        """
        if not self._looks:
            self._learn(await self._list())
        for issue in [one for one in issues if one not in self._known][:MOST_READ]:
            self._known[issue] = await self._read(issue)

    async def look(self, issues: Collection[str]) -> set[str]:
        """Return the issues that changed since the last look, of those that are watched.

        Raises:
            PostHogError: PostHog does not answer; the next look finds what this one did not.
        """
        before, newest = dict(self._known), self._newest
        listed = await self._list()
        others = sorted(set(issues) - listed.keys(), key=lambda one: (self._turns.get(one, 0), one))[:MOST_READ]
        read = {issue: await self._read(issue) for issue in others}
        self._learn(listed)
        self._known |= read
        self._turns = {one: turn for one, turn in self._turns.items() if one in issues}
        self._turns |= dict.fromkeys(others, self._looks)
        self._known = {
            one: now for one, now in self._known.items() if one in issues or one in listed or one not in before
        }
        return {one for one, now in (listed | read).items() if one in issues and _differs(before.get(one), now, newest)}

    def _learn(self, listed: Mapping[str, State]) -> None:
        self._looks += 1
        self._known |= listed
        self._newest = max([self._newest, *(now["last_seen"] for now in listed.values())])

    async def _list(self) -> dict[str, State]:
        """Return the states of the issues with the newest events."""
        found = dict[str, State]()
        for page in range(_MOST_PAGES):
            asked: Any = {"dateRange": _RANGE, "status": "all", "orderBy": "last_seen", "limit": _PAGE}
            asked |= {"offset": page * _PAGE} if page else {}
            answer = as_object(await send_endpoint(self._sender, QueryIssues.model_validate(asked)))
            rows = as_objects(answer.get("results"))[:_PAGE]
            states = {text_of(row, "id"): {**_state(row), "last_seen": text_of(row, "last_seen")} for row in rows}
            found |= {issue: now for issue, now in states.items() if issue not in found}
            oldest = min((now["last_seen"] for now in states.values()), default="")
            if not answer.get("hasMore") or not self._newest or oldest <= self._newest:
                break
        return found

    async def _read(self, issue: str) -> State:
        """Return the state of one issue by its record, which does not say when the last event was."""
        try:
            record = await send_endpoint(self._sender, RetrieveIssue.model_validate({"id": issue}))
        except PostHogError as error:
            if error.status != 404 and error.code != "issue_moved":
                raise
            return _GONE
        last_seen = self._known.get(issue, {}).get("last_seen")
        return _state(as_object(record)) | ({} if last_seen is None else {"last_seen": last_seen})


def _state(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of an issue in one form for lists and records; those that the answer lacks are left out."""
    state = {name: repr(row[name]) for name in _FIELDS if name in row}
    if assignee := as_object(row.get("assignee")):
        state["assignee"] = f"{assignee.get('type')} {assignee.get('id')}"
    return state


def _differs(before: State | None, now: State, newest: str) -> bool:
    """True if an issue changed, or has an event since the last look.

    Args:
        before: None: it was not known.
        newest: the time of the newest event before; one that was not known has an event since only if it is newer.
    """
    if before is None:
        return bool(newest) and now.get("last_seen", "") > newest
    if "last_seen" not in before and now.get("last_seen", "") > newest:
        return True
    return any(before[name] != now[name] for name in before.keys() & now.keys())
