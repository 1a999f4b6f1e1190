"""The `$exception` events of a project's issues, generated from the seed, the same each time.

Times count back from the moment of planting, so that "the last seven days" are never empty.

An exception document holds what all events of an issue share: `list` (as `$exception_list` has it) and `properties`. An
event holds the rest: its own `properties`, its `timestamp`, its user, and in `origin` the id of its exception.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from mcp_errortracking.sandbox.clock import derived_id
from mcp_errortracking.sandbox.stacks import frames_of
from mcp_errortracking.sandbox.store import Document

EVENT, EXCEPTION = "event", "exception"
_DAY = 86_400.0
_AGES_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_SPIKE_HOURS = 3.0
_PAGES = ("/", "/cart", "/checkout", "/account", "/search")
_BROWSERS = ("Chrome", "Chrome", "Chrome", "Safari", "Firefox")
_SYSTEMS = {
    "web": ("Windows", "Mac OS X", "Linux", "iOS", "Android"),
    "posthog-ios": ("iOS",),
    "posthog-android": ("Android",),
    "posthog-react-native": ("iOS", "Android"),
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Frame(_Model):
    """One line of a stack trace, with positions as people count them; ingestion counts those of source maps from 0."""

    source: str | None = None
    line: int | None = Field(default=None, ge=1)
    column: int | None = None
    function: str | None = None
    mangled: str | None = Field(default=None, description="The name of the function as sent; default: its real name.")
    module: str | None = None
    in_app: bool = True
    context: str | None = Field(default=None, description="The line of source code.")
    before: list[str] = Field(default=[], description="The lines before it.")
    after: list[str] = Field(default=[], description="The lines after it.")
    variables: dict[str, Any] | None = Field(default=None, description="Local variables, where the SDK sends them.")
    symbol_set: str | None = Field(default=None, description="The ref of the symbol set that resolves it.")
    failure: str | None = Field(default=None, description="Why it could not be resolved.")
    resolved: bool | None = Field(default=None, description="Default: true unless it has a failure.")
    mapped: bool | None = Field(
        default=None,
        description="A source map resolved it; default: in JavaScript, true unless it failed or ran in Node.",
    )


class Cause(_Model):
    """An exception that led to another."""

    type: str
    value: str = ""
    frames: list[Frame] = []


class History(_Model):
    """The events of one issue; times in days before the start."""

    count: int = Field(ge=0)
    users: int = Field(default=1, ge=1, description="So many people met it.")
    since: float = Field(default=30, description="The first event, days ago.")
    until: float = Field(default=0, description="The last event, days ago.")
    spike: float | None = Field(default=None, description="Days ago: three quarters of the events within three hours.")
    lib: str = Field(default="web", description="The SDK that sent them.")
    lang: str = "javascript"
    handled: bool = False
    releases: list[str] = Field(default=[], description="Versions; the last one sends the newest third.")
    frames: list[Frame] = Field(default=[], description="Nearest to the error first.")
    causes: list[Cause] = Field(default=[], description="What led to it, the nearest first.")


def _is_time(text: str) -> str:
    """Refuse a text that is not a time."""
    try:
        moment(text, _AGES_AGO)
    except (ValueError, OverflowError):
        raise PydanticCustomError(
            "time", "should be a time in ISO 8601, or days before the start, like -2.5d"
        ) from None
    return text


Time = Annotated[str, AfterValidator(_is_time)]
"""A time of the seed: ISO 8601, or `-3d` (days before the start)."""


def moment(text: str, now: datetime) -> str:
    """Return a time of the seed: as it is, or from `-3d` (days before now)."""
    if text.startswith("-") and text.endswith("d"):
        return iso(now - timedelta(days=float(text[1:-1])))
    datetime.fromisoformat(text)
    return text


def iso(time: datetime) -> str:
    """Return a time as PostHog writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def exception_of(issue: Document, history: History) -> Document:
    """Return the part that all events of an issue share: the exception chain, and the properties made from it."""
    chain = [Cause(type=issue["name"], value=issue["description"] or "", frames=history.frames), *history.causes]
    failures = dict.fromkeys(frame.failure for link in chain for frame in link.frames if frame.failure)
    listed = [_exception(issue, history, link, number) for number, link in enumerate(chain)]
    shared: dict[str, Any] = {
        **properties_of(listed),
        "$exception_issue_id": issue["id"],
        "$exception_handled": history.handled,
        "$exception_level": "error",
        "$lib": history.lib,
        "$lib_version": "1.300.0",
    }
    if failures:
        shared["$cymbal_errors"] = list(failures)
    return {"id": issue["id"], "list": listed, "properties": shared}


def properties_of(exceptions: list[Document]) -> Document:
    """Return the properties that ingestion makes from exceptions: the last ones are those of the innermost frame."""
    frames = [frame for one in exceptions for frame in frames_of(one.get("stacktrace")) if frame.get("in_app")]
    return {
        "$exception_types": [one["type"] for one in exceptions if one.get("type")],
        "$exception_values": [one["value"] for one in exceptions if one.get("value") is not None],
        "$exception_sources": _distinct(frames, "source"),
        "$exception_functions": _distinct(frames, "resolved_name"),
    }


