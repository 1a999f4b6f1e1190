"""Fingerprints (contract 4)."""

import uuid

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import invalid, not_found
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "fingerprint"


def show(call: Call, record: Document) -> Document:
    """Return a record as this server shows it."""
    if call.features.fingerprint_ids:
        return record
    return {name: record[name] for name in ("fingerprint", "issue_id", "created_at")}


def list_fingerprints(call: Call) -> Response:
    records = sorted(call.store.all(KIND, call.project_id), key=lambda record: record["created_at"])
    issue = call.query.get("issue_id")
    if issue and call.features.fingerprint_ids:
        if not is_uuid(issue):
            raise invalid("invalid_input", "issue_id must be a valid UUID")
        records = [record for record in records if record["issue_id"] == str(uuid.UUID(issue))]
    return json_answer(page(records, call.query, call.url, lambda record: show(call, record)))


def retrieve(call: Call) -> Response:
    record_id = call.parameters["id"]
    if not is_uuid(record_id):
        raise invalid("invalid_input", "Invalid fingerprint id")
    record = call.store.get(KIND, call.project_id, uuid.UUID(record_id))
    if record is None:
        raise not_found("Fingerprint not found")
    return json_answer(show(call, record))


def resolve(call: Call) -> Response:
    wanted = call.query.get("fingerprint")
    if not wanted:
        raise invalid("invalid_input", "fingerprint query parameter is required")
    record = call.store.find(KIND, call.project_id, wanted)
    if record is None:
        raise not_found("Fingerprint not found")
    return json_answer(show(call, record))


ROUTES = [
    Route("fingerprints", {"GET": Action(list_fingerprints)}),
    Route("fingerprints/resolve", {"GET": Action(resolve)}, "newest_paths"),
    Route("fingerprints/{id}", {"GET": Action(retrieve)}),
]
