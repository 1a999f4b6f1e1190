"""The people of an organization and their roles: those whom an issue can be assigned to.

The endpoints belong to the organization, not to error tracking. Their paths, scopes and fields are those of PostHog's
`posthog/api/organization_member.py` and `ee/api/rbac/role.py`, and of its own client's `org-members-list` and
`roles-list` (npm @posthog/cli 0.18).
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.catalog.endpoint import Request, StepError, as_object, as_objects, number_of, text_of, uuid_of
from mcp_errortracking.catalog.paging import next_offset

MEMBERS_SCOPE = "organization_member:read"
ROLES_SCOPE = "organization:read"
_PAGE = 100
_MOST_PAGES = 5
MOST_READ = _PAGE * _MOST_PAGES
"""People or roles of one list."""
LONGEST_SEARCH = 200
"""Characters that PostHog takes."""


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the organization. `is_similar`: PostHog found the name by its likeness."""

    id: int
    name: str
    email: str
    is_similar: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.email})" if self.name and self.email else self.name or self.email or str(self.id)


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the organization: a team that issues are assigned to. `members`: the names of its people."""

    id: str
    name: str
    members: tuple[str, ...]


def own_id() -> Generator[Request, Any, int | None]:
    """Return the id of the key's user; None if this PostHog does not show it. No scope is needed (contract 1.8).

    Raises:
        StepError: PostHog refused.
    """
    return number_of(as_object((yield Request("GET", "/api/personal_api_keys/@current/"))), "user_id")


def organization() -> Generator[Request, Any, str | None]:
    """Return the id of the project's organization; None if the key may not read the project.

    Raises:
        StepError: PostHog refused for another reason.
    """
    try:
        project = as_object((yield Request("GET", "")))
    except StepError as failure:
        if failure.status not in (403, 404):
            raise
        return None
    return uuid_of(project.get("organization"))


def people_of(organization: str | None, search: str = "") -> Generator[Request, Any, tuple[list[Person], bool]]:
    """Return the members of an organization whose name or e-mail contains a text, and True if there are more to read.

    Args:
        organization: its id; None: the one that the user of the key has open.

    Raises:
        StepError: the key may not read them.
    """
    # PostHog compares the text with one field at a time, so no field contains a full name.
    query = {"search": max(search.split(), key=len)[:LONGEST_SEARCH]} if search.strip() else {}
    rows, is_cut = yield from _read(f"{_root(organization)}members/", query)
    people = list[Person]()
    for row in rows:
        user = as_object(row.get("user"))
        identity = number_of(user, "id")
        if identity is not None:
            name = " ".join(part for part in (text_of(user, "first_name"), text_of(user, "last_name")) if part)
            is_similar = row.get("search_match_type") == "similar"
            people.append(Person(identity, name, text_of(user, "email"), is_similar))
    wanted = search.casefold()
    fitting = [one for one in people if one.is_similar or wanted in f"{one.name} <{one.email}>".casefold()]
    return fitting, is_cut  # an older PostHog ignores the search


def roles_of(organization: str | None, search: str = "") -> Generator[Request, Any, tuple[list[Role], bool]]:
    """Return the roles of an organization whose name contains a text, and True if there are more to read.

    Raises:
        StepError: the key may not read them, or this PostHog has none.
    """
    rows, is_cut = yield from _read(f"{_root(organization)}roles/", {})
    roles = list[Role]()
    for row in rows:
        identity = uuid_of(row.get("id"))
        if identity is not None:
            roles.append(Role(identity, text_of(row, "name"), tuple(_names(row.get("members")))))
    return [one for one in roles if search.casefold() in one.name.casefold()], is_cut


def _root(organization: str | None) -> str:
    return f"/api/organizations/{organization or '@current'}/"


def _read(path: str, query: Mapping[str, Any]) -> Generator[Request, Any, tuple[Sequence[dict[str, Any]], bool]]:
    """Read the pages of a list, a bounded number of them."""
    rows, offset = list[dict[str, Any]](), 0
    for _ in range(_MOST_PAGES):
        paging = {"limit": _PAGE, **({"offset": offset} if offset else {})}
        answer = as_object((yield Request("GET", path, query={**query, **paging})))
        rows += as_objects(answer.get("results"))
        following = next_offset(answer.get("next"))
        if following is None or following <= offset:
            return rows, False
        offset = following
    return rows, True


def _names(members: Any) -> list[str]:
    users = [as_object(one.get("user")) for one in as_objects(members)]
    return [name for user in users if (name := text_of(user, "email", "first_name"))]
