"""The key's user, the key itself, and the projects and organizations it may use (contract 1.8)."""

from starlette.responses import Response

from mcp_errortracking.sandbox.access import check_project, find_project
from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.errors import forbidden, not_found
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document


def me(call: Call) -> Response:
    if call.parameters["id"] != "@me":
        raise not_found()
    user = call.user
    project = call.store.get("project", None, user["current_project"]) if user.get("current_project") else None
    organization = call.store.get("organization", None, project["organization"]) if project else None
    return json_answer(
        {
            "id": user["id"],
            "email": user["email"],
            "first_name": user["first_name"],
            "team": project and _team(project),
            "organization": organization and {"id": organization["id"], "name": organization["name"]},
        }
    )


def own_key(call: Call) -> Response:
    if call.parameters["id"] != "@current":
        raise forbidden("This action does not support Personal API Key access")
    key = call.key
    return json_answer(
        {
            "id": key["id"][:10],
            "label": key["label"],
            "value": None,
            "mask_value": key["mask_value"],
            "created_at": key["created_at"],
            "last_used_at": None,
            "user_id": key["user"],
            "scopes": key["scopes"],
            "scoped_teams": key["scoped_teams"],
            "scoped_organizations": key["scoped_organizations"],
        }
    )


def list_projects(call: Call) -> Response:
    if call.key["scoped_teams"]:
        raise forbidden("API keys with scoped projects are only supported on project-based endpoints.")
    projects = [one for one in call.store.all("project") if one["id"] in call.user["projects"]]
    return json_answer(page(projects, call.query, call.url, _team))


def project(call: Call) -> Response:
    found = find_project(call.store, call.parameters["id"], call.user)
    check_project(call.store, call.key, call.user, found)
    return json_answer(_team(found))


def organization(call: Call) -> Response:
    found = call.store.get("organization", None, call.parameters["id"])
    if found is None:
        raise not_found()
    return json_answer({"id": found["id"], "name": found["name"]})


def _team(project: Document) -> Document:
    return {name: project[name] for name in ("id", "name", "organization", "api_token")}


ROUTES = [
    Route("users/{id}", {"GET": Action(me, ("user:read",))}),
    Route("personal_api_keys", {"GET": Action(own_key, None)}),
    # No scope is required: every key may read itself, and nothing else there.
    Route("personal_api_keys/{id}", {"GET": Action(own_key, ())}),
    Route("projects", {"GET": Action(list_projects, ("project:read",))}),
    Route("projects/{id}", {"GET": Action(project, ("project:read",))}),
    Route("environments/{id}", {"GET": Action(project, ("project:read",))}),
    Route("organizations/{id}", {"GET": Action(organization, ("organization:read",))}),
]
