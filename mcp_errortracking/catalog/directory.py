"""Names and ids that arguments of other tools take: people, roles, integrations and their targets, cohorts.

Integrations and cohorts are read as PostHog's own client reads them (`posthog/api/integration.py`, `cohort.py`).
"""

from collections.abc import Callable, Generator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.endpoint import (
    Endpoint,
    Outcome,
    Request,
    StepError,
    Steps,
    as_object,
    as_objects,
    number_of,
    text_of,
)
from mcp_errortracking.catalog.meanings import Means, Shown
from mcp_errortracking.catalog.paging import read_page
from mcp_errortracking.catalog.people import MEMBERS_SCOPE, MOST_READ, ROLES_SCOPE, organization, people_of, roles_of

Kind = Literal["people", "roles", "integrations", "cohorts"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
_PAGE = 100
_TARGETS = {
    "slack": ("channels", "channels", "id"),
    "github": ("github_repos", "repositories", "name"),
    "linear": ("linear_teams", "teams", "id"),
    "jira": ("jira_projects", "projects", "key"),
}
"""By kind of integration: the path of its targets, their place in the answer, and the field that arguments take."""
_OF_KIND = {"slack": "channel", "github": "repository", "linear": "team", "jira": "project"}
_SCOPES: Mapping[Kind, str] = {
    "people": MEMBERS_SCOPE,
    "roles": ROLES_SCOPE,
    "integrations": "integration:read",
    "cohorts": "cohort:read",
}

Row = dict[str, Any]
Rows = Generator[Request, Any, list[Row]]


class ListDirectory(
    Endpoint,
    tool="error-tracking-directory-list",
    request="GET /integrations/",
    scope="error_tracking:read",
    toolset="directory",
):
    """Look up ids by name or e-mail: users (people), roles (teams), integrations, cohorts; with integration_id, its
    Slack channels, GitHub repositories, Linear teams or Jira projects."""

    search: str | None = Field(default=None, min_length=1, max_length=200, examples=["ada"])
    kind: Annotated[
        Kind | None,
        Means(
            {
                **dict.fromkeys(("users", "user", "members", "member", "person", "assignees"), "people"),
                **dict.fromkeys(("teams", "team", "role", "groups"), "roles"),
                **dict.fromkeys(("integration", "trackers", "slack", "github", "linear", "jira"), "integrations"),
                **dict.fromkeys(("channels", "channel", "repositories"), "give integration_id"),
                "cohort": "cohorts",
            }
        ),
    ] = None
    integration_id: Annotated[int | None, Shown("<number of an integration>")] = Field(default=None, ge=1)

    meant = {
        **dict.fromkeys(("name", "email", "query", "q", "searchQuery", "text"), "search"),
        **dict.fromkeys(("type", "resource"), "kind"),
        **dict.fromkeys(("integration", "id"), "integration_id"),
    }
    advice = {"not_found": "List the integrations: kind integrations."}
    meant_by = dict.fromkeys(("user", "member", "people", "role", "integration", "channel", "cohort", "directory"), "")

    @model_validator(mode="after")
    def one_question(self) -> "ListDirectory":
        """Refuse the targets of an integration together with a kind."""
        if self.kind is not None and self.integration_id is not None:
            raise PydanticCustomError("one_of", "give kind or integration_id, one of them")
        return self

    def steps(self) -> Steps:
        if self.integration_id is not None:
            return (yield from self._targets(self.integration_id))
        rows, notes, refused = list[Row](), list[str](), dict[Kind, StepError]()
        kinds = (self.kind,) if self.kind else _KINDS
        of = (yield from organization()) if {"people", "roles"} & set(kinds) else None
        readers: dict[Kind, Callable[[], Rows]] = {
            "people": lambda: self._people(of, notes),
            "roles": lambda: self._roles(of, notes),
            "integrations": self._integrations,
            "cohorts": lambda: self._cohorts(notes),
        }
        for kind in kinds:
            try:
                rows += yield from readers[kind]()
            except StepError as failure:
                if failure.status not in (403, 404):
                    raise
                refused[kind] = failure
        if of is None and any(row["kind"] in ("user", "role") for row in rows):
            notes.append(
                "The key may not read the project (scope project:read), so people and roles are those of the "
                "organization that the key's user has open in PostHog."
            )
        if "people" in refused and not self.search:
            rows += yield from _seen_assignees(notes)
        elif len(refused) == len(kinds) == 1:
            raise next(iter(refused.values()))
        notes += [_refusal(kind, failure) for kind, failure in refused.items()]
        if not rows and self.search and not notes:
            notes.append(
                "No name or e-mail contains this text: try a part of it, or leave search out to see all. Former "
                "members of the organization are not listed."
            )
        nothing_read = bool(self.search) and len(refused) == len(kinds)
        if "people" in refused and self.search:
            notes.append("Without search, those that issues are assigned to are listed, by id.")
        return Outcome({"results": rows}, notes, failed=nothing_read)

    def _people(self, of: str | None, notes: list[str]) -> Rows:
        people, is_cut = yield from people_of(of, self.search or "")
        if is_cut:
            notes.append(f"Only the first {MOST_READ} people were read: give search.")
        if people and all(one.is_similar for one in people):
            notes.append("No name contains this text; these people have similar names.")
        return [_row("user", one.id, one.name, one.email) for one in people]

    def _roles(self, of: str | None, notes: list[str]) -> Rows:
        roles, is_cut = yield from roles_of(of, self.search or "")
        if is_cut:
            notes.append(f"Only the first {MOST_READ} roles were read.")
        return [_row("role", one.id, one.name, ", ".join(one.members)) for one in roles]

    def _integrations(self) -> Rows:
        page = as_object((yield Request("GET", "integrations/", query={"limit": _PAGE})))
        rows = list[Row]()
        for one in as_objects(page.get("results")):
            kind = text_of(one, "kind")
            if kind in (*_TARGETS, "gitlab") and self._fits(f"{kind} {text_of(one, 'display_name')}"):
                rows.append(_row(kind, one.get("id"), one.get("display_name"), _state(one)))
        return rows

    def _cohorts(self, notes: list[str]) -> Rows:
        query = {"basic": "true", "limit": _PAGE, **({"search": self.search} if self.search else {})}
        page = as_object((yield Request("GET", "cohorts/", query=query)))
        if page.get("next"):
            notes.append(f"Only the first {_PAGE} cohorts were read: give search.")
        rows = list[Row]()
        for one in as_objects(page.get("results")):
            if self._fits(text_of(one, "name")):
                size = number_of(one, "count")
                rows.append(_row("cohort", one.get("id"), one.get("name"), None if size is None else f"{size} persons"))
        return rows

    def _targets(self, integration: int) -> Steps:
        """Return the channels, repositories, teams or projects that an integration reaches."""
        path = f"integrations/{integration}/"
        kind = text_of(as_object((yield Request("GET", path))), "kind")
        if kind not in _TARGETS:
            return Outcome({"results": []}, [f"Integration {integration} is of kind {kind}: it has nothing to choose."])
        action, place, wanted = _TARGETS[kind]
        query: dict[str, Any] = {"limit": 200} if kind in ("slack", "github") else {}  # the most that Slack's takes
        if query and self.search:
            query["search"] = self.search
        answer = as_object((yield Request("GET", f"{path}{action}/", query=query)))
        rows = [
            _row(_OF_KIND[kind], one.get(wanted), one.get("name"), _access(one))
            for one in as_objects(answer.get(place))
            if self._fits(f"{text_of(one, 'name')} {text_of(one, 'full_name')} {one.get(wanted)}")
        ]
        more = ["There are more: give search."] if answer.get("has_more") else []
        return Outcome({"results": rows}, more)

    def _fits(self, text: str) -> bool:
        return self.search is None or self.search.casefold() in text.casefold()


def _row(kind: str, identity: Any, name: Any, detail: str | None) -> Row:
    return {"kind": kind, "id": identity, "name": name, "detail": detail or ""}


def _state(integration: Row) -> str:
    return "PostHog reports errors of this integration" if integration.get("errors") else ""


def _access(target: Row) -> str:
    """Return what stands in the way of a message to a Slack channel; "" for any other target."""
    if target.get("is_private_without_access") or target.get("is_member") is False:
        return "PostHog's app is not in this channel"
    return text_of(target, "full_name")


def _refusal(kind: Kind, failure: StepError) -> str:
    """Return a note on a list that PostHog did not give."""
    if failure.status == 404:
        return f"This PostHog has no list of {kind}."
    of_all = ", and to be for all projects of the organization" if kind in ("people", "roles") else ""
    return f"The key may not list {kind}: it needs the scope {_SCOPES[kind]}{of_all}."


def _seen_assignees(notes: list[str]) -> Rows:
    """Return the users and roles that issues and assignment rules are assigned to, by id alone."""
    seen = dict[tuple[str, Any], dict[str, int]]()
    for path, noun in (("error_tracking/issues/", "issue(s)"), ("error_tracking/assignment_rules/", "rule(s)")):
        page = read_page((yield Request("GET", path, query={"limit": _PAGE})))
        for one in as_objects(page.get("results")):
            assignee = as_object(one.get("assignee"))
            kind, identity = text_of(assignee, "type"), assignee.get("id")
            if kind and isinstance(identity, int | str):
                counts = seen.setdefault((kind, identity), {})
                counts[noun] = counts.get(noun, 0) + 1
    if seen:
        notes.append("Listed instead: the ids that issues and assignment rules are assigned to, without names.")
    return [
        {"kind": kind, "id": identity, "detail": "of " + ", ".join(f"{n} {noun}" for noun, n in counts.items())}
        for (kind, identity), counts in seen.items()
    ]


ENDPOINTS = (ListDirectory,)