def _distinct(frames: list[Document], name: str) -> list[str]:
    return list(dict.fromkeys(frame[name] for frame in frames if frame.get(name)))


def _exception(issue: Document, history: History, link: Cause, number: int) -> Document:
    frames = [_frame(issue, history, frame, number, place) for place, frame in enumerate(link.frames)]
    mechanism: Document = {"handled": history.handled, "type": "generic" if number == 0 else "chained"}
    shown: Document = {"id": derived_id("exception", issue["id"], number), "type": link.type, "value": link.value}
    # PostHog keeps the outermost call first.
    return {**shown, "mechanism": mechanism, "stacktrace": {"type": "resolved", "frames": frames[::-1]}}


def _frame(issue: Document, history: History, frame: Frame, number: int, place: int) -> Document:
    """Return a frame as ingestion writes it (contract 6.13.4, 6.13.6)."""
    in_node = history.lib == "posthog-node"
    mapped = frame.mapped
    if mapped is None:
        mapped = history.lang == "javascript" and frame.failure is None and not in_node
    column = frame.column
    if in_node and not mapped and frame.failure is None:
        column = None
    own: Document = {
        "raw_id": f"{_hash('frame', issue['id'], number, place)}/0",
        "mangled_name": frame.mangled or frame.function or "?",
        "line": frame.line - 1 if mapped and frame.line else frame.line,
        "column": column - 1 if mapped and column else column,
        "source": frame.source,
        "in_app": frame.in_app,
        "resolved_name": None if frame.failure else frame.function,
        "lang": history.lang,
        "module": frame.module,
        "resolved": frame.failure is None if frame.resolved is None else frame.resolved,
        "resolve_failure": frame.failure,
        "synthetic": False,
        "suspicious": False,
    }
    return own if frame.variables is None else {**own, "code_variables": frame.variables}


def _hash(*words: object) -> str:
    return hashlib.sha512("/".join(map(str, words)).encode()).hexdigest()


def _context(frame: Frame) -> Document | None:
    if frame.context is None or frame.line is None:
        return None
    first = frame.line - len(frame.before)
    before = [{"number": first + number, "line": line} for number, line in enumerate(frame.before)]
    after = [{"number": frame.line + 1 + number, "line": line} for number, line in enumerate(frame.after)]
    return {"before": before, "line": {"number": frame.line, "line": frame.context}, "after": after}


def stack_frames_of(exception: Document, history: History, created_at: str) -> Iterator[Document]:
    """Return the frames of an exception as documents of their own, as PostHog keeps them once it has seen them."""
    links = [history.frames, *(cause.frames for cause in history.causes)]
    for shown, frames in zip(exception["list"], links, strict=True):
        for contents, frame in zip(shown["stacktrace"]["frames"], reversed(frames), strict=True):
            yield {
                "id": derived_id("stack_frame", contents["raw_id"]),
                "raw_id": contents["raw_id"],
                "created_at": created_at,
                "contents": contents,
                "resolved": contents["resolved"],
                "context": _context(frame),
                "symbol_set_ref": frame.symbol_set,
                "release": None,
            }


def events_of(
    issue: Document, fingerprints: list[str], history: History, releases: Mapping[str, Document], now: datetime
) -> Iterator[Document]:
    """Return the events, unordered; `origin` names the issue of their exception, also after they move to another issue.

    Args:
        releases: by version, those of the history at least.
    """
    chance = random.Random(f"{issue['id']}/{history.count}")  # noqa: S311 the same story each time, no secret
    is_web = history.lib == "web"
    for number in range(history.count):
        ago = history.until + chance.random() * (history.since - history.until)
        if history.spike is not None and number % 4:
            ago = history.spike - chance.random() * _SPIKE_HOURS / 24
        person = chance.randrange(history.users)
        # The first of many works here, and counts as a test account.
        is_tester = person == 0 and history.users > 1
        name = "ada@acme.example" if is_tester else f"customer-{person}@mail.example"
        properties: dict[str, Any] = {
            "$exception_fingerprint": fingerprints[number % len(fingerprints)],
            "$session_id": derived_id("session", issue["id"], person, number // max(history.users, 1)),
            "$os": chance.choice(_SYSTEMS.get(history.lib, ("Linux",))),
        }
        if is_web:
            properties["$browser"] = chance.choice(_BROWSERS)
            path = chance.choice(_PAGES)
            properties |= {"$current_url": f"https://acme.example{path}", "$pathname": path}
        if history.releases:
            properties["$exception_releases"] = releases_of([releases[_version(history, ago)]])
        yield {
            "id": derived_id("event", issue["id"], number),
            "origin": issue["id"],
            "timestamp": iso(now - timedelta(seconds=ago * _DAY)),
            "distinct_id": name,
            "person_id": derived_id("person", name),
            "properties": properties,
        }


def releases_of(releases: list[Document]) -> Document:
    """Return releases as an event names them, by id (contract 5.2)."""
    return {
        one["id"]: {
            "version": one["version"],
            "project": one["project"],
            "timestamp": one["created_at"],
            "metadata": one["metadata"],
        }
        for one in releases
    }


def _version(history: History, ago: float) -> str:
    is_new = ago <= history.until + (history.since - history.until) / 3
    return history.releases[-1] if is_new else history.releases[0]
