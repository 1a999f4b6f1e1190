"""Issues (contract 6.6)."""

import uuid
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox import activity, external_references, fingerprints
from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid, new_id
from mcp_errortracking.sandbox.errors import invalid, not_found, required, server_error
from mcp_errortracking.sandbox.issue_assignees import check_membership, read_bulk_assignee, read_issue_assignee
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.rules import SEVERITIES
from mcp_errortracking.sandbox.store import Document

KIND = "issue"
_UNTITLED = "Untitled issue"
_WRITABLE = ("active", "resolved", "suppressed")
_FIELDS = ("id", "status", "severity", "name", "description", "first_seen", "assignee", "external_issues", "cohort")


def show(call: Call, issue: Document) -> Document:
    """Return an issue as this server shows it."""
    shown = {name: issue[name] for name in _FIELDS if name != "severity" or call.features.issue_severity}
    links: list[Document] = issue["external_issues"]
    return shown | {"external_issues": [external_references.show(call, one) for one in links]}


def list_issues(call: Call) -> Response:
    newest_first = sorted(call.store.all(KIND, call.project_id), key=lambda one: one["id"], reverse=True)
    return json_answer(page(newest_first, call.query, call.url, lambda one: show(call, one)))


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
    _record(call, issue, changed)
    call.store.put(KIND, {**issue, **changed})
    return json_answer(show(call, {**issue, **changed}))


def assign(call: Call) -> Response:
    given = call.fields().get("assignee")
    assignee = None if given is None else read_issue_assignee(given)
    issue = _find(call)
    if assignee is not None:
        check_membership(call, assignee)
    _record(call, issue, {"assignee": assignee})
    call.store.put(KIND, {**issue, "assignee": assignee})
    return json_answer({"success": True})


def destroy(_call: Call) -> Response:
    return Response(status_code=405)


def merge(call: Call) -> Response:
    """Move the fingerprints and spikes of other issues here, and delete those issues; missing ones are left out."""
    ids, target = _ids(call), _find(call)
    found = (call.store.get(KIND, call.project_id, one) for one in dict.fromkeys(ids))
    sources = [one for one in found if one is not None and one["id"] != target["id"]]
    if call.features.merge_conflicts:
        raise invalid("invalid_input", "Issue fingerprints changed before merge. Please retry.")
    moved = [one["id"] for one in sources]
    for record in call.store.all(fingerprints.KIND, call.project_id):
        if record["issue_id"] in moved:
            call.store.put(fingerprints.KIND, {**record, "issue_id": target["id"]})
    named = {name: target[name] for name in ("id", "name", "description")}
    for spike in call.store.all("spike", call.project_id):
        if spike["issue"]["id"] in moved:
            call.store.put("spike", {**spike, "issue": named})
    for source in sources:
        call.store.remove(KIND, call.project_id, source["id"])
        for reference in source["external_issues"]:
            call.store.remove(external_references.KIND, call.project_id, reference["id"])
    if sources:
        seen = [one["first_seen"] for one in (target, *sources) if one["first_seen"] is not None]
        held = {str(one["assignee"]): one["assignee"] for one in sources if one["assignee"] is not None}
        assignee = next(iter(held.values())) if target["assignee"] is None and len(held) == 1 else target["assignee"]
        call.store.put(KIND, {**target, "first_seen": min(seen, default=None), "assignee": assignee})
        activity.record(call, target, "merged", {"merged_issue_ids": moved})
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
        own = {"name": one.get("name") or _UNTITLED, "description": one.get("description")}
        split_off: Document = {
            "id": new_id(),
            "status": "active",
            "severity": None,
            **own,
            "first_seen": record["first_seen"],
            "assignee": None,
            "external_issues": [],
            "cohort": None,
        }
        call.store.add(KIND, call.project_id, split_off)
        call.store.put(fingerprints.KIND, {**record, "issue_id": split_off["id"]})
        made.append(split_off["id"])
    if made:
        for spike in call.store.all("spike", call.project_id):
            if spike["issue"]["id"] == issue["id"]:
                call.store.remove("spike", call.project_id, spike["id"])
        activity.record_changes(call, issue, "split", [{"after": made}])  # the name of its field is not known
    return json_answer({"success": True, "new_issue_ids": made})


def bulk(call: Call) -> Response:
    """Change several issues at once. No serializer is run: what is missing or unknown does nothing."""
    fields = call.fields()
    ids: Any = fields.get("ids") or []
    if not isinstance(ids, list) or not all(is_uuid(one) for one in cast("list[Any]", ids)):
        raise server_error()
    if fields.get("action") == "set_status":
        if fields.get("status") not in _WRITABLE:
            raise invalid("invalid_input", "Invalid status")
        changed: Document = {"status": fields["status"]}
    elif fields.get("action") == "assign":
        given = fields.get("assignee")
        changed = {"assignee": None if given is None else read_bulk_assignee(call, given)}
    else:
        return json_answer({"success": True})
    for one in cast("list[Any]", ids):
        issue = call.store.get(KIND, call.project_id, uuid.UUID(str(one)))
        if issue is not None:
            _record(call, issue, changed)
            call.store.put(KIND, {**issue, **changed})
    return json_answer({"success": True})


def _record(call: Call, issue: Document, changed: Document) -> None:
    """Record what PostHog records of a change: status, severity or assignee."""
    if "assignee" in changed:
        activity.record(call, issue, "assigned", {"assignee": changed["assignee"]})
    logged = {name: changed[name] for name in ("status", "severity") if name in changed}
    activity.record(call, issue, "updated", logged)


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
    found = [issue.get(field) or "" for issue in call.store.all(KIND, call.project_id)] if field and text else []
    names = [{"name": name} for name in dict.fromkeys(found) if text in name.lower()]
    return json_answer({"results": names, "refreshing": False} if call.features.issue_actions else names)


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
    Route(
        "issues/{id}",
        {
            "GET": Action(retrieve),
            "PATCH": Action(update, (WRITE,)),
            "PUT": Action(update, (WRITE,)),
            "DELETE": Action(destroy, (WRITE,)),
        },
    ),
    Route("issues/{id}/merge", {"POST": _late(merge)}),
    Route("issues/{id}/split", {"POST": _late(split)}),
    Route("issues/{id}/assign", {"PATCH": _late(assign)}),
    Route("issues/{id}/cohort", {"PUT": _late(cohort)}),
]
