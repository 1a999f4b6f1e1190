"""The preview of a write: the objects as they are, and what the call makes of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic_core import to_jsonable_python

from mcp_errortracking.catalog import Declaration, Endpoint, ListedBy
from mcp_errortracking.catalog.declaration import metadata_of
from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of
from mcp_errortracking.catalog.issues import RetrieveIssue
from mcp_errortracking.catalog.symbol_sets import RetrieveSymbolSet
from mcp_errortracking.endpoint_calls import send_endpoint, send_steps
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.server.unexpected_errors import log_unexpected_error
from mcp_errortracking.workflows.base import Workflow

_READ_BY: Mapping[str, type[Endpoint]] = {"issue": RetrieveIssue, "symbol set": RetrieveSymbolSet}
"""The call that reads an object that is named and not in the snapshot, by the noun of its id."""
_MOST_READ = 10
"""Objects of one call that are read so; the others are shown by their ids."""
_NAMES = ("name", "ref", "version")
_MOVING = frozenset(["last_seen", "last_used", "updated_at", "occurrences", "users", "sessions", "aggregations"])
"""Fields that change without anybody's doing."""
_OWN = frozenset(["id", "team_id", "created_at", "created_by", "order_key", "disabled_data"])
"""Fields of a deleted object that say little to a person, or that hold an event."""


