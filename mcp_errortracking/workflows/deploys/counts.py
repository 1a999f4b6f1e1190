"""The issues of a range of time with their counts, from `query/issues` (contract 6.13.1).

Counts are by time alone: PostHog's filter by release finds nothing where exceptions name their release themselves
(contract 5.2).
"""

from dataclasses import dataclass
from datetime import datetime

from mcp_errortracking.catalog.date_range import DateRange
from mcp_errortracking.catalog.endpoint import as_object, as_objects, number_of, text_of, uuid_of
from mcp_errortracking.catalog.queries import QueryIssues
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.deploys.ranges import TimeRange
from mcp_errortracking.workflows.times import moment_of

PAGES = 5
_PAGE = 100
_LONGEST_DESCRIPTION = 200


@dataclass(frozen=True, slots=True)
class IssueCounts:
    """An issue with its counts in one range. `name`: with its description."""

    id: str
    name: str
    first_seen: datetime | None
    occurrences: int
    users: int


@dataclass(frozen=True, slots=True)
class RangeCounts:
    """The issues of a range by id. `is_whole`: there are no others in it; if there are, they have fewer users."""

    time: TimeRange
    issues: dict[str, IssueCounts]
    is_whole: bool

    @property
    def users(self) -> int:
        """The affected users of all issues; one that two issues hit counts twice."""
        return sum(one.users for one in self.issues.values())

    @property
    def occurrences(self) -> int:
        return sum(one.occurrences for one in self.issues.values())

    def count_of_others(self) -> int | None:
        """Return the count of an issue outside `issues`: 0, or None if it is not known."""
        return 0 if self.is_whole else None

    def most_users_of_others(self) -> int:
        """Return the most users that an issue outside `issues` can have."""
        return 0 if self.is_whole else min((one.users for one in self.issues.values()), default=0)


async def count_issues(sender: Sender, time: TimeRange) -> RangeCounts:
    """Return the issues of a range, those with most affected users first, in at most `PAGES` requests.

    Raises:
        PostHogError: no answer.
    """
    issues = dict[str, IssueCounts]()
    for number in range(PAGES):
        query = QueryIssues(
            status="all",
            orderBy="users",
            orderDirection="DESC",
            dateRange=DateRange.model_validate(time.as_json()),
            limit=_PAGE,
            offset=number * _PAGE,
        )
        answer = as_object(await send_endpoint(sender, query))
        rows = as_objects(answer.get("results"))[:_PAGE]
        for row in rows:
            if issue := _read(row):
                issues.setdefault(issue.id, issue)
        if not answer.get("hasMore") or not rows:
            return RangeCounts(time, issues, is_whole=True)
    return RangeCounts(time, issues, is_whole=False)


def _read(row: dict[str, object]) -> IssueCounts | None:
    issue_id = uuid_of(row.get("id"))
    if issue_id is None:
        return None
    counts = as_object(row.get("aggregations"))
    return IssueCounts(
        issue_id,
        ": ".join(filter(None, (text_of(row, "name"), text_of(row, "description")[:_LONGEST_DESCRIPTION])))
        or "without a name",
        moment_of(row.get("first_seen")),
        max(number_of(counts, "occurrences") or 0, 0),
        max(number_of(counts, "users") or 0, 0),
    )
