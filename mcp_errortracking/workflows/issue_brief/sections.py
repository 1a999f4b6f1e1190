"""The sections of a brief as lines, from facts alone."""

import re
from collections import Counter
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects, number_of, text_of
from mcp_errortracking.catalog.stack_traces import exceptions_by_event, legend, show_event
from mcp_errortracking.catalog.trends import picture
from mcp_errortracking.workflows.issue_brief.facts import Facts, commit_of, release_span
from mcp_errortracking.workflows.issue_brief.frames import unresolved
from mcp_errortracking.workflows.issue_brief.people import People
from mcp_errortracking.workflows.issue_brief.source import LocalSource, day
from mcp_errortracking.workflows.repository.objects import CommitObject

_MOST_FRAMES = 12
_MOST_PEOPLE = 5
_MOST_DUPLICATES = 3
_ALIKE = 0.6
_LONGEST_MESSAGE = 300
_COMPARED = 150
"""Characters of two messages that are compared, at a cost that grows with their product."""
_CUT = re.compile(r"… \[truncated from \d+ chars\]$")
_MOST_PARTS = 200
_LARGEST_COUNT = 10**15


def what(facts: Facts, people: People) -> list[str]:
    """Name, message, state and assignee."""
    issue = facts.issue or facts.record
    lines = [f"{text_of(issue, 'name') or '?'}: {text_of(issue, 'description')[:_LONGEST_MESSAGE]}"]
    state = [text_of(issue, "status"), f"severity {text_of(issue, 'severity')}" if issue.get("severity") else ""]
    lines.append(", ".join([*filter(None, state), _assignee(facts, people)]))
    return lines


def trend(facts: Facts) -> list[str]:
    """First and last time, and events in equal parts of the range."""
    if why := facts.missing.get("issue"):
        return [f"first seen {text_of(facts.record, 'first_seen') or '?'}; counts {why}"]
    first = text_of(facts.issue, "first_seen") or text_of(facts.record, "first_seen") or "?"
    lines = [f"first seen {first[:16]}, last seen {text_of(facts.issue, 'last_seen')[:16] or 'not in this range'}"]
    values: Any = facts.issue.get("sparkline")
    if isinstance(values, list) and values:
        counts = " ".join(map(_count, values[:_MOST_PARTS]))  # pyright: ignore[reportUnknownArgumentType]
        lines.append(f"events over the range in equal parts: {counts}")
        if drawn := picture(values[:_MOST_PARTS]):  # pyright: ignore[reportUnknownArgumentType]
            lines.append(drawn)
    return lines


def impact(facts: Facts) -> list[str]:
    """Events, users and sessions in the range."""
    if why := facts.missing.get("issue"):
        return [why]
    counts = as_object(facts.issue.get("impact"))
    if not counts:
        return ["no event in this range: give a longer dateRange"]
    return [", ".join(f"{_count(counts.get(name))} {name}" for name in ("occurrences", "users", "sessions"))]


def who(facts: Facts) -> list[str]:
    """Users of sampled events with counts."""
    if not facts.events:
        return [facts.missing.get("events") or "no event in this range"]
    counts = Counter(text_of(event, "distinct_id") or "?" for event in facts.events)
    named = ", ".join(f"{name} {count}" for name, count in counts.most_common(_MOST_PEOPLE))
    rest = f" and {len(counts) - _MOST_PEOPLE} more" if len(counts) > _MOST_PEOPLE else ""
    return [f"in the newest {len(facts.events)} events (a sample): {named}{rest}"]


def releases(facts: Facts) -> list[str]:
    """Releases of sampled events, the first with the error and the last without it."""
    lines, counts = list[str](), Counter[str]()
    for event in facts.events:
        known = as_object(as_object(event.get("properties")).get("$exception_releases"))
        counts.update({text_of(as_object(one), "version") for one in known.values()} or {"no release"})
    if counts:
        named = ", ".join(f"{version} {count}" for version, count in counts.most_common(_MOST_PEOPLE))
        lines.append(f"in the newest {len(facts.events)} events: {named}")
    if why := facts.missing.get("releases"):
        return [*lines, f"list of releases {why}"]
    span = release_span(facts)
    if span.first_with:
        before = _release(span.last_without) if span.last_without else "not known"
        lines.append(f"in use when first seen: {_release(span.first_with)}; the one before: {before}")
    elif facts.releases:
        lines.append("first seen before every listed release of this product")
    else:
        lines.append("the project has no release")
    return lines


def stack(facts: Facts, resolved: list[str], *, has_roots: bool) -> list[str]:
    """Exceptions and frames of the newest event, and those that were `resolved` here."""
    if not facts.events:
        return [facts.missing.get("events") or "no event in this range"]
    shown: Any = show_event(facts.event, _MOST_FRAMES, exceptions_by_event([facts.event])).get("exceptions", ())
    lines = [f"newest event {text_of(facts.event, 'uuid')}, {text_of(facts.event, 'timestamp')[:16]}", *shown]
    if not shown:
        lines.append("the event has no exception list")
    lines += resolved
    if (number := unresolved(facts.event)) > len(resolved):
        means = "source-maps-resolve with issue" if has_roots else "source-maps-resolve, which needs --root"
        lines.append(f"{number - len(resolved)} frames of the app are not resolved: {means}")
    return lines + [note for note in legend([facts.event]) if note.startswith('"')]


