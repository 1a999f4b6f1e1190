"""Assignment rules (contract 3)."""

from typing import Any

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer, no_content
from mcp_errortracking.sandbox.clock import new_id, now
from mcp_errortracking.sandbox.compilation import check_compiles
from mcp_errortracking.sandbox.errors import BareError, ErrorAnswer, null, required, server_error
from mcp_errortracking.sandbox.filters import check_filters
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.rules import INT32, check_assignee_exists, integer, read_assignee, reorder_route
from mcp_errortracking.sandbox.store import Document

KIND = "assignment_rule"


def show(call: Call, rule: Document) -> Document:
    """Return a rule as this server shows it."""
    if call.features.rule_timestamps:
        return rule
    return {name: value for name, value in rule.items() if name not in ("created_at", "updated_at")}


def list_rules(call: Call) -> Response:
    rules = sorted(call.store.all(KIND, call.project_id), key=lambda rule: rule["order_key"])
    return json_answer(page(rules, call.query, call.url, lambda rule: show(call, rule)))


def create(call: Call) -> Response:
    fields = call.fields()
    if not call.features.rule_serializers:
        for name in ("filters", "assignee"):
            if not fields.get(name):
                raise BareError(
                    400, f"{name.title()} are required" if name == "filters" else "Assignee is required", "error"
                )
    for name in ("filters", "assignee"):
        if name not in fields:
            raise required(name)
        if fields[name] is None:
            raise null(name)
        if name == "filters":
            _check(call, lambda: check_filters(fields["filters"]))
    assignee = _assignee(call, fields["assignee"])
    check_compiles(fields["filters"])
    order_key = integer(fields["order_key"], "order_key") if "order_key" in fields else 0
    if not call.features.order_key_on_create:
        order_key = 0
    if order_key not in INT32:
        raise server_error()
    check_assignee_exists(call, assignee)
    stamp = now()
    rule: Document = {
        "id": new_id(),
        "filters": fields["filters"],
        "assignee": assignee,
        "order_key": order_key,
        "disabled_data": None,
        "created_at": stamp,
        "updated_at": stamp,
    }
    call.store.add(KIND, call.project_id, rule)
    return json_answer(show(call, rule), 201)


def retrieve(call: Call) -> Response:
    return json_answer(show(call, find(call, KIND)))


def update(call: Call) -> Response:
    # The body is checked before the rule is looked up.
    fields = call.fields()
    changed = Document()
    if fields.get("filters") is not None:
        _check(call, lambda: check_filters(fields["filters"]))
        changed["filters"] = fields["filters"]
    if fields.get("assignee") is not None:
        changed["assignee"] = _assignee(call, fields["assignee"])
    rule = find(call, KIND)
    if "filters" in changed:
        check_compiles(changed["filters"])
    if "assignee" in changed:
        check_assignee_exists(call, changed["assignee"])
    if call.features.patch_reenables:
        changed["disabled_data"] = None
    call.store.put(KIND, {**rule, **changed, "updated_at": now()})
    return no_content()


def destroy(call: Call) -> Response:
    rule = find(call, KIND)
    call.store.remove(KIND, call.project_id, rule["id"])
    return no_content()


def _check(call: Call, check: Any) -> None:
    """Run a check; servers without serializers fail with 500 instead of its refusal."""
    try:
        check()
    except ErrorAnswer:
        if not call.features.rule_serializers:
            raise server_error() from None
        raise


def _assignee(call: Call, value: Any) -> Document:
    found = Document()
    _check(call, lambda: found.update(read_assignee(value)))
    return found


ROUTES = [
    Route("assignment_rules", {"GET": Action(list_rules), "POST": Action(create, (WRITE,))}),
    reorder_route(KIND, "assignment_rules"),
    Route(
        "assignment_rules/{id}",
        {
            "GET": Action(retrieve),
            "PATCH": Action(update, (WRITE,)),
            "PUT": Action(update, (WRITE,)),
            "DELETE": Action(destroy, (WRITE,)),
        },
    ),
]
