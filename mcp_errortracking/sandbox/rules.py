"""Shared parts of the kinds of rules (contract 3, 6.2 to 6.5): lookup, order, deletion, assignees.

The kinds: assignment (a file of its own: it is the oldest), grouping, suppression, bypass and severity.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer, no_content
from mcp_errortracking.sandbox.clock import is_uuid, new_id, now
from mcp_errortracking.sandbox.compilation import bytecode_size, check_compiles
from mcp_errortracking.sandbox.errors import invalid, null, required, server_error
from mcp_errortracking.sandbox.filters import check_filters, has_condition
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

INT32 = range(-(2**31), 2**31)
SEVERITIES = ("low", "medium", "high", "critical")
_MATCH_ALL: Document = {"type": "AND", "values": []}
_MOST_BYTECODE = 10_000
_WHOLE = re.compile(r"-?\d+(\.0*)?")
_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def integer(value: Any, attr: str, least: int | None = None) -> int:
    """Return a whole number as the serializers read it."""
    if value is None:
        raise null(attr)
    if isinstance(value, int | float | str) and _WHOLE.fullmatch(str(value).strip()):
        found = int(float(value)) if isinstance(value, float) else int(str(value).strip().partition(".")[0])
        if least is not None and found < least:
            raise invalid("min_value", f"Ensure this value is greater than or equal to {least}.", attr)
        return found
    raise invalid("invalid_input", "A valid integer is required.", attr)


def reorder_route(kind: str, path: str, since: str | None = None) -> Route:
    """Return the route that reorders the rules of a kind."""
    return Route(f"{path}/reorder", {"PATCH": Action(_reorder(kind), (WRITE,), since="reorder_scope")}, since)


def _reorder(kind: str) -> Callable[[Call], Response]:

    def view(call: Call) -> Response:
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
        wanted = {key: integer(value, f"orders__{key}") for key, value in cast("dict[str, Any]", orders).items()}
        for key, order_key in wanted.items():
            if not is_uuid(key) or order_key not in INT32:
                raise server_error()
            rule = call.store.get(kind, call.project_id, uuid.UUID(key))
            if rule is not None:
                if not _CANONICAL.fullmatch(key):
                    raise server_error()
                call.store.put(kind, {**rule, "order_key": order_key})
        return no_content()

    return view


def read_assignee(value: Any) -> Document:
    """Return an assignee as the serializer reads it."""
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


def check_assignee_exists(call: Call, assignee: Document) -> None:
    """Fail as PostHog does, with a foreign-key error: it does not check the assignee before the insert."""
    if call.store.get(assignee["type"], None, assignee["id"]) is None:
        raise server_error()


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of rule: its path, its fields other than filters, and if its list is paged."""

    name: str
    path: str
    read: Callable[[Call, Document, bool], Document]
    paged: bool = True
    most: int | None = None
    since: str | None = None

    def routes(self) -> list[Route]:
        return [
            Route(self.path, {"GET": Action(self._list), "POST": Action(self._create, (WRITE,))}, self.since),
            reorder_route(self.name, self.path, self.since),
            Route(
                f"{self.path}/{{id}}",
                {
                    "GET": Action(lambda call: json_answer(_show(call, find(call, self.name)))),
                    "PATCH": Action(self._update, (WRITE,)),
                    "PUT": Action(self._update, (WRITE,)),
                    "DELETE": Action(self._destroy, (WRITE,)),
                },
                self.since,
            ),
        ]

    def _list(self, call: Call) -> Response:
        rules = call.store.all(self.name, call.project_id)
        rules.sort(key=lambda rule: (rule["order_key"], rule["created_at"], rule["id"]))
        if self.paged or (self.name == "grouping_rule" and call.features.grouping_pages):
            return json_answer(page(rules, call.query, call.url, lambda rule: _show(call, rule)))
        return json_answer({"results": [_show(call, rule) for rule in rules]})

    def _create(self, call: Call) -> Response:
        stamp = now()
        own = self.read(call, call.fields(), True)
        if self.most is not None and len(call.store.all(self.name, call.project_id)) >= self.most:
            raise invalid("invalid_input", f"A project can have at most {self.most} severity rules.")
        rule = {"id": new_id(), "order_key": 0, **own, "disabled_data": None, "created_at": stamp, "updated_at": stamp}
        call.store.add(self.name, call.project_id, rule)
        return json_answer(_show(call, rule), 201)

    def _update(self, call: Call) -> Response:
        changed = self.read(call, call.fields(), False)
        rule = find(call, self.name)
        reenabled = "filters" in changed or self.name != "severity_rule"
        cleared = {"disabled_data": None} if reenabled and call.features.patch_reenables else {}
        call.store.put(self.name, {**rule, **changed, **cleared, "updated_at": now()})
        return no_content()

    def _destroy(self, call: Call) -> Response:
        call.store.remove(self.name, call.project_id, find(call, self.name)["id"])
        return no_content()


