"""Assignees of issues, which only members and roles of the organization can be (contract 6.6)."""

import uuid
from typing import Any, cast

from mcp_errortracking.sandbox.call import Call
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import invalid, null, required
from mcp_errortracking.sandbox.store import Document


def read_issue_assignee(value: Any) -> Document:
    """Return an assignee as the serializer of `assign` reads it.

    Raises:
        ErrorAnswer: 400.
    """
    if not isinstance(value, dict):
        detail = f"Invalid data. Expected a dictionary, but got {type(value).__name__}."
        raise invalid("invalid_input", detail, "assignee__non_field_errors")
    fields = cast("dict[str, Any]", value)
    for name in ("id", "type"):
        if name not in fields:
            raise required(f"assignee__{name}")
        if fields[name] is None:
            raise null(f"assignee__{name}")
    wanted, kind = fields["id"], fields["type"]
    if kind not in ("user", "role"):
        raise invalid("invalid_choice", f'"{kind}" is not a valid choice.', "assignee__type")
    if isinstance(wanted, bool) or not isinstance(wanted, int | str):
        raise invalid("invalid_input", "Expected a user ID or role UUID.", "assignee__id")
    if kind == "user":
        if not str(wanted).isdigit():
            raise invalid("invalid_input", "Provide a numeric user ID.", "assignee__id")
        return {"type": kind, "id": int(wanted)}
    if not is_uuid(wanted):
        raise invalid("invalid_input", "Provide a valid role UUID.", "assignee__id")
    return {"type": kind, "id": str(uuid.UUID(str(wanted)))}


def read_bulk_assignee(call: Call, value: Any) -> Document:
    """Return an assignee as `bulk` reads it, which runs no serializer.

    Raises:
        ErrorAnswer: 400.
    """
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    kind, wanted = fields.get("type"), fields.get("id")
    if kind not in ("user", "role"):
        raise invalid("invalid_input", "Assignee type must be 'user' or 'role'.")
    if kind == "user" and (isinstance(wanted, bool) or not str(wanted).isdigit()):
        raise invalid("invalid_input", "User assignee id must be an integer.")
    if kind == "role" and not is_uuid(wanted):
        raise invalid("invalid_input", "Role assignee id must be a UUID.")
    assignee: Document = {"type": kind, "id": int(str(wanted)) if kind == "user" else str(uuid.UUID(str(wanted)))}
    check_membership(call, assignee)
    return assignee


def check_membership(call: Call, assignee: Document) -> None:
    """Refuse a user or role that the organization does not have.

    Raises:
        ErrorAnswer: 400.
    """
    kind = assignee["type"]
    if call.store.get(kind, None, assignee["id"]) is None:
        raise invalid("invalid_input", f"Assignee {kind} does not belong to this organization.")
