"""Links from issues to issue trackers elsewhere (contract 6.9). The sandbox's trackers are made up; nothing is sent."""

import uuid
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import READ, WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id
from mcp_errortracking.sandbox.errors import HogError, invalid, not_found, required, server_error
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.rules import integer
from mcp_errortracking.sandbox.store import Document

KIND = "external_reference"
_CONFIG = {
    "github": ("repository", "title", "body"),
    "gitlab": ("title", "body"),
    "linear": ("team_id", "title", "description"),
    "jira": ("project_key", "title", "description"),
}
_MAY_BE_BLANK = ("description", "body")
_CONTEXTS = {"github": ("repository", "number"), "jira": ("key",)}


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


def tracked_issue(integration: Document, place: str, number: int, title: str | None) -> Document:
    """Return an issue of a tracker, at a place there: a repository, or the key of a project."""
    return {
        "id": f"{integration['id']}/{place}/{number}",
        "integration": integration["id"],
        "external_id": str(number),
        "title": title,
        "repository": place,
        "url": f"https://{integration['kind']}.example/{place}/issues/{number}",
    }


def reference_to(reference_id: str, integration: Document, tracked: Document) -> Document:
    """Return a link to an issue of a tracker; `tracked` is its id there, and never shown."""
    return {
        "id": reference_id,
        "integration": {name: integration[name] for name in ("id", "kind", "display_name")},
        "external_url": tracked["url"],
        "external_id": tracked["external_id"],
        "title": tracked["title"],
        "tracked": tracked["id"],
    }


def create(call: Call) -> Response:
    """Open an issue at the tracker and link it to one of the project."""
    integration, issue, config = _checked(call, "config")
    _check_config(integration["kind"], config)
    number = len(call.store.all("tracked_issue", call.project_id)) + 1
    place = config.get("repository") or config.get("project_key") or config.get("team_id") or "project"
    tracked = tracked_issue(integration, str(place), number, str(config["title"]))
    call.store.add("tracked_issue", call.project_id, tracked)
    return json_answer(show(call, _tie(call, integration, issue, tracked)), 201)


def link_issue(call: Call) -> Response:
    """Link an issue that the tracker has already. The tracker is not asked, so that any issue can be named."""
    integration, issue, context = _checked(call, "external_context")
    place, number = _place(integration["kind"], context)
    tracked = call.store.get("tracked_issue", call.project_id, f"{integration['id']}/{place}/{number}")
    tracked = tracked or tracked_issue(integration, place, number, None)
    linked = [one for one in issue["external_issues"] if one["tracked"] == tracked["id"]]
    return json_answer(show(call, linked[0] if linked else _tie(call, integration, issue, tracked)), 201)


def search_issues(call: Call) -> Response:
    wanted = call.query.get("integration_id")
    if not wanted:
        raise required("integration_id")
    integration = _integration(call, integer(wanted, "integration_id"))
    text, repository = call.query.get("search", "").lower(), call.query.get("repository")
    if integration["kind"] == "github":
        if not repository:
            raise invalid("invalid_input", "A repository is required to search GitHub issues.")
        if "/" in repository:
            detail = "Pass the repository name without an owner; only the integration's account can be searched."
            raise invalid("invalid_input", detail)
        if call.features.tracker_throttles:  # PostHog's text of this error is not known
            raise HogError(429, "throttled_error", "throttled", "GitHub limits the rate of requests.")
    issues = [
        {
            "id": one["external_id"],
            "title": one["title"],
            "url": one["url"],
            "external_context": _context(integration["kind"], one),
        }
        for one in call.store.all("tracked_issue", call.project_id)
        if one["integration"] == integration["id"]
        and text in one["title"].lower()
        and (not repository or one["repository"] == repository)
    ]
    return json_answer({"issues": issues})


def _checked(call: Call, name: str) -> tuple[Document, Document, Document]:
    """Return the integration, the issue, and the object under a name, checked in PostHog's order."""
    fields = call.fields()
    for one in ("integration_id", "issue", name):
        if one not in fields:
            raise required(one)
    integration_id = integer(fields["integration_id"], "integration_id")
    if not is_uuid(fields["issue"]):
        raise invalid("invalid_input", "Must be a valid UUID.", "issue")
    issue = call.store.get("issue", call.project_id, uuid.UUID(str(fields["issue"])))
    if issue is None:
        raise invalid("invalid_input", "Issue does not belong to this team.")
    integration = _integration(call, integration_id)
    given: Any = fields[name]
    if name == "config" and not isinstance(given, dict):
        raise invalid("invalid_input", "External reference config must be an object.")
    return integration, issue, cast("Document", given) if isinstance(given, dict) else {}


def _integration(call: Call, integration_id: int) -> Document:
    found = call.store.get("integration", call.project_id, integration_id)
    if found is None:
        raise invalid("invalid_input", "Integration does not belong to this team.")
    return found


def _check_config(kind: str, config: Document) -> None:
    names = _CONFIG.get(kind)
    if names is None:
        raise server_error()  # PostHog's answer for other integrations is not known
    problems = {
        f"Missing required config fields for {kind}": [name for name in names if name not in config],
        f"Config fields for {kind} must be strings": [
            name for name in names if name in config and not isinstance(config[name], str)
        ],
        f"Config fields for {kind} cannot be blank": [
            name for name in names if name not in _MAY_BE_BLANK and not str(config.get(name, "")).strip()
        ],
    }
    for problem, of in problems.items():
        if of:
            raise invalid("invalid_input", f"{problem}: {', '.join(of)}.")


def _place(kind: str, context: Document) -> tuple[str, int]:
    """Return the repository or project, and the number, that a context names."""
    if kind == "jira":
        place, _, number = str(context.get("key") or "").rpartition("-")
    else:  # PostHog's contexts of the other kinds are not known
        place, number = context.get("repository"), str(context.get("number"))
        place = place if isinstance(place, str) and "/" not in place else ""
    if not place or not (number.isascii() and number.isdigit()) or int(number) < 1:
        fields = ", ".join(_CONTEXTS.get(kind, _CONTEXTS["github"]))
        raise invalid("invalid_input", f"Missing required external context fields for {kind}: {fields}.")
    return place, int(number)


def _context(kind: str, tracked: Document) -> Document:
    number = tracked["external_id"]
    if kind == "jira":
        return {"key": f"{tracked['repository']}-{number}"}
    return {"repository": tracked["repository"], "number": int(number)}


def _tie(call: Call, integration: Document, issue: Document, tracked: Document) -> Document:
    reference = reference_to(new_id(), integration, tracked)
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
