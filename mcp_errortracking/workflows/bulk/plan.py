"""The plan of a bulk change: the issues that match, those that would change, and a token for exactly these."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from mcp_errortracking.catalog.date_range import DateRange
from mcp_errortracking.catalog.endpoint import as_object, as_objects, number_of, text_of, uuid_of
from mcp_errortracking.catalog.queries import QueryIssues
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.bulk.tools import CHANGES
from mcp_errortracking.workflows.times import in_seconds

if TYPE_CHECKING:
    from mcp_errortracking.workflows.bulk.tools import UpdateMatching

SECONDS = 3600
"""The time for which a token holds."""
MOST = 500
"""Issues that one call changes."""
_PAGE = 100
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Match:
    """An issue that matches, with the value that the change would replace."""

    id: str
    name: str
    old: Any
    occurrences: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that a call would make.

    Attributes:
        made: seconds since 1970; events after it do not count.
        changes: the issues that would change.
        unchanged: the number of those that match and have the value already.
        has_more: more issues match than were read.
    """

    made: int
    changes: list[Match]
    unchanged: int
    has_more: bool
    token: str


@dataclass(frozen=True, slots=True)
class Target:
    """The value to set: `field` is status or assignee."""

    field: str
    value: Any

    def is_met_by(self, value: Any) -> bool:
        """True if an issue has the value already. Ids may be numbers or texts."""
        return _plain(value) == _plain(self.value)


def target_of(call: "UpdateMatching") -> Target:
    """Return the value that a call sets."""
    if call.setStatus is not None:
        return Target("status", call.setStatus)
    return Target("assignee", None if call.setAssignee is None else call.setAssignee.model_dump(mode="json"))


def moment_of_token(token: str | None) -> int | None:
    """Return the moment of the plan that a token is of; None if the token is not one."""
    head = (token or "").partition("-")[0]
    try:
        return int(head, 16) if len(head) == 8 else None
    except ValueError:
        return None


async def make_plan(call: "UpdateMatching", sender: Sender, project: str, made: int | None = None) -> Plan:
    """Read the issues that match now.

    Args:
        made: the moment of an earlier plan that is made again; default: now.

    Raises:
        PostHogError: PostHog does not answer.
    """
    made = int(time.time()) if made is None else made
    target, matches, unchanged, has_more = target_of(call), dict[str, Match](), set[str](), True
    for number in range(MOST // _PAGE):
        answer = as_object(await send_endpoint(sender, _query(call, made, number * _PAGE)))
        rows = as_objects(answer.get("results"))[:_PAGE]
        for row in rows:
            identity = uuid_of(row.get("id"))
            if identity is None:
                continue
            if target.is_met_by(row.get(target.field)):
                unchanged.add(identity)
            else:
                matches.setdefault(identity, _match(identity, row, target.field))
        has_more = bool(answer.get("hasMore"))
        if not has_more or not rows:
            break
    changes = sorted(matches.values(), key=lambda one: (-one.occurrences, one.id))
    return Plan(made, changes, len(unchanged), has_more, _token(call, project, made, changes))


def _query(call: "UpdateMatching", made: int, offset: int) -> QueryIssues:
    """Return the list of a page of matches: without events after the plan, the oldest issue first, so that no page
    moves."""
    given = {name: getattr(call, name) for name in call.model_fields_set - {*CHANGES, "apply"}}
    dates = call.dateRange.model_dump(exclude_unset=True) if call.dateRange else {}
    try:
        given["dateRange"] = DateRange.model_validate(
            {"date_to": in_seconds(datetime.fromtimestamp(made, UTC)), **dates}
        )
    except ValidationError:  # a date_from after now
        given["dateRange"] = call.dateRange
    given |= {"orderBy": "first_seen", "orderDirection": "ASC", "limit": _PAGE, "offset": offset}
    return QueryIssues.model_validate({name: value for name, value in given.items() if value is not None})


def _match(identity: str, row: dict[str, Any], field: str) -> Match:
    name = ": ".join(filter(None, (text_of(row, "name"), text_of(row, "description"))))
    count = number_of(as_object(row.get("aggregations")), "occurrences") or 0
    return Match(identity, name[:_LONGEST_NAME], _plain(row.get(field)), count)


def _plain(value: Any) -> Any:
    """Return a value as a write takes it: of an assignee, the type and the id, and that of a user as a number."""
    if not isinstance(value, dict):
        return value
    assignee = cast("dict[str, Any]", value)
    kind, identity = assignee.get("type"), str(assignee.get("id"))
    is_number = kind == "user" and identity.isdecimal() and len(identity) < 20
    return {"type": kind, "id": int(identity) if is_number else identity}


def _token(call: "UpdateMatching", project: str, made: int, changes: list[Match]) -> str:
    """Return a token that holds for this change in this project, of these issues with these old values."""
    asked = call.model_dump(mode="json", exclude_unset=True, exclude={"apply"})
    facts = [project, asked, sorted((one.id, json.dumps(one.old, sort_keys=True, default=str)) for one in changes)]
    digest = blake2b(json.dumps(facts, sort_keys=True).encode("utf-8", "backslashreplace"), digest_size=5)
    return f"{made:08x}-{digest.hexdigest()}"