def _show(call: Call, rule: Document) -> Document:
    """Return a rule as this server shows it."""
    if call.features.sampling_rate:
        return rule
    return {name: value for name, value in rule.items() if name != "sampling_rate"}


def _filters(fields: Document, *, needed: str | None) -> Document:
    """Return the filters, if given; `needed` is the message for filters without a condition."""
    filters = fields.get("filters")
    if filters is None:
        return {}
    check_filters(filters)
    if needed is not None and not has_condition(filters):
        raise invalid("invalid_input", needed, "filters")
    check_compiles(filters)
    return {"filters": filters}


def _need(fields: Document, *names: str) -> None:
    for name in names:
        if name not in fields:
            raise required(name)
        if fields[name] is None:
            raise null(name)


def _grouping(call: Call, fields: Document, is_new: bool) -> Document:
    if not is_new:
        return _filters(fields, needed="Filters must contain at least one filter value.")
    _need(fields, "filters")
    own = _filters(fields, needed="Filters must contain at least one filter value.")
    assignee = None
    if fields.get("assignee") is not None:
        assignee = read_assignee(fields["assignee"])
        check_assignee_exists(call, assignee)
    description: Any = fields.get("description")
    if description is not None and not isinstance(description, str):
        raise invalid("invalid_input", "Not a valid string.", "description")
    return {**own, "assignee": assignee, "description": description, "issue": None}


def _suppression(_call: Call, fields: Document, is_new: bool) -> Document:
    filters: Any = fields.get("filters")
    own = Document()
    if filters is not None:
        if not isinstance(filters, dict):
            raise invalid("invalid_input", "Expected an object.", "filters")
        if "values" not in filters:
            raise invalid("invalid_input", "Invalid filters", "filters")
        own["filters"] = _filters(fields, needed=None)["filters"]
    elif is_new:
        own["filters"] = _MATCH_ALL
    rate = fields.get("sampling_rate", 1.0 if is_new else None)
    if rate is not None:
        if isinstance(rate, bool) or not isinstance(rate, int | float):
            raise invalid("invalid_input", "A valid number is required.", "sampling_rate")
        if not 0 <= rate <= 1:
            bound = "less than or equal to 1.0" if rate > 1 else "greater than or equal to 0.0"
            raise invalid("max_value" if rate > 1 else "min_value", f"Ensure this value is {bound}.", "sampling_rate")
        own["sampling_rate"] = float(rate)
    return own


def _bypass(_call: Call, fields: Document, is_new: bool) -> Document:
    if is_new:
        _need(fields, "filters")
    return _filters(fields, needed="A bypass rule must have at least one filter.")


def _severity(_call: Call, fields: Document, is_new: bool) -> Document:
    if is_new:
        _need(fields, "filters", "severity")
    own = _filters(fields, needed=None)
    if own and bytecode_size(own["filters"]) > _MOST_BYTECODE:
        raise invalid("invalid_input", f"Severity rule bytecode cannot exceed {_MOST_BYTECODE} operations.")
    severity = fields.get("severity")
    if severity is not None:
        if severity not in SEVERITIES:
            raise invalid("invalid_choice", f'"{severity}" is not a valid choice.', "severity")
        own["severity"] = severity
    if is_new and "order_key" in fields:
        own["order_key"] = integer(fields["order_key"], "order_key")
    return own


GROUPING = _Kind("grouping_rule", "grouping_rules", _grouping, paged=False)
SUPPRESSION = _Kind("suppression_rule", "suppression_rules", _suppression)
BYPASS = _Kind("bypass_rule", "bypass_rules", _bypass, since="bypass_rules")
SEVERITY = _Kind("severity_rule", "severity_rules", _severity, paged=False, most=100, since="severity_rules")

ROUTES = [route for kind in (GROUPING, SUPPRESSION, BYPASS, SEVERITY) for route in kind.routes()]
