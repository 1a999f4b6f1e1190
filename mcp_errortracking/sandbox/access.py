"""Authentication and authorization (contract 1.3, 1.4): API keys, scopes, projects."""

import hashlib
from collections.abc import Mapping
from typing import Any, cast

from mcp_errortracking.sandbox.errors import HogError, forbidden, not_found
from mcp_errortracking.sandbox.store import Document, Store

_SOURCES = ("Authorization header", "body", "query string")


def key_id(value: str) -> str:
    """Return the id under which a key is stored, in place of its value."""
    return hashlib.sha256(value.encode()).hexdigest()


def authenticate(
    store: Store, headers: Mapping[str, str], body: Any, query: Mapping[str, str], challenge: str
) -> Document:
    """Return the key of a request, from its header, body or query, in that order. A 401 holds the challenge.

    Raises:
        ErrorAnswer: 401.
    """
    more = {"WWW-Authenticate": challenge}
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    in_body = cast("dict[str, Any]", body).get("personal_api_key") if isinstance(body, dict) else None
    candidates = (bearer.strip() if scheme.lower() == "bearer" else None, in_body, query.get("personal_api_key"))
    for source, value in zip(_SOURCES, candidates, strict=True):
        if not value:
            continue
        key = store.get("key", None, key_id(str(value)))
        if key is None:
            detail = f"Personal API key found in request {source} is invalid."
            raise HogError(401, "authentication_error", "authentication_failed", detail, headers=more)
        return key
    detail = "Authentication credentials were not provided."
    raise HogError(401, "authentication_error", "not_authenticated", detail, headers=more)


def find_project(store: Store, text: str, user: Document) -> Document:
    """Return the project that a path names; `@current` is that of the key's user.

    Raises:
        ErrorAnswer: 404.
    """
    number = user.get("current_project") if text == "@current" else text
    project = store.get("project", None, number) if number is not None else None
    if project is None or not str(number).isdigit():
        raise not_found("Project not found.")
    return project


def check_scopes(key: Document, scopes: tuple[str, ...] | None, refusal: str) -> None:
    """True if the key has the scopes of an action; write includes read.

    Raises:
        ErrorAnswer: 403.
    """
    if scopes is None:
        raise forbidden(refusal)
    held = set(key["scopes"])
    for scope in scopes:
        if not held & {"*", scope, scope.replace(":read", ":write")}:
            raise forbidden(f"API key missing required scope '{scope}'")


def check_project(store: Store, key: Document, user: Document, project: Document) -> None:
    """True if the key and its user may use a project.

    Raises:
        ErrorAnswer: 403.
    """
    organization = store.get("organization", None, project["organization"]) or {}
    if not organization.get("allows_api_keys", True):
        raise forbidden(
            f"Organization '{organization['name']}' does not allow using personal API keys. "
            "Contact an admin to enable personal API keys for this organization."
        )
    if key["scoped_teams"] and project["id"] not in key["scoped_teams"]:
        raise forbidden(f"API key does not have access to the requested project: ID {project['id']}.")
    if organization:
        check_organization(key, organization)
    if project["id"] not in user["projects"]:
        raise forbidden("You don't have access to the project.")


def check_organization(key: Document, organization: Document) -> None:
    """True if the key may use an organization.

    Raises:
        ErrorAnswer: 403.
    """
    if key["scoped_organizations"] and organization["id"] not in key["scoped_organizations"]:
        raise forbidden(f"API key does not have access to the requested organization: ID {organization['id']}.")
