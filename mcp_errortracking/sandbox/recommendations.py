"""Recommendations (contract 6.12)."""

import uuid
from collections.abc import Callable

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, now
from mcp_errortracking.sandbox.errors import BareError, not_found, server_error
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "recommendation"


def list_recommendations(call: Call) -> Response:
    return json_answer(page(call.store.all(KIND, call.project_id), call.query, call.url, lambda one: one))


def _changing(change: Callable[[Document], Document]) -> Callable[[Call], Response]:
    def view(call: Call) -> Response:
        if not is_uuid(call.parameters["id"]):
            raise server_error()
        found = call.store.get(KIND, call.project_id, uuid.UUID(call.parameters["id"]))
        if found is None:
            raise not_found()
        changed = {**found, **change(found), "updated_at": now()}
        call.store.put(KIND, changed)
        return json_answer(changed)

    return view


def _refreshed(found: Document) -> Document:
    if found["type"] == "unknown":
        raise BareError(400, "Unknown recommendation type.")
    return {"status": "ready", "computed_at": now()}


ROUTES = [
    Route("recommendations", {"GET": Action(list_recommendations)}),
    Route("recommendations/{id}/refresh", {"POST": Action(_changing(_refreshed), (WRITE,))}),
    Route("recommendations/{id}/dismiss", {"POST": Action(_changing(lambda _: {"dismissed_at": now()}), (WRITE,))}),
    Route("recommendations/{id}/restore", {"POST": Action(_changing(lambda _: {"dismissed_at": None}), (WRITE,))}),
]
