"""Assignees by e-mail or name: the id that PostHog wants, if exactly one person or role has it."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from mcp_errortracking.catalog import Declaration
from mcp_errortracking.catalog.assignee import ByName
from mcp_errortracking.catalog.declaration import metadata_of
from mcp_errortracking.catalog.endpoint import uuid_of
from mcp_errortracking.catalog.people import (
    MEMBERS_SCOPE,
    MOST_READ,
    ROLES_SCOPE,
    Person,
    organization,
    own_id,
    people_of,
    roles_of,
)
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.safe_text.escaping import break_tags
from mcp_errortracking.server.arguments import ArgumentsError
from mcp_errortracking.server.cells import one_line

_LONGEST_NAME = 200
_MOST_SHOWN = 5
_LIST = "error-tracking-directory-list"
_OWN = ("me", "@me")
"""Names of the key's user."""


async def read_assignees(
    sender: Sender, declaration: type[Declaration], arguments: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Return the arguments with an id in place of each name of a person or role, and a note on each.

    Raises:
        ArgumentsError: nobody has the name, or more than one has, or the key may not look names up.
        PostHogError: PostHog did not answer.
    """
    read, notes = dict(arguments or {}), list[str]()
    for argument in _assignee_arguments(declaration):
        wanted = _name(read.get(argument))
        if wanted is not None:
            kind, name = wanted
            identity, found = await _look_up(sender, argument, kind, name)
            read[argument] = {"type": kind, "id": identity}
            notes.append(f"{argument}: {one_line(name, _LONGEST_NAME)} is {kind} {identity}, {found}.")
    return (read if notes else arguments), notes


@cache
def _assignee_arguments(declaration: type[Declaration]) -> tuple[str, ...]:
    return tuple(name for name, info in declaration.model_fields.items() if any(metadata_of(info, ByName)))


def _name(value: Any) -> tuple[str, str] | None:
    """Return the type and the name in an assignee without an id; None for an id, and for anything else."""
    if isinstance(value, str) and len(value) <= 4 * _LONGEST_NAME:
        try:  # several clients send an object as a string of JSON
            value = json.loads(value) if value.lstrip().startswith("{") else {"type": "user", "id": value}
        except ValueError:
            return None
        if not isinstance(value, dict) or not _is_plainly_a_name(cast("dict[str, Any]", value).get("id")):
            return None
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, Any]", value)
    kind, name = fields.get("type"), fields.get("id")
    if kind not in ("user", "role") or not isinstance(name, str) or set(fields) != {"type", "id"}:
        return None
    name = name.strip()
    is_id = not name or name.lstrip("+-").isdigit() or uuid_of(name) is not None or name.lower() in ("null", "none")
    return None if is_id or len(name) > _LONGEST_NAME or not name.isprintable() else (kind, name)


def _is_plainly_a_name(text: Any) -> bool:
    return "@" in str(text) or str(text).strip().casefold() in _OWN


async def _look_up(sender: Sender, argument: str, kind: str, name: str) -> tuple[int | str, str]:
    """Return the id of the one person or role with this name, and how PostHog calls them."""
    try:
        if kind == "user" and name.casefold() in _OWN and (own := await send_steps(sender, own_id(), read_only=True)):
            return own, "the user of the API key"
        where = await send_steps(sender, organization(), read_only=True)
        if kind == "user":
            people, is_cut = await send_steps(sender, people_of(where, name), read_only=True)
            known: dict[int | str, str] = {one.id: str(one) for one in people}
            exact: list[int | str] = [one.id for one in people if _is_called(one, name)]
        else:
            roles, is_cut = await send_steps(sender, roles_of(where), read_only=True)
            known = {one.id: one.name for one in roles}
            exact = [one.id for one in roles if one.name.casefold() == name.casefold()]
    except PostHogError as error:
        if error.status not in (403, 404):
            raise
        scope, wanted = (MEMBERS_SCOPE, "integer") if kind == "user" else (ROLES_SCOPE, "UUID")
        raise ArgumentsError(
            f"{argument}: this key may not look up the {kind} with this name (scope {scope}); nothing was changed. "
            f"Give the id ({wanted}): {_LIST} lists those that issues are assigned to."
        ) from None
    # PostHog holds an e-mail once, so that one found is the one; of a name there may be another that was not read.
    if is_cut and not (kind == "user" and "@" in name and exact):
        instead = "e-mail or the id (integer)" if kind == "user" else "id (UUID)"
        raise ArgumentsError(
            f"{argument}: only the first {MOST_READ} of the {kind}s were read, and another may have this name; nothing "
            f"was changed. Give the {instead}."
        )
    if len(exact) == 1:
        return exact[0], one_line(known[exact[0]], _LONGEST_NAME)
    listed = exact or list(known)
    candidates = ", ".join(
        f"{identity} {break_tags(one_line(known[identity], 80))}" for identity in listed[:_MOST_SHOWN]
    )
    if exact:
        raise ArgumentsError(
            f"{argument}: more than one {kind} has this name; nothing was changed. Give the id: {candidates}."
        )
    nearest = f"Nearest: {candidates}. " if candidates else ""
    called = "name or e-mail" if kind == "user" else "name"
    former = "Former members cannot be assigned. " if kind == "user" else ""
    raise ArgumentsError(
        f"{argument}: no {kind} of the organization has this {called}; nothing was changed. {nearest}"
        f"{former}List them with {_LIST}."
    )


def _is_called(person: Person, name: str) -> bool:
    """True if a name is a person's e-mail, its part before the @, the full name, or a word of it.

    A name with an @ is compared with e-mails alone: people choose their own names.
    """
    wanted, email, full = name.casefold(), person.email.casefold(), person.name.casefold()
    if "@" in wanted:
        return wanted == email
    return wanted in (email.partition("@")[0], full, *full.split())
