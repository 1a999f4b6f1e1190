"""Counts by PostHog of the exceptions in a window, by issue, within a bound on requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mcp_errortracking.catalog.endpoint import Endpoint, Request, as_object, as_objects, number_of, text_of, uuid_of
from mcp_errortracking.catalog.queries import QueryIssueEvents, QueryIssues
from mcp_errortracking.endpoint_calls import send_request
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.base import Progress
from mcp_errortracking.workflows.rules.branches import Branch, intersections

INCLUDE = ["exception", "stacktrace", "environment", "navigation"]
"""The groups of properties of an event to ask for."""
_PAGE = 100
_MOST_PAGES = 10
HOGQL_PATH = "query/"


class StoppedError(Exception):
    """No further request is made: the bound is reached, or PostHog limits the rate."""


@dataclass(slots=True)
class Window:
    """The questions about one range of time; PostHog's answers are by issue.

    Attributes:
        dates: the range, as a request sends it.
        left: requests that may still be made.
        stopped: why no more are made; "" while they are.
    """

    sender: Sender
    dates: Mapping[str, Any]
    progress: Progress
    left: int
    made: int = 0
    stopped: str = ""
    is_cut: bool = field(default=False)
    """True if there were more issues than were read."""

    async def ask(self, endpoint: type[Endpoint], question: Mapping[str, Any]) -> dict[str, Any]:
        """Send one question: its arguments without the range.

        Raises:
            StoppedError: it is not sent, or PostHog answers that there were too many.
            PostHogError: PostHog did not answer, or refuses.
        """
        shared = {"dateRange": dict(self.dates), "filterTestAccounts": False}
        call = endpoint.model_validate({**shared, **question})
        try:
            return await self._send(call.request())
        except PostHogError as error:
            if error.status != 429:
                raise
            self.stopped = "PostHog limits the rate of requests"
            raise StoppedError from None

    async def hogql(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Send a query of HogQL, which has limits of its own, and return the answer.

        Raises:
            StoppedError: it is not sent.
            PostHogError: PostHog did not answer, or refuses.
        """
        return await self._send(Request("POST", HOGQL_PATH, json={"query": dict(query)}))

    @property
    def moments(self) -> tuple[datetime | None, datetime | None]:
        """The range as moments; None for one that is not written with a date, a time and a zone."""
        return _moment(self.dates["date_from"]), _moment(self.dates["date_to"])

    async def _send(self, request: Request) -> dict[str, Any]:
        if self.stopped or not self.left:
            self.stopped = self.stopped or "the bound on requests is reached"
            raise StoppedError
        self.left, self.made = self.left - 1, self.made + 1
        await self.progress(self.made, None, "asking PostHog")
        return as_object(await send_request(self.sender, request, read_only=True))

    async def issues(self, branch: Branch | None) -> dict[str, dict[str, Any]]:
        """Return the rows of the issues with events for which all conditions hold, the largest first; None: of all.

        Raises:
            StoppedError, PostHogError: as `ask`.
        """
        found = dict[str, dict[str, Any]]()
        for page in range(_MOST_PAGES):
            body: dict[str, Any] = {"status": "all", "orderBy": "occurrences", "limit": _PAGE, "offset": page * _PAGE}
            if branch:
                body["filterGroup"] = list(branch)
            answer = await self.ask(QueryIssues, body)
            for row in as_objects(answer.get("results")):
                identity = uuid_of(row.get("id"))
                if identity is not None:
                    found[identity] = row
            if not answer.get("hasMore"):
                return found
        self.is_cut = True
        return found

    async def union(self, branches: Sequence[Branch]) -> dict[str, int]:
        """Return the exceptions of each issue that are in one of the branches at least.

        Raises:
            StoppedError, PostHogError: as `ask`.
        """
        counts = dict[str, int]()
        for sign, branch in intersections(branches):
            for issue, row in (await self.issues(branch)).items():
                counts[issue] = counts.get(issue, 0) + sign * occurrences_of(row)
        return {issue: count for issue, count in counts.items() if count > 0}

    async def events(
        self, issue: str, *, limit: int, branch: Branch | None = None, oldest: bool = False
    ) -> list[dict[str, Any]]:
        """Return events of an issue, newest first unless the oldest are asked for.

        Raises:
            StoppedError, PostHogError: as `ask`.
        """
        body: dict[str, Any] = {"issueId": issue, "limit": limit, "include": INCLUDE, "onlyAppFrames": True}
        if branch:
            body["filterGroup"] = list(branch)
        if oldest:
            body["orderDirection"] = "ASC"
        return as_objects((await self.ask(QueryIssueEvents, body)).get("results"))


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def occurrences_of(row: Mapping[str, Any]) -> int:
    """Return the exceptions of a row of issues."""
    return number_of(as_object(row.get("aggregations")), "occurrences") or 0


def first_seen_of(row: Mapping[str, Any]) -> str:
    """Return the time at which an issue was first seen, as PostHog writes it; "" if it is not known."""
    return text_of(row, "first_seen")
