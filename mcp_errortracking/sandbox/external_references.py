"""Links from issues to issue trackers elsewhere (contract 6.9). The sandbox's trackers are made up; nothing is sent."""

import uuid
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import READ, WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id
from mcp_errortracking.sandbox.errors import invalid, not_found, required
from mcp_errortracking.sandbox.lookup import named
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "external_reference"
_CONFIG = {
    "github": ("repository", "title", "body"),
    "gitlab": ("title", "body"),
    "linear": ("team_id", "title", "description"),
    "jira": ("project_key", "title", "description"),
}


def show(call: Call, reference: Document) -> Document:
    """Return a reference as this server shows it."""
    known = ("id", "integration", "external_url")
    return {name: reference[name] for name in (*known, *(("external_id", "title") if _links(call) else ()))}


def _links(call: Call) -> bool:
    return call.features.external_links


def list_references(call: Call) -> Response:
    found = call.store.all(KIND, call.project_id)
    return json_answer(page(found, call.query, call.url, lambda one: show(call, one)))


def retrieve(call: Call) -> Response:
    if not is_uuid(call.parameters["id"]):
        raise invalid("invalid_input", "Invalid external reference id")
    found = call.store.get(KIND, call.project_id, uuid.UUID(call.parameters["id"]))
    if found is None:
        raise not_found("External reference not found")
    return json_answer(show(call, found))


def create(call: Call) -> Response:
    """Open an issue at the tracker and link it to one of the project."""
    integration, issue = named(call, "integration", "integration_id"), named(call, "issue", "issue")
    config = _object(call, "config")
    missing = [name for name in _CONFIG[integration["kind"]] if name not in config]
    if missing:
        raise invalid("invalid_input", f"Missing required field: {missing[0]}")
    number = len(call.store.all("tracked_issue", call.project_id)) + 1
    place = config.get("repository") or config.get("project_key") or config.get("team_id") or "project"
    tracked: Document = {
        "id": f"{integration['id']}/{number}",
        "integration": integration["id"],
        "external_id": str(number),
        "title": str(config["title"]),
        "repository": str(place),
        "url": f"https://{integration['kind']}.example/{place}/issues/{number}",
    }
    call.store.add("tracked_issue", call.project_id, tracked)
    return json_answer(show(call, _tie(call, integration, issue, tracked)), 201)


def link_issue(call: Call) -> Response:
    """Link an issue that the tracker has already, as `search_issues` describes it."""
    integration, issue = named(call, "integration", "integration_id"), named(call, "issue", "issue")
    context = _object(call, "external_context")
    found = call.store.get("tracked_issue", call.project_id, f"{integration['id']}/{context.get('number')}")
    if found is None:
        raise invalid("invalid_input", "External issue not found")
    return json_answer(show(call, _tie(call, integration, issue, found)), 201)


def search_issues(call: Call) -> Response:
    wanted = call.query.get("integration_id")
    if not wanted:
        raise required("integration_id")
    if call.store.get("integration", call.project_id, wanted) is None:
        raise not_found("Integration not found")
    text, repository = call.query.get("search", "").lower(), call.query.get("repository")
    issues = [
        {
            "id": one["external_id"],
            "title": one["title"],
            "url": one["url"],
            "external_context": {"repository": one["repository"], "number": int(one["external_id"])},
        }
        for one in call.store.all("tracked_issue", call.project_id)
        if str(one["integration"]) == wanted
        and text in one["title"].lower()
        and (repository is None or one["repository"] == repository)
    ]
    return json_answer({"issues": issues})


def _object(call: Call, name: str) -> dict[str, Any]:
    value: Any = call.fields().get(name)
    if value is None:
        raise required(name)
    if not isinstance(value, dict):
        detail = f'Expected a dictionary of items but got type "{type(value).__name__}".'
        raise invalid("not_a_dict", detail, name)
    return cast("dict[str, Any]", value)


def _tie(call: Call, integration: Document, issue: Document, tracked: Document) -> Document:
    reference: Document = {
        "id": new_id(),
        "integration": {name: integration[name] for name in ("id", "kind", "display_name")},
        "external_url": tracked["url"],
        "external_id": tracked["external_id"],
        "title": tracked["title"],
    }
    call.store.add(KIND, call.project_id, reference)
    external: list[Any] = [*issue["external_issues"], reference]
    call.store.put("issue", {**issue, "external_issues": external})
    return reference


ROUTES = [
    Route("external_references", {"GET": Action(list_references), "POST": Action(create, (WRITE,))}),
    Route("external_references/link_issue", {"POST": Action(link_issue, (WRITE,))}, "external_links"),
    Route(
        "external_references/search_issues",
        {"GET": Action(search_issues, (READ, "integration:read"))},
        "external_links",
    ),
    Route("external_references/{id}", {"GET": Action(retrieve)}),
]
