"""Members and roles of an organization, as PostHog's `organization_member.py` and `ee/api/rbac/role.py` list them."""

from starlette.responses import Response

from mcp_errortracking.sandbox.access import check_organization
from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import derived_id
from mcp_errortracking.sandbox.errors import forbidden, not_found
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

_LEVEL = 1
_LONGEST_SEARCH = 200


def list_members(call: Call) -> Response:
    """Members of the organization; `search` finds parts of names and e-mails, and not yet on older servers."""
    _organization(call)
    search = call.query.get("search", "").strip().lower() if call.features.member_search else ""
    found = [one for one in call.store.all("user") if search in _searched(one)]
    match = {"search_match_type": "exact"} if search else {}
    return json_answer(page(found, call.query, call.url, lambda user: {**_member(user), **match}))


def list_roles(call: Call) -> Response:
    _organization(call)
    users = {user["id"]: user for user in call.store.all("user")}
    roles = call.store.all("role")

    def show(role: Document) -> Document:
        members = [
            {"id": derived_id(role["id"], number), "role_id": role["id"], "user": _basic(users[number])}
            for number in role["members"]
        ]
        shown = {name: role[name] for name in ("id", "name")}
        return {**shown, "created_at": None, "created_by": None, "members": members, "is_default": False}

    return json_answer(page(roles, call.query, call.url, show))


def _organization(call: Call) -> Document:
    """Return the organization of the path; `@current` is that of the project which the key's user has open.

    Raises:
        ErrorAnswer: 403 or 404.
    """
    if call.key["scoped_teams"]:
        raise forbidden("API keys with scoped projects are only supported on project-based endpoints.")
    wanted = call.parameters["id"]
    if wanted == "@current":
        current = call.store.get("project", None, call.user.get("current_project") or 0) or {}
        wanted = current.get("organization", "")
    found = call.store.get("organization", None, wanted)
    if found is None:
        raise not_found("Organization not found.")
    check_organization(call.key, found)
    return found


def _searched(user: Document) -> str:
    return f"{user['first_name']}\n{user['last_name']}\n{user['email']}".lower()


def _member(user: Document) -> Document:
    return {
        "id": derived_id("member", user["id"]),
        "user": _basic(user),
        "level": _LEVEL,
        "joined_at": user["joined_at"],
        "updated_at": user["joined_at"],
        "is_2fa_enabled": False,
        "has_social_auth": False,
        "last_login": None,
    }


def _basic(user: Document) -> Document:
    return {
        "id": user["id"],
        "uuid": derived_id("user", user["id"]),
        "distinct_id": f"user-{user['id']}",
        **{name: user[name] for name in ("first_name", "last_name", "email")},
        "is_email_verified": True,
        "hedgehog_config": None,
        "role_at_organization": None,
    }


ROUTES = [
    Route("organizations/{id}/members", {"GET": Action(list_members, ("organization_member:read",))}),
    Route("organizations/{id}/roles", {"GET": Action(list_roles, ("organization:read",))}),
]