class Absent:
    """The value of a field on a side where it has none."""


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """A field that a call sets: its value before, if it is known, and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Target:
    """An object that a call changes, creates or deletes; `id` is empty if it has none.

    `role`: the argument that names the object, if it is not the one that the call is about.
    """

    noun: str
    id: str
    name: str
    changes: tuple[Change, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """A call, the objects that it changes, and a sentence on what cannot come back."""

    call: Declaration
    targets: tuple[Target, ...]
    loss: str

    @property
    def state(self) -> bytes:
        """A digest of the preview: another one if the objects that a person is asked about have changed."""
        facts = [
            (
                one.noun,
                one.id,
                one.name,
                one.role,
                [(change.field, _json(change.before), _json(change.after)) for change in one.changes],
            )
            for one in self.targets
        ]
        return hashlib.sha256(json.dumps(facts).encode()).digest()


async def read_preview(call: Declaration, sender: Sender, plan: Mapping[str, Any] | None = None) -> Preview:
    """Read what the call is about to change.

    Args:
        plan: what a workflow would change, as it says itself.

    Raises:
        PostHogError: the object cannot be read; the write would fail too.
    """
    if not isinstance(call, Endpoint):
        loss = call.way_back if isinstance(call, Workflow) else _NO_WAY_BACK
        return Preview(call, (Target("call", "", "", _settings(call, {**_given(call), **(plan or {})}, {})),), loss)
    before = await send_steps(sender, call.snapshot(), read_only=True)
    targets = _targets(call, before) if before and call.snapshot_is_object else await _named(call, sender)
    return Preview(call, tuple(targets), _loss(call, before))


def arguments_of(call: Declaration) -> dict[str, Any]:
    """Return all arguments that were given, those of the shell commands too, as JSON."""
    return to_jsonable_python({name: getattr(call, name) for name in call.model_fields_set})


_NO_WAY_BACK = Workflow.way_back


def _loss(call: Endpoint, before: Mapping[str, Any]) -> str:
    """Return a sentence on what the inverse of a call brings back."""
    if type(call).inverse is Endpoint.inverse:
        return _NO_WAY_BACK
    if before and not _has_inverse(call, before):
        return "No single call undoes this."
    return f"It can be undone, but not completely: {call.undo_loss}" if call.undo_loss else "It can be undone."


def _has_inverse(call: Endpoint, before: Mapping[str, Any]) -> bool:
    try:
        return call.inverse(before, {}) is not None
    except Exception as error:  # of an object in an unknown form
        log_unexpected_error(call.tool, error)
        return False


def _given(call: Declaration) -> dict[str, Any]:
    in_path = call.path_parameters() if isinstance(call, Endpoint) else []
    given = call.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in given.items() if name not in in_path}


def _settings(call: Declaration, given: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(Change(name, before.get(name, ABSENT), value) for name, value in given.items())


def _targets(call: Endpoint, before: Mapping[str, Any]) -> list[Target]:
    """Return the objects of a snapshot: the rows of a list, or the one."""
    given, noun = _given(call), _noun(call)
    if not isinstance(before.get("results"), list):
        changes = _deletion(before) if _deletes(call) else _settings(call, given, before)
        return [_target(noun, before, changes)]
    rows = {str(row.get("id")): row for row in as_objects(before["results"])}
    orders: dict[str, Any] | None = given.get("orders")
    if orders is not None:
        moved = {
            rule: (Change("order_key", rows.get(rule, {}).get("order_key", ABSENT), to),) for rule, to in orders.items()
        }
    else:
        set_to = {name: value for name, value in given.items() if name not in ("ids", "action")}
        moved = {str(one): _settings(call, set_to, rows.get(str(one), {})) for one in given.get("ids", ())}
    return [_target(noun, rows.get(one, {"id": one}), changes) for one, changes in moved.items()]


async def _named(call: Endpoint, sender: Sender) -> list[Target]:
    """Return what a call without a snapshot is about: a new object, or the objects that it names."""
    ids = _ids(call)
    objects = list[Target]()
    for one, (role, noun) in ids.items():
        held = await _read(noun, one, sender) if len(objects) < _MOST_READ else {"id": one}
        objects.append(replace(_target(noun, held), role=role))
    rest = {name: value for name, value in _given(call).items() if not _all_in(value, ids)}
    return [*objects, Target("call", "", "", _settings(call, rest, {}))] if rest or not objects else objects


def _ids(call: Endpoint) -> dict[str, tuple[str, str]]:
    """Return the ids of existing objects among the arguments, with the argument and the noun of each."""
    in_path, found = call.path_parameters(), dict[str, tuple[str, str]]()
    for name, info in type(call).model_fields.items():
        noun = next((one.noun for one in metadata_of(info, ListedBy)), None)
        value = getattr(call, name) if noun else None
        values = list(cast("list[object]", value)) if isinstance(value, list | dict) else [value]
        role = "" if name in in_path else name
        found |= {str(one): (role, noun) for one in values if noun and one is not None}
    return found


def _all_in(value: Any, ids: Mapping[str, object]) -> bool:
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(one, str) and one in ids for one in values)


async def _read(noun: str, one: str, sender: Sender) -> dict[str, Any]:
    if noun not in _READ_BY:
        return {"id": one}
    try:
        held = await send_endpoint(sender, _READ_BY[noun].model_validate({"id": one}))
        return {**as_object(held), "id": one}
    except PostHogError:
        return {"id": one}  # the call says what is wrong with it


def _target(noun: str, held: Mapping[str, Any], changes: tuple[Change, ...] = ()) -> Target:
    return Target(noun, text_of(held, "id"), text_of(held, *_NAMES), changes)


def _noun(call: Endpoint) -> str:
    listed = (one for info in type(call).model_fields.values() for one in metadata_of(info, ListedBy))
    return next((one.noun for one in listed), "rule" if "-rules-" in call.tool else "settings")


def _deletes(call: Endpoint) -> bool:
    return call.method == "DELETE" or (call.request().json or {}).get("deleted") is True


def _deletion(held: Mapping[str, Any]) -> tuple[Change, ...]:
    left_out = _MOVING | _OWN | {name for name in _NAMES if held.get(name) == text_of(held, *_NAMES)}
    shown = {name: value for name, value in held.items() if name not in left_out and value not in (None, "", [], {})}
    return tuple(Change(name, value, ABSENT) for name, value in shown.items())


def _json(value: Any) -> str:
    return "" if value is ABSENT else json.dumps(value, sort_keys=True, default=str)
