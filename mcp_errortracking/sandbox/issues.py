"""Issues (contract 6.6)."""

import uuid
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox import activity, external_references, fingerprints
from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id
from mcp_errortracking.sandbox.errors import invalid, not_found, required, server_error
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.rules import SEVERITIES, check_assignee_exists, read_assignee
from mcp_errortracking.sandbox.store import Document

KIND = "issue"
_WRITABLE = ("active", "resolved", "suppressed")
_FIELDS = ("id", "status", "severity", "name", "description", "first_seen", "assignee", "external_issues", "cohort")


def show(call: Call, issue: Document) -> Document:
    """Return an issue as this server shows it."""
    shown = {name: issue[name] for name in _FIELDS if name != "severity" or call.features.issue_severity}
    links: list[Document] = issue["external_issues"]
    return shown | {"external_issues": [external_references.show(call, one) for one in links]}


def list_issues(call: Call) -> Response:
    return json_answer(page(call.store.all(KIND, call.project_id), call.query, call.url, lambda one: show(call, one)))


def retrieve(call: Call) -> Response:
    issue_id = call.parameters["id"]
    if not is_uuid(issue_id):
        raise server_error()
    wanted = call.query.get("fingerprint")
    record = call.store.find(fingerprints.KIND, call.project_id, wanted) if wanted else None
    if record is not None and record["issue_id"] != str(uuid.UUID(issue_id)):
        return json_answer({"issue_id": record["issue_id"]}, 308)
    return json_answer(show(call, _find(call)))


def exists(call: Call) -> Response:
    return json_answer({"exists": bool(call.store.all(KIND, call.project_id))})


def update(call: Call) -> Response:
    fields = call.fields()
    changed = Document()
    for name, choices in (("status", _WRITABLE), ("severity", SEVERITIES)):
        if name not in fields or (name == "severity" and not call.features.issue_severity):
            continue
        value = fields[name]
        if value not in choices and not (name == "severity" and value is None):
            raise invalid("invalid_choice", f'"{value}" is not a valid choice.', name)
        changed[name] = value
    for name in ("name", "description"):
        if name not in fields:
            continue
        if fields[name] is not None and not isinstance(fields[name], str):
            raise invalid("invalid_input", "Not a valid string.", name)
        changed[name] = fields[name]
    issue = _find(call)
    activity.record(call, issue, "updated", changed)
    call.store.put(KIND, {**issue, **changed})
    return json_answer(show(call, {**issue, **changed}))


def assign(call: Call) -> Response:
    assignee = _assignee(call)
    issue = _find(call)
    activity.record(call, issue, "assigned", {"assignee": assignee})
    call.store.put(KIND, {**issue, "assignee": assignee})
    return json_answer({"success": True})


def merge(call: Call) -> Response:
    """Move the fingerprints of other issues here, and delete those issues."""
    ids, target = _ids(call), _find(call)
    sources = [one for one in (_by_id(call, one) for one in ids) if one["id"] != target["id"]]
    if call.features.merge_conflicts:
        raise invalid("invalid_input", "Issue fingerprints changed before merge. Please retry.")
    moved = [one["id"] for one in sources]
    for record in call.store.all(fingerprints.KIND, call.project_id):
        if record["issue_id"] in moved:
            call.store.put(fingerprints.KIND, {**record, "issue_id": target["id"]})
    for source in sources:
        call.store.remove(KIND, call.project_id, source["id"])
    if sources:
        seen = [one["first_seen"] for one in (target, *sources) if one["first_seen"] is not None]
        call.store.put(KIND, {**target, "first_seen": min(seen, default=None)})
        activity.record(call, target, "merged")
    return json_answer({"success": bool(sources)})


def split(call: Call) -> Response:
    """Make an issue of each fingerprint named; those that the issue does not own are skipped."""
    made = list[str]()
    wanted = _fingerprints(call)
    issue = _find(call)
    for one in wanted:
        record = call.store.find(fingerprints.KIND, call.project_id, one["fingerprint"])
        if record is None or record["issue_id"] != issue["id"]:
            continue
        own = {name: one.get(name) or issue[name] for name in ("name", "description")}
        fresh: Document = {"id": new_id(), "status": "active", "assignee": None, "external_issues": [], "cohort": None}
        split_off: Document = {**issue, **own, **fresh, "first_seen": record["first_seen"]}
        call.store.add(KIND, call.project_id, split_off)
        call.store.put(fingerprints.KIND, {**record, "issue_id": split_off["id"]})
        made.append(split_off["id"])
    if made:
        activity.record(call, issue, "split")
    return json_answer({"success": True, "new_issue_ids": made})


