"""Addresses of PostHog's pages as arguments: the issue of a fingerprint's page, and pages of other projects.

An address of an issue's page is its id for the catalog itself. That of a fingerprint's page needs a request: the issue
that owns the fingerprint now.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, cast
from uuid import UUID

from mcp_errortracking.catalog import Declaration, ListedBy
from mcp_errortracking.catalog.addresses import Address, read_address
from mcp_errortracking.catalog.declaration import metadata_of
from mcp_errortracking.catalog.endpoint import as_object, number_of, uuid_of
from mcp_errortracking.catalog.fingerprints import ResolveFingerprint
from mcp_errortracking.catalog.issues import RetrieveIssue
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.address import USER_PATH
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.server.arguments import ArgumentsError

_CURRENT = "@current"
_NO_ISSUE = UUID(int=0)
"""An id that no issue has; callers may not give it, so it is not validated."""

_SEPARATOR = re.compile(r"[,\s]+")
_MAX_TEXTS = 1000
_MAX_RESOLVED = 20
"""Fingerprints of one call: each takes a request."""


async def read_addresses(
    sender: Sender, declaration: type[Declaration], arguments: Mapping[str, Any] | None, project: str | None
) -> Mapping[str, Any] | None:
    """Return the arguments with the id of the issue in place of each address of a fingerprint's page.

    Args:
        project: the project that requests go to, its number or `@current`; None if it is not known.

    Raises:
        ArgumentsError: an address names another project, or nobody owns its fingerprint.
        PostHogError: PostHog did not say which issue owns it.
    """
    found = {
        name: pages
        for name, value in (arguments or {}).items()
        if name in _issue_arguments(declaration) and (pages := _pages(value))
    }
    read = dict(arguments or {})
    is_of_user = project == _CURRENT
    if is_of_user and any(page.project for pages in found.values() for page in pages.values()):
        project = await _current_project(sender)
    for name, pages in found.items():
        for page in pages.values():
            if page.project and project not in (None, _CURRENT, page.project):
                raise ArgumentsError(
                    f"{name}: this address is of project {page.project}, and this server works in project {project}; "
                    f"nothing was sent. Find the issue in project {project} with query-error-tracking-issues-list, or "
                    f"let the operator of the server set POSTHOG_PROJECT_ID to {page.project}."
                )
        fingerprints = {text: page for text, page in pages.items() if page.fingerprint}
        if len(fingerprints) > _MAX_RESOLVED:
            raise ArgumentsError(
                f"{name}: more than {_MAX_RESOLVED} addresses of fingerprints; nothing was sent. Make several calls."
            )
        is_unknown = is_of_user and project == _CURRENT
        issues = {text: await _owner(sender, name, page, in_its_own=is_unknown) for text, page in fingerprints.items()}
        if issues:
            read[name] = _replaced(read[name], issues)
    return read if found else arguments


@cache
def _issue_arguments(declaration: type[Declaration]) -> frozenset[str]:
    """Return the names of the arguments that take ids of issues."""
    fields = declaration.model_fields.items()
    return frozenset(name for name, info in fields for listed in metadata_of(info, ListedBy) if listed.noun == "issue")


def _pages(value: Any) -> dict[str, Address]:
    """Return the addresses in an argument: a list of texts, or a text with commas between them."""
    texts = _SEPARATOR.split(value, maxsplit=_MAX_TEXTS) if isinstance(value, str) else value
    if not isinstance(texts, list):
        return {}
    return {text: page for text in cast("list[Any]", texts)[:_MAX_TEXTS] if (page := read_address(text))}


def _replaced(value: Any, issues: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [issues.get(one, one) if isinstance(one, str) else one for one in cast("list[Any]", value)]
    return ",".join(issues.get(text, text) for text in _SEPARATOR.split(value, maxsplit=_MAX_TEXTS) if text)


async def _current_project(sender: Sender) -> str:
    """Return the number of the key's current project, or `@current` if the key may not read it (contract 1.8)."""
    try:
        user = as_object((await sender.send("GET", USER_PATH)).data)
    except PostHogError:
        return _CURRENT
    return str(number_of(as_object(user.get("team")), "id") or _CURRENT)


async def _owner(sender: Sender, name: str, page: Address, *, in_its_own: bool) -> str:
    """Return the issue that owns a fingerprint: by its own endpoint, or as older servers say it (contract 4.4).

    Args:
        in_its_own: look in the project that the address names, since another project may have the same fingerprint.
            The call itself then fails if it goes to another project.
    """
    project, fingerprint = page.project if in_its_own else None, page.fingerprint or ""
    try:
        answer = await send_endpoint(sender, ResolveFingerprint(fingerprint=fingerprint), project=project)
    except PostHogError as error:
        if error.status not in (400, 404, 500):
            raise
        issue = await _moved(sender, project, fingerprint)
    else:
        issue = uuid_of(as_object(answer).get("issue_id"))
    if issue is None:
        raise ArgumentsError(
            f"{name}: no issue of this project owns the fingerprint in this address; nothing was changed. Find the "
            "issue with query-error-tracking-issues-list."
        )
    return issue


async def _moved(sender: Sender, project: str | None, fingerprint: str) -> str | None:
    """Return the issue that an older server names for a fingerprint; None if it knows none."""
    question = RetrieveIssue.model_construct({"id", "fingerprint"}, id=_NO_ISSUE, fingerprint=fingerprint)
    try:
        await send_endpoint(sender, question, project=project)
    except PostHogError as error:
        if error.code == "issue_moved":
            return uuid_of(error.detail)
        if error.status not in (404, 500):
            raise
    return None
