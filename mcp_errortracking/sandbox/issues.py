"""Issues, as far as rules and fingerprints need them (contract 6.6)."""

import uuid

from starlette.responses import Response

from mcp_errortracking.sandbox import fingerprints
from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import not_found, server_error
from mcp_errortracking.sandbox.pagination import page

KIND = "issue"


def list_issues(call: Call) -> Response:
    return json_answer(page(call.store.all(KIND, call.project_id), call.query, call.url, lambda issue: issue))


def retrieve(call: Call) -> Response:
    issue_id = call.parameters["id"]
    if not is_uuid(issue_id):
        raise server_error()
    wanted = call.query.get("fingerprint")
    record = call.store.find(fingerprints.KIND, call.project_id, wanted) if wanted else None
    if record is not None and record["issue_id"] != str(uuid.UUID(issue_id)):
        return json_answer({"issue_id": record["issue_id"]}, 308)
    issue = call.store.get(KIND, call.project_id, uuid.UUID(issue_id))
    if issue is None:
        raise not_found("Issue not found")
    return json_answer(issue)


def exists(call: Call) -> Response:
    return json_answer({"exists": bool(call.store.all(KIND, call.project_id))})


ROUTES = [
    Route("issues", {"GET": Action(list_issues)}),
    Route("issues/exists", {"GET": Action(exists)}),
    Route("issues/{id}", {"GET": Action(retrieve)}),
]
