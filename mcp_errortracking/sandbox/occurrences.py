"""The events of a query about issues, by the issue that owns their fingerprint now (contract 6.13)."""

import re
import uuid
from collections.abc import Callable
from typing import Any, cast

from mcp_errortracking.sandbox.call import Call
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.conditions import Condition, Occurrence, read_conditions
from mcp_errortracking.sandbox.errors import invalid
from mcp_errortracking.sandbox.history import EVENT, EXCEPTION, iso
from mcp_errortracking.sandbox.ranges import Range
from mcp_errortracking.sandbox.stacks import frames_of
from mcp_errortracking.sandbox.store import Document

_TESTERS = "@acme.example"  # what the project counts as test accounts
_TEXTS = (
    ("searchQuery", 500),
    ("release", 500),
    ("user", 500),
    ("url", 1000),
    ("filePath", 1000),
)
_SEARCHED = ("$exception_types", "$exception_values", "$exception_sources", "$exception_functions")
_SEARCHED_IN_EVENTS = ("$exception_types", "$exception_values", "$current_url")
_LEGACY = ("archived", "pending_release")
_WORDS = re.compile(r'"([^"]*)"|(\S+)')


def occurrences(
    call: Call, fields: Document, time: Range, issues: dict[str, Document], *, in_events: bool = False
) -> dict[str, list[Occurrence]]:
    """Return the events of these issues that meet every condition of the query, oldest first, by issue.

    Args:
        issues: by id.
        in_events: `searchQuery` is one text, and looked for in fewer places.

    Raises:
        ErrorAnswer: 400.
    """
    wanted = _read(call, fields, in_events=in_events)
    owner = {one["fingerprint"]: one["issue_id"] for one in call.store.all("fingerprint", call.project_id)}
    exceptions = {one["id"]: one for one in call.store.all(EXCEPTION, call.project_id)}
    seen = {name: {**issue, "status": status_of(call, issue)} for name, issue in issues.items()}
    found = dict[str, list[Occurrence]]()
    for event in call.store.within(EVENT, call.project_id, iso(time.begin), iso(time.end)):
        issue = seen.get(owner.get(event["properties"]["$exception_fingerprint"], ""))
        if issue is None:
            continue
        exception = exceptions[event["origin"]]
        whole = {
            **event,
            "properties": {**exception["properties"], **event["properties"]},
            "exceptions": exception["list"],
            "person": event.get("person") or {"email": event["distinct_id"]},
            "issue": issue,
        }
        if all(holds(whole) for holds in wanted):
            found.setdefault(issue["id"], []).append(whole)
    return found


def _read(call: Call, fields: Document, *, in_events: bool) -> list[Condition]:
    texts = {name: _text(fields, name, limit) for name, limit in _TEXTS}
    wanted = list[Condition]()
    testers = fields.get("filterTestAccounts", True)
    if not isinstance(testers, bool):
        raise invalid("invalid_input", "Must be a valid boolean.", "filterTestAccounts")
    if testers:
        wanted.append(lambda event: not _email(event).endswith(_TESTERS))
    if in_events:
        if text := texts["searchQuery"].lower():
            wanted.append(lambda event: any(text in _flat(event, name) for name in _SEARCHED_IN_EVENTS))
    elif words := _words(texts["searchQuery"], texts["user"], texts["filePath"]):
        in_frames = call.features.lean_queries
        wanted.append(lambda event: all(any(word in text for text in _places(event, in_frames)) for word in words))
    if release := texts["release"]:
        wanted.append(lambda event: release in _releases(event))
    if url := texts["url"].lower():
        wanted.append(lambda event: url in _flat(event, "$current_url"))
    for name, held in (("library", "$lib"), ("fingerprint", "$exception_fingerprint")):
        if fields.get(name) is not None:
            wanted.append(_one_of(held, _texts(fields[name], name)))
    if person := fields.get("personId"):
        if not is_uuid(person):
            raise invalid("invalid_input", "Must be a valid UUID.", "personId")
        wanted.append(lambda event: event["person_id"] == str(uuid.UUID(str(person))))
    return [*wanted, *read_conditions(fields.get("filterGroup"))]


def _words(*texts: str) -> list[str]:
    """Return the words of all texts; quotes keep words together."""
    return [(quoted or word).lower() for text in texts for quoted, word in _WORDS.findall(text) if quoted or word]


def _places(event: Occurrence, in_frames: bool) -> list[str]:
    """Return the texts in which words are searched: of frames all, since PostHog's choice is not known."""
    places = [*(_flat(event, name) for name in _SEARCHED), _email(event)]
    if in_frames:
        places += [
            value.lower()
            for exception in event["exceptions"]
            for frame in frames_of(exception.get("stacktrace"))
            for value in frame.values()
            if isinstance(value, str)
        ]
    return places


def _texts(given: Any, name: str) -> list[str]:
    choices = cast("list[Any]", given) if isinstance(given, list) else [given]
    if not choices or not all(isinstance(one, str) for one in choices):
        raise invalid("invalid_input", "Expected a string or a non-empty list of strings.", name)
    return choices


def _one_of(name: str, choices: list[str]) -> Callable[[Occurrence], bool]:
    return lambda event: event["properties"].get(name) in choices


def _flat(event: Occurrence, name: str) -> str:
    held: Any = event["properties"].get(name) or ""
    return (held if isinstance(held, str) else "\n".join(map(str, held))).lower()


def _email(event: Occurrence) -> str:
    return str(event["person"].get("email") or "").lower()


def status_of(call: Call, issue: Document) -> str:
    """Return the status of an issue as queries see it: today's know the two legacy statuses as resolved."""
    return "resolved" if call.features.lean_queries and issue["status"] in _LEGACY else issue["status"]


def releases_of_event(event: Occurrence) -> dict[str, Document]:
    """Return the releases that an event names, by id."""
    held: Any = event["properties"].get("$exception_releases")
    return cast("dict[str, Document]", held) if isinstance(held, dict) else {}


def git_of(release: Document) -> Document:
    """Return the commit of a release as its metadata has it."""
    metadata: Document = release.get("metadata") or {}
    return metadata.get("git") or {}


def _releases(event: Occurrence) -> list[str]:
    """Return the names of the releases of an event: id, version, commit."""
    return [
        str(name)
        for release_id, release in releases_of_event(event).items()
        for name in (release_id, release.get("version"), git_of(release).get("commit_id"))
    ]


def _text(fields: Document, name: str, limit: int) -> str:
    value = str(fields.get(name) or "")
    if len(value) > limit:
        raise invalid("max_length", f"Ensure this field has no more than {limit} characters.", name)
    return value
