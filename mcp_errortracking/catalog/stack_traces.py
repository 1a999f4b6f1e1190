"""A stack trace as people read one: nearest to the error first, the app's own frames marked, and why PostHog could not
resolve a frame."""

from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects

MAX_FRAMES = 50
_LEFT_OUT = ("$exception_list", "$exception_types", "$exception_values")


def show_event(event: dict[str, Any]) -> dict[str, Any]:
    """An event with its exceptions as text; every other property stays a field."""
    properties = as_object(event.get("properties"))
    exceptions = as_objects(properties.get("$exception_list"))
    left_out = _LEFT_OUT if exceptions else ()
    rest = {name: value for name, value in properties.items() if name not in left_out}
    own = {name: value for name, value in event.items() if name != "properties"}
    return {**own, **rest, **({"exceptions": "\n".join(_lines(exceptions))} if exceptions else {})}


def show_frame(frame: dict[str, Any]) -> str:
    """One frame: `function (path:line:column)`, the line of source, or why it is not resolved."""
    name = frame.get("resolved_name") or frame.get("mangled_name") or "?"
    place = ":".join(str(part) for part in (frame.get("source"), frame.get("line"), frame.get("column")) if part)
    text = f"{name} ({place})"
    line = as_object(as_object(frame.get("context")).get("line")).get("line")
    if isinstance(line, str) and line.strip():
        text += f"  |  {line.strip()}"
    if frame.get("resolved") is False:
        reason = frame.get("resolve_failure") or "no reason given"
        text += f"  [not resolved: {reason}]"
    return text


def _lines(exceptions: list[dict[str, Any]]) -> list[str]:
    lines = list[str]()
    left = MAX_FRAMES
    for exception in exceptions:
        mechanism = as_object(exception.get("mechanism"))
        handled = " (unhandled)" if mechanism.get("handled") is False else ""
        lines.append(f"{exception.get('type')}: {exception.get('value')}{handled}")
        frames = as_objects(as_object(exception.get("stacktrace")).get("frames"))[::-1]
        unresolved = sum(frame.get("resolved") is False for frame in frames)
        for frame in frames[:left]:
            lines.append(f"  {'*' if frame.get('in_app') else ' '} {show_frame(frame)}")
        if len(frames) > left:
            lines.append(f"  ... {len(frames) - left} frames further out left out")
        left = max(left - len(frames), 0)
        if unresolved:
            lines.append(f"  {unresolved} frames are not resolved: upload the source maps of that build.")
    if any(line.startswith("  * ") for line in lines):
        lines.append("  (* the app's own code)")
    return lines
