"""The activity log of issues, newest first (contract 6.6), written by the views that change them."""

import uuid
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id, now
from mcp_errortracking.sandbox.rules import integer
from mcp_errortracking.sandbox.store import Document

KIND = "activity"
SCOPE = "ErrorTrackingIssue"
_SCOPES = ("activity_log:read",)
_DEFAULT_LIMIT = 10


def record(call: Call, issue: Document, verb: str, changed: Document) -> None:
    """Record an activity of the key's user on an issue; `changed` holds the new values by field.

    What changes nothing is not recorded.
    """
    changes: list[Document] = [
        {"field": name, "before": issue.get(name), "after": value}
        for name, value in changed.items()
        if issue.get(name) != value
    ]
    if changes:
        record_changes(call, issue, verb, changes)


def record_changes(call: Call, issue: Document, verb: str, changes: list[Document]) -> None:
    """Record an activity with these changes, each a field, `before` and `after`."""
    call.store.add(KIND, call.project_id, log_entry(new_id(), issue, call.user, verb, changes))


def log_entry(entry_id: str, issue: Document, user: Document, verb: str, changes: list[Document]) -> Document:
    """Return an entry of the log."""
    return {
        "id": entry_id,
        "user": {name: user[name] for name in ("first_name", "email")},
        "activity": verb,
        "scope": SCOPE,
        "item_id": issue["id"],
        "detail": {
            "changes": [{"type": SCOPE, "action": "changed", **change} for change in changes],
            "name": issue["name"],
            "short_id": None,
            "trigger": None,
            "type": None,
        },
        "created_at": now(),
    }


def list_all(call: Call) -> Response:
    return _page(call, call.store.all(KIND, call.project_id))


def list_of_one(call: Call) -> Response:
    wanted = call.parameters["id"]
    if not is_uuid(wanted) or call.store.get("issue", call.project_id, uuid.UUID(wanted)) is None:
        return Response(status_code=404)
    return _page(call, [one for one in call.store.all(KIND, call.project_id) if one["item_id"] == wanted.lower()])


def _page(call: Call, rows: list[Document]) -> Response:
    """Return a page by its number; every other list has limit and offset."""
    limit, number = _positive(call, "limit", _DEFAULT_LIMIT), _positive(call, "page", 1)
    newest_first = sorted(rows, key=lambda one: one["created_at"])[::-1]
    begin = (number - 1) * limit
    more = begin + limit < len(rows)
    answer: dict[str, Any] = {
        "results": newest_first[begin : begin + limit],
        "next": f"{call.url}?{urlencode({'limit': limit, 'page': number + 1})}" if more else None,
        "previous": f"{call.url}?{urlencode({'limit': limit, 'page': number - 1})}" if number > 1 else None,
        "total_count": len(rows),
    }
    return json_answer(answer)


def _positive(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    return default if text is None else integer(text, name, least=1)


ROUTES = [
    Route("issues/activity", {"GET": Action(list_all, _SCOPES)}),
    Route("issues/{id}/activity", {"GET": Action(list_of_one, _SCOPES)}),
]
