"""Events as `query/issue_events` returns them (contract 6.13.3)."""

from typing import Any, cast

from mcp_errortracking.sandbox.conditions import Occurrence
from mcp_errortracking.sandbox.stacks import MAX_FRAMES, References, frames_of, is_empty, show_stack
from mcp_errortracking.sandbox.store import Document
from mcp_errortracking.sandbox.truncation import cut

GROUPS: dict[str, tuple[str, ...]] = {
    "exception": (
        *("$exception_types", "$exception_values", "$exception_list", "$exception_fingerprint"),
        *("$exception_level", "$exception_handled"),
    ),
    "stacktrace": ("$exception_list",),
    "code_variables": ("$exception_list",),
    "environment": (
        *("$lib", "$lib_version", "$browser", "$browser_version", "$os", "$os_version"),
        *("$app_namespace", "$app_version", "$device_type"),
    ),
    "release": ("$exception_releases",),
    "navigation": ("$current_url", "$screen_name", "$referrer"),
    "correlation": ("$session_id", "$trace_id", "$span_id", "$ai_trace_id", "$ai_span_id"),
    "diagnostics": ("$cymbal_errors",),
}
USUAL_GROUPS = ["exception", "environment", "navigation", "correlation"]
VERBOSITIES = ("summary", "stack", "raw")
_OF_OLD_SERVERS = (
    *("$exception_types", "$exception_values", "$exception_list", "$exception_fingerprint", "$exception_issue_id"),
    *("$session_id", "$lib", "$browser", "$browser_version", "$os", "$os_version", "$current_url"),
)
_MAX_VALUE = 1000


def event_rows(events: list[Occurrence], include: list[str], *, only_app: bool) -> list[Document]:
    """Return a page of events with the properties of these groups."""
    names = list(dict.fromkeys(name for group in include for name in GROUPS[group]))
    variables = "code_variables" in include
    with_stacks = variables or "stacktrace" in include
    references = References()
    rows = list[Document]()
    for event in events:
        listed = list[Document]()
        for index, exception in enumerate(event["exceptions"]):
            stack = None
            if with_stacks and frames_of(exception.get("stacktrace")):
                stack = show_stack(exception["stacktrace"], only_app=only_app, variables=variables, limit=MAX_FRAMES)
                stack = references.shorten(stack, event["id"], index)
            listed.append(_exception(exception, stack))
        rows.append(_row(event, names, listed))
    return rows


def verbose_rows(events: list[Occurrence], verbosity: str, *, only_app: bool) -> list[Document]:
    """Return a page of events as servers did before `include`: all properties, and stacks by verbosity."""
    if verbosity == "raw":
        return [_bare_row(event, {**event["properties"], "$exception_list": event["exceptions"]}) for event in events]
    rows = list[Document]()
    for event in events:
        listed = list[Document]()
        for exception in event["exceptions"]:
            stack = None
            if verbosity == "stack" and frames_of(exception.get("stacktrace")):
                stack = show_stack(exception["stacktrace"], only_app=only_app, variables=True, limit=None)
            listed.append(_exception(exception, stack))
        rows.append(_row(event, _OF_OLD_SERVERS, listed))
    return rows


def _row(event: Occurrence, names: Any, listed: list[Document]) -> Document:
    known: Document = {**event["properties"], "$exception_list": listed}
    if isinstance(values := known.get("$exception_values"), list):
        known["$exception_values"] = [cut(str(one), _MAX_VALUE) for one in cast("list[Any]", values)]
    return _bare_row(event, {name: known[name] for name in names if not is_empty(known.get(name))})


def _bare_row(event: Occurrence, properties: Document) -> Document:
    own = {name: event[name] for name in ("timestamp", "distinct_id")}
    return {"uuid": event["id"], **own, "properties": properties}


def _exception(exception: Document, stack: Document | None) -> Document:
    shown = {name: exception.get(name) for name in ("type", "value", "module", "mechanism")}
    if isinstance(shown["value"], str):
        shown["value"] = cut(shown["value"], _MAX_VALUE)
    return {name: value for name, value in {**shown, "stacktrace": stack}.items() if not is_empty(value)}
