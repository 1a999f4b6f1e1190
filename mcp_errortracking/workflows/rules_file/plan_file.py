"""A plan as a file: JSON, with a hash that finds every edit."""

import hashlib
import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mcp_errortracking.workflows.rules_file.plan import KindPlan, Plan

_VERSION = 1
_MOST_BYTES = 64 * 1024 * 1024
_PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)


class PlanFileError(Exception):
    """A file that is not a plan, or not as `rules plan` wrote it."""


def write_plan(plan: Plan) -> str:
    """Return the content of a plan file."""
    content: dict[str, Any] = {"version": _VERSION, "plan": _PLAN.dump_python(plan, mode="json")}
    return json.dumps({**content, "hash": _hash(content)}, indent=1, ensure_ascii=False) + "\n"


def read_plan(content: bytes) -> Plan:
    """Read a plan file.

    Raises:
        PlanFileError: it is not a plan, was edited, or is of another version.
    """
    try:
        if len(content) > _MOST_BYTES:
            raise ValueError("too large")
        given: Any = json.loads(content)
        stated, version = given.pop("hash"), given["version"]
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        raise PlanFileError("This is not a plan. Make one: rules plan FILE --out PLAN.") from None
    if version != _VERSION:
        raise PlanFileError("This plan was made by another version. Make a new plan: rules plan FILE --out PLAN.")
    if _hash(given) != stated:
        raise PlanFileError(
            "This plan was edited after it was made, and nothing was sent. Change the rules file, and make a new plan."
        )
    try:
        plan = _PLAN.validate_python(given["plan"])
        if not all(map(_is_whole, plan.kinds)):
            raise KeyError
        return plan
    except (ValidationError, KeyError):
        raise PlanFileError("This is not a plan. Make one: rules plan FILE --out PLAN.") from None


def _is_whole(kind: KindPlan) -> bool:
    """True if a kind updates and deletes rules that it knows, and its order names each new rule once."""
    known = {*kind.updates, *kind.deletes} <= {*kind.base}
    return known and sorted(rule for rule in kind.order or () if isinstance(rule, int)) == list(
        range(len(kind.creates))
    )


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash(content: Any) -> str:
    return digest_of(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
