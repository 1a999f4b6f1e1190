"""The events of a query about issues, by the issue that owns their fingerprint now (contract 6.13)."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from mcp_errortracking.sandbox.call import Call
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.conditions import Condition, Occurrence, read_conditions
from mcp_errortracking.sandbox.errors import invalid
from mcp_errortracking.sandbox.history import EVENT, EXCEPTION, iso
from mcp_errortracking.sandbox.ranges import Range
from mcp_errortracking.sandbox.store import Document

_TESTERS = "@acme.example"  # what the project counts as test accounts
_TEXTS = (
    ("searchQuery", 500),
    ("release", 500),
    ("user", 500),
    ("url", 1000),
    ("filePath", 1000),
)
_IN_ISSUES = ("$exception_types", "$exception_values", "$exception_sources", "$exception_functions")
_IN_EVENTS = ("$exception_types", "$exception_values", "$current_url")


def occurrences(
    call: Call, fields: Document, time: Range, issues: dict[str, Document], *, in_events: bool = False
) -> dict[str, list[Occurrence]]:
    """Return the events of these issues that meet every condition of the query, oldest first, by issue.

    Args:
        issues: by id.
        in_events: search the words of `searchQuery` in the events rather than in the issues.

    Raises:
        ErrorAnswer: 400.
    """
    wanted = _read(fields, _IN_EVENTS if in_events else _IN_ISSUES)
    owner = {one["fingerprint"]: one["issue_id"] for one in call.store.all("fingerprint", call.project_id)}
    exceptions = {one["id"]: one for one in call.store.all(EXCEPTION, call.project_id)}
    found = dict[str, list[Occurrence]]()
    for event in call.store.within(EVENT, call.project_id, iso(time.begin), iso(time.end)):
        issue = issues.get(owner.get(event["properties"]["$exception_fingerprint"], ""))
        if issue is None:
            continue
        exception = exceptions[event["origin"]]
        whole = {
            **event,
            "properties": {**exception["properties"], **event["properties"]},
            "exceptions": exception["list"],
            "person": {"email": event["distinct_id"]},
            "issue": issue,
        }
        if all(holds(whole) for holds in wanted):
            found.setdefault(issue["id"], []).append(whole)
    return found


def _read(fields: Document, searched: tuple[str, ...]) -> list[Condition]:
    texts = {name: _text(fields, name, limit) for name, limit in _TEXTS}
    wanted = list[Condition]()
    testers = fields.get("filterTestAccounts", True)
    if not isinstance(testers, bool):
        raise invalid("invalid_input", "Must be a valid boolean.", "filterTestAccounts")
    if testers:
        wanted.append(lambda event: not event["distinct_id"].endswith(_TESTERS))
    if text := texts["searchQuery"]:
        wanted.append(lambda event: any(text in _flat(event, name) for name in searched) or text in _email(event))
    if release := texts["release"]:
        wanted.append(lambda event: release in _releases(event))
    if user := texts["user"]:
        wanted.append(lambda event: user in _email(event))
    if url := texts["url"]:
        wanted.append(lambda event: url in _flat(event, "$current_url"))
    if path := texts["filePath"]:
        wanted.append(lambda event: path in _flat(event, "$exception_sources"))
    for name, held in (("library", "$lib"), ("fingerprint", "$exception_fingerprint")):
        if given := fields.get(name):
            wanted.append(_one_of(held, cast("list[Any]", given) if isinstance(given, list) else [given]))
    if person := fields.get("personId"):
        if not is_uuid(person):
            raise invalid("invalid_input", "Must be a valid UUID.", "personId")
        wanted.append(lambda event: event["person_id"] == str(uuid.UUID(str(person))))
    return [*wanted, *read_conditions(fields.get("filterGroup"))]


def _one_of(name: str, choices: list[Any]) -> Callable[[Occurrence], bool]:
    return lambda event: event["properties"].get(name) in choices


def _flat(event: Occurrence, name: str) -> str:
    held: Any = event["properties"].get(name) or ""
    return (held if isinstance(held, str) else "\n".join(map(str, held))).lower()


def _email(event: Occurrence) -> str:
    return event["distinct_id"].lower()


def _releases(event: Occurrence) -> list[str]:
    """Return the names of a release: its id, its version, its commit."""
    names = list[str]()
    for release in event["properties"].get("$exception_releases", {}).values():
        metadata: Document = release["metadata"] or {}
        git: Document = metadata.get("git") or {}
        names += [release["id"], release["version"].lower(), str(git.get("commit_id", "")).lower()]
    return names


def _text(fields: Document, name: str, limit: int) -> str:
    value = str(fields.get(name) or "")
    if len(value) > limit:
        raise invalid("max_length", f"Ensure this field has no more than {limit} characters.", name)
    return value.lower()