def source(facts: Facts, local: LocalSource) -> list[str]:
    """Each frame's file, its lines, their last commit and owner."""
    if why := facts.missing.get("events"):
        return [why]
    lines = list(local.notes)
    for one in local.frames:
        place = f"{one.path}:{one.frame.line}" if one.path else one.frame.place
        if not one.path and one.note == "not looked up":
            continue
        parts = [f"{one.frame.function} ({place})", one.note, f"owner {one.owners}" if one.owners else ""]
        lines.append("; ".join(filter(None, parts)))
        for number, text in one.context.items():
            lines.append(f"  {'>' if number == one.frame.line else ' '} {number}| {text}")
        if one.commit:
            lines.append(f"    last changed {_commit(one.commit)}")
    return lines


def suspects(facts: Facts, local: LocalSource, people: People) -> list[str]:
    """The commits to suspect, the likeliest first."""
    if why := facts.missing.get("events"):
        return [why]
    if not local.suspects:
        return [*local.notes[:1], "no commit to suspect was found"] if local.notes else ["no commit was found"]
    by_mail = {person.email.casefold(): person for person in people.people if person.email}
    lines = [f"from {local.suspects_from}"]
    for number, one in enumerate(local.suspects, 1):
        person = by_mail.get(one.commit.email.casefold())
        nobody = ", not a member of the organization" if people.is_whole else ""
        user = f", PostHog user {person.id} {person.name}" if person else nobody
        lines.append(f"{number}. {_commit(one.commit)}{user}: {'; '.join(one.reasons)}")
    if people.note:
        lines.append(f"users of PostHog by e-mail: {people.note}")
    lines += [note for note in local.notes if "history" in note or "searched" in note or "clone is shallow" in note]
    owned = {one.owners: one.path for one in reversed(local.frames) if one.owners}
    lines += [f"owner by CODEOWNERS: {owner} ({path})" for owner, path in owned.items()]
    return lines


def recordings(facts: Facts, address: Callable[[str], str]) -> list[str]:
    """Links to recordings of sampled sessions.

    Args:
        address: returns the address of a page of the project.
    """
    if why := facts.missing.get("events"):
        return [why]
    sessions = list[str]()
    for event in facts.events:
        session = text_of(as_object(event.get("properties")), "$session_id")
        if session and len(session) <= 100 and session.replace("-", "").isalnum() and session not in sessions:
            sessions.append(session)
    if not sessions:
        return ["no sampled event names a session"]
    return [address(f"/replay/{one}") for one in sessions[:2]] + ["exist only if the session was recorded"]


def tickets(facts: Facts) -> list[str]:
    """Linked tickets of trackers."""
    if why := facts.missing.get("record"):
        return [why]
    linked = as_objects(facts.record.get("external_issues"))
    rows = [
        " ".join(filter(None, (text_of(as_object(one.get("integration")), "kind"), text_of(one, "external_url", "id"))))
        for one in linked[:5]
    ]
    return rows or ["none linked"]


def duplicates(facts: Facts) -> list[str]:
    """Other issues of the range that are alike, with a score."""
    if why := facts.missing.get("others"):
        return [why]
    mine, own = facts.issue, text_of(facts.issue, "id") or text_of(facts.record, "id")
    scored = [(_alike(mine, other), other) for other in facts.others if text_of(other, "id") != own]
    found = sorted((one for one in scored if one[0] >= _ALIKE), key=lambda one: -one[0])[:_MOST_DUPLICATES]
    lines = [
        f"{text_of(other, 'id')} {score:.0%} alike: {text_of(other, 'name')} in {text_of(other, 'source') or '?'}, "
        f"{text_of(other, 'status')}"
        for score, other in found
    ]
    more = f" of the {len(facts.others)} most frequent issues" if facts.has_more_others else ""
    return lines or [f"none{more} has a like type, file and message"]


def _alike(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Return the likeness of two issues, 0 to 1: type, file and message count alike. A list names no function."""
    same = [bool(text_of(one, name)) and text_of(one, name) == text_of(other, name) for name in ("name", "source")]
    if not any(same):
        return 0
    text, second = (_CUT.sub("", text_of(issue, "description"))[:_COMPARED] for issue in (one, other))
    return (sum(same) + SequenceMatcher(None, text, second).ratio()) / 3


def _assignee(facts: Facts, people: People) -> str:
    assignee = as_object(facts.issue.get("assignee") or facts.record.get("assignee"))
    if not assignee:
        return "assigned to nobody"
    if assignee.get("type") == "user":
        number = number_of(assignee, "id")
        person = next((one for one in people.people if one.id == number), None)
        return f"assigned to user {assignee.get('id')}{f' {person}' if person else ''}"
    role = next((one for one in people.roles if one.id == str(assignee.get("id"))), None)
    return f"assigned to role {assignee.get('id')}{f' {role.name}' if role else ''}"


def _release(release: dict[str, Any]) -> str:
    commit = commit_of(release)
    named = " ".join(filter(None, (text_of(release, "project"), text_of(release, "version"))))
    return f"{named} ({commit[:10] or 'no commit'}, {text_of(release, 'created_at')[:10]})"


def _commit(commit: CommitObject) -> str:
    return f"{commit.id[:10]} {day(commit)} {commit.author} <{commit.email}>: {commit.subject}"


def _count(value: Any) -> str:
    is_count = isinstance(value, int | float) and 0 <= value < _LARGEST_COUNT
    return str(round(value)) if is_count else "?"
