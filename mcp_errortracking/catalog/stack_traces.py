"""A stack trace as people read one: nearest to the error first, the app's own frames marked, and why PostHog could not
resolve a frame."""

from itertools import islice
from typing import Any, cast

from mcp_errortracking.catalog.endpoint import Lines, as_object, as_objects

MAX_FRAMES = 50
_IN_EXCEPTIONS = ("$exception_list", "$exception_types", "$exception_values")
_CONTEXT_LINES = 3
_MOST_EXCEPTIONS, _MOST_VARIABLES = 50, 100


def show_event(event: dict[str, Any], max_frames: int = MAX_FRAMES) -> dict[str, Any]:
    """An event with its exceptions as lines; every other property stays a field.

    A property with the name of one of PostHog's fields, or of ours, never takes its place: it is shown below
    `properties`.
    """
    properties = as_object(event.get("properties"))
    exceptions = as_objects(properties.get("$exception_list"))
    left_out = _IN_EXCEPTIONS if exceptions else ()
    own = {name: value for name, value in event.items() if name != "properties"}
    taken = {*own, "exceptions", "properties"}
    rest = {name: value for name, value in properties.items() if name not in left_out and name not in taken}
    same = {name: value for name, value in properties.items() if name in taken}
    shown = {**own, **rest}
    if same:
        shown["properties"] = same
    if exceptions:
        shown["exceptions"] = _show_exceptions(exceptions, max_frames)
    return shown


def legend(events: list[dict[str, Any]]) -> list[str]:
    """Return notes on the marks in these events' exceptions, and what to do about them."""
    exceptions = [
        exception
        for event in events
        for exception in as_objects(as_object(event.get("properties")).get("$exception_list"))
    ]
    frames = [
        frame for exception in exceptions for frame in as_objects(as_object(exception.get("stacktrace")).get("frames"))
    ]
    notes = list[str]()
    if any(frame.get("in_app") for frame in frames):
        notes.append("* marks frames of the app's own code.")
    if any(frame.get("resolved") is False for frame in frames):
        notes.append(
            "Frames that are not resolved need the source map of that very build; error-tracking-symbol-sets-list with "
            "ref: the chunk says what PostHog holds."
        )
    return notes


def show_frame(frame: dict[str, Any]) -> str:
    """One frame: `function (path:line:column)`, or what is known of it and why it is not resolved."""
    name = frame.get("resolved_name") or frame.get("mangled_name") or "?"
    place = ":".join(str(part) for part in (frame.get("source"), frame.get("line"), frame.get("column")) if part)
    text = f"{name} ({place})"
    if frame.get("resolved") is False:
        # The chunk names the missing source map; the raw id can be used to get the frame again.
        known = {"chunk": frame.get("chunk_id"), "raw_id": frame.get("raw_id")}
        ids = "".join(f", {label} {value}" for label, value in known.items() if value)
        text += f" [not resolved: {frame.get('resolve_failure') or 'no reason given'}{ids}]"
    return text


def _show_exceptions(exceptions: list[dict[str, Any]], max_frames: int) -> Lines:
    lines = list[str]()
    for index, exception in enumerate(exceptions[:_MOST_EXCEPTIONS]):
        unhandled = as_object(exception.get("mechanism")).get("handled") is False
        cause = "caused by " if index else ""
        lines.append(f"{cause}{exception.get('type')}: {exception.get('value')}{' (unhandled)' if unhandled else ''}")
        frames = as_objects(as_object(exception.get("stacktrace")).get("frames"))[::-1]
        shown = _chosen(frames, max_frames)
        max_frames -= len(shown)
        with_context = next((frame for frame in shown if frame.get("in_app") and frame.get("context")), None)
        for frame in shown:
            lines.append(f"  {'*' if frame.get('in_app') else ' '} {show_frame(frame)}")
            lines += _source(frame, _CONTEXT_LINES if frame is with_context else 0)
            lines += _variables(frame)
        if len(frames) > len(shown):
            lines.append(f"  {len(frames) - len(shown)} frames left out; maxFrames raises the number")
    if len(exceptions) > _MOST_EXCEPTIONS:
        lines.append(f"{len(exceptions) - _MOST_EXCEPTIONS} exceptions left out")
    return tuple(lines)


def _chosen(frames: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """As many frames, in their order: those of the app's own code before any other, then those nearest to the error."""
    if len(frames) <= number:
        return frames
    ranked = sorted(range(len(frames)), key=lambda index: (not frames[index].get("in_app"), index))
    return [frames[index] for index in sorted(ranked[:number])]


def _source(frame: dict[str, Any], around: int) -> list[str]:
    """The line of source a frame stands at, with as many lines before and after it."""
    context = as_object(frame.get("context"))
    before = as_objects(context.get("before"))[-around:] if around else []
    after = as_objects(context.get("after"))[:around]
    at = as_object(context.get("line"))
    if not isinstance(at.get("line"), str):
        return []
    return [
        f"    {'>' if line is at and around else ' '} {line.get('number')}| {line.get('line')}"
        for line in [*before, at, *after]
    ]


def _variables(frame: dict[str, Any]) -> list[str]:
    variables: Any = frame.get("code_variables")
    if not isinstance(variables, dict):
        return []
    known = cast("dict[str, Any]", variables)
    lines = [f"      {name} = {value}" for name, value in islice(known.items(), _MOST_VARIABLES)]
    if len(known) > _MOST_VARIABLES:
        lines.append(f"      {len(known) - _MOST_VARIABLES} variables left out")
    return lines
