"""Issues (contract 6.6)."""

import uuid
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox import fingerprints
from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id, now
from mcp_errortracking.sandbox.errors import BareError, invalid, not_found, required, server_error
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.rules import SEVERITIES, check_assignee_exists, read_assignee
from mcp_errortracking.sandbox.store import Document

KIND = "issue"
_WRITABLE = ("active", "resolved", "suppressed")


def list_issues(call: Call) -> Response:
    return json_answer(page(call.store.all(KIND, call.project_id), call.query, call.url, lambda issue: issue))


def retrieve(call: Call) -> Response:
    issue_id = call.parameters["id"]
    if not is_uuid(issue_id):
        raise server_error()
    wanted = call.query.get("fingerprint")
    record = call.store.find(fingerprints.KIND, call.project_id, wanted) if wanted else None
    if record is not None and record["issue_id"] != str(uuid.UUID(issue_id)):
        return json_answer({"issue_id": record["issue_id"]}, 308)
    return json_answer(_find(call))


def exists(call: Call) -> Response:
    return json_answer({"exists": bool(call.store.all(KIND, call.project_id))})


def update(call: Call) -> Response:
    fields = call.fields()
    changed = Document()
    for name, choices in (("status", _WRITABLE), ("severity", SEVERITIES)):
        if name not in fields:
            continue
        value = fields[name]
        if value not in choices and not (name == "severity" and value is None):
            raise invalid("invalid_choice", f'"{value}" is not a valid choice.', name)
        changed[name] = value
    changed |= {name: fields[name] for name in ("name", "description") if name in fields}
    issue = {**_find(call), **changed}
    call.store.put(KIND, issue)
    return json_answer(issue)


def assign(call: Call) -> Response:
    issue, given = _find(call), call.fields().get("assignee")
    assignee = None
    if given is not None:
        assignee = read_assignee(given)
        check_assignee_exists(call, assignee)
    call.store.put(KIND, {**issue, "assignee": assignee})
    return json_answer({"success": True})


def merge(call: Call) -> Response:
    ids: Any = call.fields().get("ids")
    if ids is None:
        raise required("ids")
    if not isinstance(ids, list) or not ids:
        raise invalid("empty", "This list may not be empty.", "ids")
    target = _find(call)
    sources = [_by_id(call, one) for one in cast("list[Any]", ids)]
    sources = [one for one in sources if one["id"] != target["id"]]
    moved = [one["id"] for one in sources]
    for record in call.store.all(fingerprints.KIND, call.project_id):
        if record["issue_id"] in moved:
            call.store.put(fingerprints.KIND, {**record, "issue_id": target["id"]})
    for source in sources:
        call.store.remove(KIND, call.project_id, source["id"])
    return json_answer({"success": bool(sources)})


def split(call: Call) -> Response:
    issue, made = _find(call), list[str]()
    given: Any = call.fields().get("fingerprints", [])
    if not isinstance(given, list):
        raise invalid("not_a_list", f'Expected a list of items but got type "{type(given).__name__}".', "fingerprints")
    for entry in cast("list[Any]", given):
        wanted = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        if "fingerprint" not in wanted:
            raise required("fingerprints__0__fingerprint")
        record = call.store.find(fingerprints.KIND, call.project_id, str(wanted["fingerprint"]))
        if record is None or record["issue_id"] != issue["id"]:
            continue
        own = {"id": new_id(), "name": wanted.get("name") or issue["name"], "first_seen": now()}
        own["description"] = wanted.get("description") or issue["description"]
        call.store.add(KIND, call.project_id, {**issue, **own, "status": "active", "assignee": None})
        call.store.put(fingerprints.KIND, {**record, "issue_id": own["id"]})
        made.append(own["id"])
    return json_answer({"success": True, "new_issue_ids": made})


def bulk(call: Call) -> Response:
    fields = call.fields()
    ids: Any = fields.get("ids", [])
    issues = [_by_id(call, one) for one in ids]
    if fields.get("action") == "set_status":
        if fields.get("status") not in _WRITABLE:
            raise invalid("invalid_input", "Invalid status")
        changed: Document = {"status": fields["status"]}
    elif fields.get("action") == "assign":
        given = fields.get("assignee")
        changed = {"assignee": read_assignee(given) if given is not None else None}
    else:
        raise invalid("invalid_choice", f'"{fields.get("action")}" is not a valid choice.', "action")
    for issue in issues:
        call.store.put(KIND, {**issue, **changed})
    return json_answer({"success": True})


def cohort(call: Call) -> Response:
    wanted = call.fields().get("cohortId")
    if not wanted:
        raise BareError(400, "Please provide a cohort id")
    raise not_found("Cohort not found")


def values(call: Call) -> Response:
    field = {"name": "name", "issue_description": "description"}.get(call.query.get("key", ""))
    text = call.query.get("value", "").lower()
    found = [issue.get(field) or "" for issue in call.store.all(KIND, call.project_id)] if field else []
    names = [{"name": name} for name in dict.fromkeys(found) if text in name.lower()]
    return json_answer({"results": names, "refreshing": False})


def _find(call: Call) -> Document:
    return _by_id(call, call.parameters["id"])


def _by_id(call: Call, issue_id: Any) -> Document:
    if not is_uuid(issue_id):
        raise server_error()
    issue = call.store.get(KIND, call.project_id, uuid.UUID(str(issue_id)))
    if issue is None:
        raise not_found("Issue not found")
    return issue


ROUTES = [
    Route("issues", {"GET": Action(list_issues)}),
    Route("issues/exists", {"GET": Action(exists)}),
    Route("issues/bulk", {"POST": Action(bulk, (WRITE,))}),
    Route("issues/values", {"GET": Action(values)}),
    Route("issues/{id}", {"GET": Action(retrieve), "PATCH": Action(update, (WRITE,)), "PUT": Action(update, (WRITE,))}),
    Route("issues/{id}/merge", {"POST": Action(merge, (WRITE,))}),
    Route("issues/{id}/split", {"POST": Action(split, (WRITE,))}),
    Route("issues/{id}/assign", {"PATCH": Action(assign, (WRITE,))}),
    Route("issues/{id}/cohort", {"PUT": Action(cohort, (WRITE,))}),
]
