"""What happened in a project: the `$exception` events of its issues, made from the seed, the same ones each time.

Times count back from the moment of planting, so that "the last seven days" are never empty.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mcp_errortracking.sandbox.clock import derived_id
from mcp_errortracking.sandbox.store import Document

EVENT, EXCEPTION = "event", "exception"
_DAY = 86_400.0
_SPIKE_HOURS = 3.0
_PAGES = ("/", "/cart", "/checkout", "/account", "/search")
_BROWSERS = ("Chrome", "Chrome", "Chrome", "Safari", "Firefox")
_SYSTEMS = ("Windows", "Mac OS X", "Linux", "iOS", "Android")


class Frame(BaseModel):
    """One line of a stack trace."""

    model_config = ConfigDict(extra="forbid")

    source: str
    line: int
    column: int | None = None
    function: str | None = None
    in_app: bool = True
    context: str | None = Field(default=None, description="The line of source code.")
    failure: str | None = Field(default=None, description="Why it could not be resolved.")


class History(BaseModel):
    """The events of one issue; times in days before the start."""

    model_config = ConfigDict(extra="forbid")

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


def moment(text: str, now: datetime) -> str:
    """A time of the seed: as it is, or from `-3d` (days before now)."""
    if text.startswith("-") and text.endswith("d"):
        return _iso(now - timedelta(days=float(text[1:-1])))
    return text


def exception_of(issue: Document, history: History) -> Document:
    """What all events of an issue share: type, value and stack trace, as `$exception_list` has them."""
    frames = [
        {
            "raw_id": f"{derived_id('frame', issue['id'], number)}/0",
            "mangled_name": frame.function or "?",
            "resolved_name": None if frame.failure else frame.function,
            "line": frame.line,
            "column": frame.column,
            "source": frame.source,
            "in_app": frame.in_app,
            "lang": history.lang,
            "resolved": frame.failure is None,
            "resolve_failure": frame.failure,
            "context": _context(frame),
        }
        for number, frame in enumerate(history.frames)
    ]
    frames.reverse()  # PostHog keeps the outermost call first
    return {
        "id": issue["id"],
        "lib": history.lib,
        "list": [
            {
                "type": issue["name"],
                "value": issue["description"] or "",
                "mechanism": {"handled": history.handled, "type": "generic"},
                "stacktrace": {"type": "resolved", "frames": frames},
            }
        ],
    }


def _context(frame: Frame) -> Document | None:
    if frame.context is None:
        return None
    return {"before": [], "line": {"number": frame.line, "line": frame.context}, "after": []}


def events_of(issue: Document, fingerprints: list[str], history: History, now: datetime) -> Iterator[Document]:
    """The events, in no order; `origin` names the issue whose exception they show, wherever they belong later."""
    chance = random.Random(f"{issue['id']}/{history.count}")  # noqa: S311 the same story each time, no secret
    exception = exception_of(issue, history)
    functions = [frame.function for frame in history.frames if frame.function]
    sources = [frame.source for frame in history.frames]
    for number in range(history.count):
        ago = history.until + chance.random() * (history.since - history.until)
        if history.spike is not None and number % 4:
            ago = history.spike - chance.random() * _SPIKE_HOURS / 24
        person = chance.randrange(history.users)
        system = chance.choice(_SYSTEMS)
        version = _version(history, ago)
        is_web = history.lib == "web"
        properties: dict[str, Any] = {
            "$exception_types": [issue["name"]],
            "$exception_values": [issue["description"] or ""],
            "$exception_sources": sources,
            "$exception_functions": functions,
            "$exception_fingerprint": fingerprints[number % len(fingerprints)],
            "$exception_handled": history.handled,
            "$exception_level": "error",
            "$lib": history.lib,
            "$lib_version": "1.300.0",
            "$session_id": derived_id("session", issue["id"], person, number // max(history.users, 1)),
            "$os": system,
            "$release": version,
            "$browser": chance.choice(_BROWSERS) if is_web else None,
            "$current_url": f"https://acme.example{chance.choice(_PAGES)}" if is_web else None,
        }
        yield {
            "id": derived_id("event", issue["id"], number),
            "origin": exception["id"],
            "timestamp": _iso(now - timedelta(seconds=ago * _DAY)),
            "distinct_id": f"user-{person}@acme.example" if person == 0 else f"customer-{person}@mail.example",
            "properties": {name: value for name, value in properties.items() if value is not None},
        }


def _version(history: History, ago: float) -> str | None:
    if not history.releases:
        return None
    is_new = ago <= history.until + (history.since - history.until) / 3
    return history.releases[-1] if is_new else history.releases[0]


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
