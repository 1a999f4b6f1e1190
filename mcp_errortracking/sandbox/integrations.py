"""Integrations of a project and their targets, and its cohorts: lists that other endpoints take ids from.

As PostHog's `posthog/api/integration.py` and `cohort.py` answer, without their settings and secrets.
"""

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.errors import invalid, not_found
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

_KIND = "integration"
_NAMES = {
    "slack": ("channels", "channels"),
    "github": ("github_repos", "repositories"),
    "linear": ("linear_teams", "teams"),
    "jira": ("jira_projects", "projects"),
}
_INTEGRATION = ("integration:read",)


def list_integrations(call: Call) -> Response:
    wanted = call.query.get("kind")
    found = [one for one in call.store.all(_KIND, call.project_id) if wanted in (None, one["kind"])]
    return json_answer(page(found, call.query, call.url, _show))


def retrieve(call: Call) -> Response:
    return json_answer(_show(_integration(call)))


def list_targets(call: Call) -> Response:
    """The channels, repositories, teams or projects of an integration, which is of the kind that the path is for."""
    integration = _integration(call)
    action = call.url.rstrip("/").rpartition("/")[2]
    path, place = _NAMES.get(integration["kind"], ("", ""))
    if path != action:
        raise invalid("invalid_input", f"{action} is not available for an integration of kind {integration['kind']}.")
    search = call.query.get("search", "").lower()
    found = [one for one in integration["targets"] if search in f"{one['name']} {one['id']}".lower()]
    return json_answer({place: [_target(action, one) for one in found], "has_more": False, "total": len(found)})


def list_cohorts(call: Call) -> Response:
    search = call.query.get("search", "").lower()
    found = [one for one in call.store.all("cohort", call.project_id) if search in one["name"].lower()]
    more: Document = {"description": "", "count": None, "is_static": False, "created_at": None}
    return json_answer(page(found, call.query, call.url, lambda one: {"id": one["id"], "name": one["name"], **more}))


def _integration(call: Call) -> Document:
    text = call.parameters["id"]
    found = call.store.get(_KIND, call.project_id, int(text)) if text.isdigit() else None
    if found is None:
        raise not_found()
    return found


def _show(integration: Document) -> Document:
    shown = {name: integration[name] for name in ("id", "kind", "display_name")}
    return {**shown, "config": {}, "errors": "", "created_at": None, "created_by": None}


def _target(action: str, target: Document) -> Document:
    identity, name = target["id"], target["name"]
    if action == "channels":
        flags = {"is_private": False, "is_ext_shared": False, "is_private_without_access": False}
        return {"id": identity, "name": name, "is_member": target["is_member"], **flags}
    if action == "github_repos":
        return {"id": identity, "name": name, "full_name": f"acme/{name}"}
    return {"id": identity, "name": name, **({"key": identity} if action == "jira_projects" else {})}


ROUTES = [
    Route("integrations", {"GET": Action(list_integrations, _INTEGRATION)}),
    Route("integrations/{id}", {"GET": Action(retrieve, _INTEGRATION)}),
    *(
        Route(f"integrations/{{id}}/{action}", {"GET": Action(list_targets, _INTEGRATION)})
        for action, _ in _NAMES.values()
    ),
    Route("cohorts", {"GET": Action(list_cohorts, ("cohort:read",))}),
]
