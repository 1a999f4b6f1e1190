"""The activity log of issues, newest first (contract 6.6), written by the views that change them."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import new_id, now
from mcp_errortracking.sandbox.store import Document

KIND = "activity"
_SCOPES = ("activity_log:read",)
_DEFAULT_LIMIT = 10


def record(call: Call, issue: Document, verb: str, changed: Document | None = None) -> None:
    """Record an activity of the key's user on an issue; `changed` holds the new values by field."""
    changes = [
        {
            "type": "ErrorTrackingIssue",
            "action": "changed",
            "field": name,
            "before": issue.get(name),
            "after": value,
        }
        for name, value in (changed or {}).items()
        if issue.get(name) != value
    ]
    if changed is not None and not changes:
        return
    user = {name: call.user[name] for name in ("id", "first_name", "email")}
    call.store.add(
        KIND,
        call.project_id,
        {
            "id": new_id(),
            "user": user,
            "activity": verb,
            "scope": "ErrorTrackingIssue",
            "item_id": issue["id"],
            "detail": {"name": issue["name"], "changes": changes},
            "created_at": now(),
        },
    )


def list_all(call: Call) -> Response:
    return _page(call, call.store.all(KIND, call.project_id))


def list_of_one(call: Call) -> Response:
    wanted = call.parameters["id"].lower()
    return _page(call, [one for one in call.store.all(KIND, call.project_id) if one["item_id"] == wanted])


def _page(call: Call, rows: list[Document]) -> Response:
    """Return a page by its number; every other list has limit and offset."""
    limit, number = _positive(call, "limit", _DEFAULT_LIMIT), _positive(call, "page", 1)
    newest_first = rows[::-1]
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
    text = call.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else default


ROUTES = [
    Route("issues/activity", {"GET": Action(list_all, _SCOPES)}),
    Route("issues/{id}/activity", {"GET": Action(list_of_one, _SCOPES)}),
]
