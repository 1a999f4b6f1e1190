"""Links from issues to issue trackers elsewhere (contract 6.9). The sandbox's trackers are made up; nothing is sent."""

import uuid
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id
from mcp_errortracking.sandbox.errors import ErrorAnswer, invalid, not_found, required
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "external_reference"
_CONFIG = {
    "github": ("repository", "title", "body"),
    "gitlab": ("title", "body"),
    "linear": ("team_id", "title", "description"),
    "jira": ("project_key", "title", "description"),
}


def list_references(call: Call) -> Response:
    return json_answer(page(call.store.all(KIND, call.project_id), call.query, call.url, lambda one: one))


def retrieve(call: Call) -> Response:
    if not is_uuid(call.parameters["id"]):
        raise invalid("invalid_input", "Invalid external reference id")
    found = call.store.get(KIND, call.project_id, uuid.UUID(call.parameters["id"]))
    if found is None:
        raise not_found("External reference not found")
    return json_answer(found)


def create(call: Call) -> Response:
    fields = call.fields()
    for name in ("integration_id", "issue", "config"):
        if fields.get(name) is None:
            raise required(name)
    integration = call.store.get("integration", call.project_id, fields["integration_id"])
    if integration is None:
        raise invalid(
            "does_not_exist", f'Invalid pk "{fields["integration_id"]}" - object does not exist.', "integration_id"
        )
    issue = call.store.get("issue", call.project_id, fields["issue"]) if is_uuid(fields["issue"]) else None
    if issue is None:
        raise _no_such("issue", fields["issue"])
    given: Any = fields["config"]
    config = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    missing = [name for name in _CONFIG[integration["kind"]] if name not in config]
    if missing:
        raise invalid("invalid_input", f"Missing required field: {missing[0]}")
    number = len(call.store.all(KIND, call.project_id)) + 1
    place = config.get("repository") or config.get("project_key") or config.get("team_id") or "project"
    reference: Document = {
        "id": new_id(),
        "integration": {name: integration[name] for name in ("id", "kind", "display_name")},
        "external_url": f"https://{integration['kind']}.example/{place}/issues/{number}",
        "external_id": str(number),
        "title": config["title"],
    }
    call.store.add(KIND, call.project_id, reference)
    external: list[Any] = [*issue["external_issues"], reference]
    call.store.put("issue", {**issue, "external_issues": external})
    return json_answer(reference, 201)


def _no_such(name: str, value: Any) -> ErrorAnswer:
    return invalid("does_not_exist", f'Invalid pk "{value}" - object does not exist.', name)


ROUTES = [
    Route("external_references", {"GET": Action(list_references), "POST": Action(create, (WRITE,))}),
    Route("external_references/{id}", {"GET": Action(retrieve)}),
]