def bulk(call: Call) -> Response:
    """Change several issues at once; unknown ids are skipped."""
    fields = call.fields()
    ids = _ids(call)
    if fields.get("action") == "set_status":
        if fields.get("status") not in _WRITABLE:
            raise invalid("invalid_input", "Invalid status")
        changed: Document = {"status": fields["status"]}
    elif fields.get("action") == "assign":
        changed = {"assignee": _assignee(call)}
    elif "action" not in fields:
        raise required("action")
    else:
        raise invalid("invalid_choice", f'"{fields["action"]}" is not a valid choice.', "action")
    for one in ids:
        issue = call.store.get(KIND, call.project_id, one)
        if issue is not None:
            activity.record(call, issue, "updated" if "status" in changed else "assigned", changed)
            call.store.put(KIND, {**issue, **changed})
    return json_answer({"success": True})


def cohort(call: Call) -> Response:
    issue, wanted = _find(call), call.fields().get("cohortId")
    if not wanted:
        raise invalid("invalid_input", "Please provide a cohort id")
    found = call.store.get("cohort", call.project_id, wanted)
    if found is None:
        raise not_found("Cohort not found")
    call.store.put(KIND, {**issue, "cohort": {name: found[name] for name in ("id", "name")}})
    return json_answer({"success": True})


def values(call: Call) -> Response:
    field = {"name": "name", "issue_description": "description"}.get(call.query.get("key", ""))
    text = call.query.get("value", "").lower()
    found = [issue.get(field) or "" for issue in call.store.all(KIND, call.project_id)] if field else []
    names = [{"name": name} for name in dict.fromkeys(found) if text in name.lower()]
    return json_answer({"results": names, "refreshing": False} if call.features.issue_actions else names)


def _assignee(call: Call) -> Document | None:
    given = call.fields().get("assignee")
    if given is None:
        return None
    assignee = read_assignee(given)
    check_assignee_exists(call, assignee)
    return assignee


def _ids(call: Call) -> list[str]:
    ids: Any = call.fields().get("ids")
    if ids is None:
        raise required("ids")
    if not isinstance(ids, list):
        raise invalid("not_a_list", f'Expected a list of items but got type "{type(ids).__name__}".', "ids")
    if not ids:
        raise invalid("empty", "This list may not be empty.", "ids")
    for index, one in enumerate(cast("list[Any]", ids)):
        if not is_uuid(one):
            raise invalid("invalid_input", "Must be a valid UUID.", f"ids__{index}")
    return [str(uuid.UUID(one)) for one in cast("list[Any]", ids)]


def _fingerprints(call: Call) -> list[Document]:
    given: Any = call.fields().get("fingerprints", [])
    if not isinstance(given, list):
        raise invalid("not_a_list", f'Expected a list of items but got type "{type(given).__name__}".', "fingerprints")
    wanted = list[Document]()
    for index, entry in enumerate(cast("list[Any]", given)):
        one = cast("Document", entry) if isinstance(entry, dict) else {}
        if "fingerprint" not in one:
            raise required(f"fingerprints__{index}__fingerprint")
        wanted.append({**one, "fingerprint": str(one["fingerprint"])})
    return wanted


def _find(call: Call) -> Document:
    return _by_id(call, call.parameters["id"])


def _by_id(call: Call, issue_id: str) -> Document:
    if not is_uuid(issue_id):
        raise server_error()
    issue = call.store.get(KIND, call.project_id, uuid.UUID(issue_id))
    if issue is None:
        raise not_found("Issue not found")
    return issue


def _late(view: Any, scope: str = WRITE) -> Action:
    """Return an action that API keys may use only since April 2026."""
    return Action(view, (scope,), since="issue_actions")


ROUTES = [
    Route("issues", {"GET": Action(list_issues)}),
    Route("issues/exists", {"GET": Action(exists)}),
    Route("issues/bulk", {"POST": _late(bulk)}),
    Route("issues/values", {"GET": _late(values, "error_tracking:read")}),
    Route("issues/{id}", {"GET": Action(retrieve), "PATCH": Action(update, (WRITE,)), "PUT": Action(update, (WRITE,))}),
    Route("issues/{id}/merge", {"POST": _late(merge)}),
    Route("issues/{id}/split", {"POST": _late(split)}),
    Route("issues/{id}/assign", {"PATCH": _late(assign)}),
    Route("issues/{id}/cohort", {"PUT": _late(cohort)}),
]
