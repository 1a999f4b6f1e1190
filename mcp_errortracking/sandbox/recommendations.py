"""Recommendations (contract 6.12)."""

from collections.abc import Callable

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import new_id, now
from mcp_errortracking.sandbox.errors import BareError
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "recommendation"
_KNOWN = ("alerts", "long_running_issues", "quiet_issues", "rate_limits", "source_maps")


def list_recommendations(call: Call) -> Response:
    """List recommendations; a list without `poll` starts the first computation, and the next one has its result."""
    is_poll = call.query.get("poll", "").lower() in ("true", "1")
    if not is_poll:
        _add_missing(call)
    found = sorted(call.store.all(KIND, call.project_id), key=lambda one: one["type"])
    for one in found:
        if one["status"] == "computing":
            call.store.put(KIND, one | {"status": "ready", "computed_at": now()})
        elif one["computed_at"] is None and not is_poll:
            one["status"] = "computing"
            call.store.put(KIND, one)
    return json_answer(page(found, call.query, call.url, lambda one: one))


def _add_missing(call: Call) -> None:
    """Create what the project lacks of each type."""
    held = {one["type"] for one in call.store.all(KIND, call.project_id)}
    stamp = now()
    for kind in _KNOWN:
        if kind not in held:
            state: Document = {"completed": False, "status": "ready", "computed_at": None, "dismissed_at": None}
            times = {"created_at": stamp, "updated_at": stamp}
            call.store.add(KIND, call.project_id, {"id": new_id(), "type": kind, "meta": {}, **state, **times})


def _changing(change: Callable[[Call, Document], Document]) -> Callable[[Call], Response]:
    def view(call: Call) -> Response:
        found = find(call, KIND)
        changed = {**found, **change(call, found), "updated_at": now()}
        call.store.put(KIND, changed)
        return json_answer(changed)

    return view


def _refreshed(call: Call, found: Document) -> Document:
    if found["type"] not in _KNOWN:
        raise BareError(400, "Unknown recommendation type.")
    if call.features.refresh_fails:
        raise BareError(503, "Couldn't start the refresh right now. Please try again in a moment.")
    is_forced = call.query.get("force", "").lower() in ("true", "1")
    return {"status": "computing"} if is_forced or found["computed_at"] is None else {}


_CHANGES: dict[str, Callable[[Call, Document], Document]] = {
    "refresh": _refreshed,
    "dismiss": lambda _call, _found: {"dismissed_at": now()},
    "restore": lambda _call, _found: {"dismissed_at": None},
}

ROUTES = [
    Route("recommendations", {"GET": Action(list_recommendations)}, "issue_queries"),
    *(
        Route(f"recommendations/{{id}}/{name}", {"POST": Action(_changing(change), (WRITE,))}, "issue_queries")
        for name, change in _CHANGES.items()
    ),
]
