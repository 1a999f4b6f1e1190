"""Assignment rules (contract 3)."""

import re
import uuid
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer, no_content
from mcp_errortracking.sandbox.clock import is_uuid, new_id, now
from mcp_errortracking.sandbox.errors import BareError, ErrorAnswer, invalid, not_found, null, required, server_error
from mcp_errortracking.sandbox.filters import check_filters
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "assignment_rule"
_INT32 = range(-(2**31), 2**31)
_WHOLE = re.compile(r"-?\d+(\.0*)?")
_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def show(call: Call, rule: Document) -> Document:
    """A rule as this server shows it."""
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
    order_key = _integer(fields["order_key"], "order_key") if "order_key" in fields else 0
    if not call.features.order_key_on_create:
        order_key = 0
    if order_key not in _INT32:
        raise server_error()
    _check_assignee_exists(call, assignee)
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
    return json_answer(show(call, _find(call)))


def update(call: Call) -> Response:
    # The body is looked at before the rule is looked up.
    fields = call.fields()
    changed = Document()
    if fields.get("filters") is not None:
        _check(call, lambda: check_filters(fields["filters"]))
        changed["filters"] = fields["filters"]
    if fields.get("assignee") is not None:
        changed["assignee"] = _assignee(call, fields["assignee"])
    rule = _find(call)
    if "assignee" in changed:
        _check_assignee_exists(call, changed["assignee"])
    if call.features.patch_reenables:
        changed["disabled_data"] = None
    call.store.put(KIND, {**rule, **changed, "updated_at": now()})
    return no_content()


def destroy(call: Call) -> Response:
    rule = _find(call)
    call.store.remove(KIND, call.project_id, rule["id"])
    return no_content()


def reorder(call: Call) -> Response:
    fields = call.fields()
    if call.features.reorder_ignores:
        return no_content()
    if "orders" not in fields:
        raise required("orders")
    orders = fields["orders"]
    if orders is None:
        raise null("orders")
    if not isinstance(orders, dict):
        detail = f'Expected a dictionary of items but got type "{type(orders).__name__}".'
        raise invalid("not_a_dict", detail, "orders")
    wanted = {key: _integer(value, f"orders__{key}") for key, value in cast("dict[str, Any]", orders).items()}
    for key, order_key in wanted.items():
        if not is_uuid(key) or order_key not in _INT32:
            raise server_error()
        rule = call.store.get(KIND, call.project_id, uuid.UUID(key))
        if rule is not None:
            if not _CANONICAL.fullmatch(key):
                raise server_error()
            call.store.put(KIND, {**rule, "order_key": order_key})
    return no_content()


def _find(call: Call) -> Document:
    rule_id = call.parameters["id"]
    if not is_uuid(rule_id):
        raise server_error() if call.features.rule_serializers else not_found()
    rule = call.store.get(KIND, call.project_id, uuid.UUID(rule_id))
    if rule is None:
        raise not_found()
    return rule


def _check(call: Call, check: Any) -> None:
    """Runs a check; servers without serializers fail with 500 where it refuses."""
    try:
        check()
    except ErrorAnswer:
        if not call.features.rule_serializers:
            raise server_error() from None
        raise


def _assignee(call: Call, value: Any) -> Document:
    found = Document()
    _check(call, lambda: found.update(_read_assignee(value)))
    return found


def _read_assignee(value: Any) -> Document:
    if not isinstance(value, dict):
        detail = f"Invalid data. Expected a dictionary, but got {type(value).__name__}."
        raise invalid("invalid_input", detail, "assignee__non_field_errors")
    fields = cast("dict[str, Any]", value)
    for name in ("type", "id"):
        if name not in fields:
            raise required(f"assignee__{name}")
        if fields[name] is None:
            raise null(f"assignee__{name}")
        if name == "type" and fields["type"] not in ("user", "role"):
            raise invalid("invalid_choice", f'"{fields["type"]}" is not a valid choice.', "assignee__type")
    number = _assignee_id(fields["id"])
    if fields["type"] == "user" and not isinstance(number, int):
        raise invalid("invalid_input", "User assignee IDs must be integers.", "assignee__id")
    if fields["type"] == "role" and not isinstance(number, str):
        raise invalid("invalid_input", "Role assignee IDs must be UUIDs.", "assignee__id")
    return {"type": fields["type"], "id": number}


def _assignee_id(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if is_uuid(value):  # 32 digits are read as a UUID first
            return str(uuid.UUID(value))
        if value.strip().lstrip("-").isdigit():
            return int(value)
    raise invalid("invalid_input", "Expected an integer user ID or UUID role ID.", "assignee__id")


def _integer(value: Any, attr: str) -> int:
    if value is None:
        raise null(attr)
    if isinstance(value, int | float | str) and _WHOLE.fullmatch(str(value).strip()):
        return int(float(value)) if isinstance(value, float) else int(str(value).strip().partition(".")[0])
    raise invalid("invalid_input", "A valid integer is required.", attr)


def _check_assignee_exists(call: Call, assignee: Document) -> None:
    # Nothing checks it before the insert, so it ends in a foreign-key error.
    if call.store.get(assignee["type"], None, assignee["id"]) is None:
        raise server_error()


ROUTES = [
    Route("assignment_rules", {"GET": Action(list_rules), "POST": Action(create, (WRITE,))}),
    Route("assignment_rules/reorder", {"PATCH": Action(reorder, (WRITE,))}),
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
